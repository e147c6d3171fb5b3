"""How links are drawn for an audit of their precision, and how their answers are scaled for bets.

A link is drawn again and again from the whole list, in proportion to how uncertain its confidence
leaves it (importance sampling); what its confidence predicts is subtracted from its answer and the
known mean of that is added (a control variate). See Horvitz and Thompson (1952), and Owen (2013),
"Monte Carlo theory, methods and examples", sections 8.9 and 9.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

_EVEN: Final = 0.2
"""Share of the draws that are made with the same chance for every link."""
_RISK_FLOOR: Final = 0.005
_TOP: Final = 0.5
"""Share of the links, those of lowest confidence, that the highest threshold leaves out."""
_THRESHOLDS: Final = 40
_TYPICAL: Final = 200
_STEPS: Final = 7
"""Stakes, each half of the one before."""
_MOST: Final = 0.9


@dataclass(frozen=True)
class Part:
    """The links from one confidence on; every value is known before the first answer."""

    threshold: float
    """Confidence from which on a link belongs to it."""
    links: int
    error: float
    """Mean error that the confidences predict."""
    weight: float
    """Mean relative chance of being drawn; 1 for the whole list."""
    low: float
    """Least value of a scaled difference between answer and prediction."""
    high: float
    """Largest such value."""
    variance: float
    """Of that difference, if the confidences are right."""

    def scaled(self, difference: NDArray[np.float64]) -> NDArray[np.float64]:
        """Differences as values in [0, 1], high for right links.

        Args:
            difference: Error minus predicted error, over the relative chance of being drawn.
        """
        x = 1 - (difference * self.weight - self.low) / (self.high - self.low)
        return np.asarray(x.clip(0.0, 1.0), dtype=np.float64)

    def mean_at(self, precision: float) -> float:
        """Mean of `scaled` in a list of this precision."""
        excess = 1 - precision - self.error
        return float(np.clip(1 - (excess - self.low) / (self.high - self.low), 1e-9, 1 - 1e-9))

    def precision_at(self, mean: float) -> float:
        """Precision of a list whose `scaled` has this mean, in [0, 1]."""
        excess = self.low + (1 - mean) * (self.high - self.low)
        return float(np.clip(1 - self.error - excess, 0.0, 1.0))

    def stakes(self, gap: float, mean: float) -> NDArray[np.float64]:
        """Stakes for a precision that is up to `gap` off the claimed one.

        Args:
            gap: The largest difference in precision that is worth a stake of its own.
            mean: The claimed mean, see `bets.mixture_wealth`.
        """
        span = self.high - self.low
        step = gap / span
        best = step / (self.variance / span**2 + step**2) * mean
        return np.minimum(best * 0.5 ** np.arange(_STEPS, dtype=np.float64), _MOST)


@dataclass(frozen=True)
class AuditDesign:
    """An audit of a list: the claim, and the chances with which its links are drawn."""

    goal: float
    """Precision to be shown, in (0, 1)."""
    confidence: float
    """Chance that what is said is right, in (0, 1)."""
    risk: float
    """Mean risk of the links, see `risk_of`."""
    parts: tuple[Part, ...]
    """From the highest threshold down to the whole list, which is the last."""
    typical: tuple[float, ...]
    """Confidences of draws: quantiles of what is drawn, rising or equal."""

    @classmethod
    def of(cls, goal: float, confidence: float, links: NDArray[np.float64]) -> Self:
        """Plan an audit.

        Args:
            goal: See the attribute.
            confidence: See the attribute.
            links: Confidence of every link of the list, in [0, 1], shape (N,), N > 0.
        """
        falling = np.sort(links)[::-1]
        risk = risk_of(falling)
        mean_risk = float(risk.mean())
        chance = _EVEN + (1 - _EVEN) * risk / mean_risk
        error = 1 - falling
        sums = _Sums(error, risk, chance)
        thresholds = np.quantile(falling, np.linspace(0, _TOP, _THRESHOLDS), method="lower")
        ends = np.unique(np.searchsorted(-falling, -thresholds, side="right"))
        parts = tuple(sums.part(float(falling[end - 1]), int(end)) for end in ends)
        edges = chance[::-1].cumsum() / chance.sum()
        at = np.searchsorted(edges, (np.arange(_TYPICAL) + 0.5) / _TYPICAL)
        return cls(goal, confidence, mean_risk, parts, tuple(falling[::-1][at].tolist()))

    @property
    def whole(self) -> Part:
        """The whole list."""
        return self.parts[-1]

    def chance(self, confidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance of being drawn, relative to a draw with equal chances; shape (N,)."""
        return _EVEN + (1 - _EVEN) * risk_of(confidence) / self.risk

    def draws(
        self, links: NDArray[np.float64], number: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Positions of the drawn links, with replacement, shape (number,)."""
        edges = self.chance(links).cumsum()
        drawn = np.searchsorted(edges, rng.random(number) * edges[-1], side="right")
        return np.asarray(np.minimum(drawn, len(links) - 1), dtype=np.int64)

    def differences(
        self, confidence: NDArray[np.float64], error: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Error minus predicted error over the relative chance of being drawn; shape (n,)."""
        return (error - (1 - confidence)) / self.chance(confidence)

    def to_json(self) -> dict[str, Any]:
        """As an object of JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """From what `to_json` gives."""
        parts: Sequence[dict[str, Any]] = values["parts"]
        return cls(
            values["goal"],
            values["confidence"],
            values["risk"],
            tuple(Part(**one) for one in parts),
            tuple(values["typical"]),
        )


def risk_of(confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of an answer as its confidence predicts it, with a floor; shape (N,)."""
    right = confidence.clip(_RISK_FLOOR, 1.0)
    wrong = (1 - confidence).clip(_RISK_FLOOR, 1.0)
    risk: NDArray[np.float64] = np.sqrt(right * wrong)
    return risk


class _Sums:
    """Sums over the links with the highest confidences, for every number of them."""

    def __init__(
        self,
        error: NDArray[np.float64],
        risk: NDArray[np.float64],
        chance: NDArray[np.float64],
    ) -> None:
        """Predicted error, risk and relative chance by falling confidence, each of shape (N,)."""
        self._error = error.cumsum()
        self._chance = chance.cumsum()
        self._low = np.maximum.accumulate(error / chance)
        self._high = np.maximum.accumulate((1 - error) / chance)
        self._variance = (risk**2 / chance).cumsum()

    def part(self, threshold: float, links: int) -> Part:
        last = links - 1
        weight = float(self._chance[last]) / links
        return Part(
            threshold,
            links,
            float(self._error[last]) / links,
            weight,
            -float(self._low[last]) * weight,
            float(self._high[last]) * weight,
            float(self._variance[last]) / links * weight,
        )
