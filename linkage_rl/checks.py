"""Ranges of settings, checked where a settings object is made: before anything runs.

A dataclass that is the schema of a part of the configuration states the range of each of its
numbers in `__post_init__`; a value outside is refused in one sentence that names its key.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from linkage_rl.errors import ConfigError

_MANY: Final = 2**31 - 1
"""Counts end here; messages name this limit only to a larger value."""


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`; neither NaN nor an infinity lies in any range."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    """Whether `low` itself is outside."""
    open_high: bool = False
    """Whether `high` itself is outside."""

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and math.isfinite(value)

    def refusal(self, value: float) -> str:
        """What `value`, which is outside, must do instead: the end of a sentence.

        >>> Range(0, 1, open_low=True).refusal(2), Range(1).refusal(0)
        ('lie in (0, 1]', 'be at least 1')
        """
        if math.isinf(self.low) and math.isinf(self.high):
            return "be a finite number"
        if self.high >= _MANY and not value > self.high:
            return f"be above {self.low}" if self.open_low else f"be at least {self.low}"
        if math.isinf(self.high):
            return "be finite"
        if math.isinf(self.low):
            return f"be below {self.high}" if self.open_high else f"be at most {self.high}"
        left, right = "[("[self.open_low], "])"[self.open_high]
        return f"lie in {left}{self.low}, {self.high}{right}"


FINITE: Final = Range()
NOT_NEGATIVE: Final = Range(0)
POSITIVE: Final = Range(0, open_low=True)
SHARE: Final = Range(0, 1)
"""A share of a whole, or a probability."""
COUNT: Final = Range(1, _MANY)
"""How many of something there are, one at least; what fits the arrays that hold it."""
COUNT_OR_NONE: Final = Range(0, _MANY)
SEED: Final = Range(0, 2**32 - 1)
"""What every generator takes: NumPy's global one takes no other."""


def check_ranges(key: str, settings: object, ranges: Mapping[str, Range]) -> None:
    """Refuse settings with a number outside of its range.

    Args:
        key: Dotted key of the settings in the configuration; '' for the whole configuration.
        settings: A dataclass.
        ranges: Name of a field to its range.

    Raises:
        ConfigError: A number is outside; the message names its key, its range and the number.

    >>> from types import SimpleNamespace
    >>> check_ranges("training", SimpleNamespace(width=0), {"width": Range(1)})
    Traceback (most recent call last):
        ...
    linkage_rl.errors.ConfigError: training.width must be at least 1, got 0
    """
    for name, limits in ranges.items():
        value = getattr(settings, name)
        if value not in limits:
            full = f"{key}.{name}" if key else name
            raise ConfigError(f"{full} must {limits.refusal(value)}, got {value}")
