"""Which blockers are in use, and at which cost: the `candidates` part of the configuration."""

from dataclasses import dataclass, field, fields
from typing import Final

from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.candidates.keys import KEYS
from linkage_rl.candidates.registry import MAX_BLOCKERS
from linkage_rl.checks import COUNT, FINITE, check_ranges
from linkage_rl.errors import ConfigError

DEFAULT_COST: Final = 0.0005
"""Cost of a key of `keys.KEYS` that `BlockerCosts` does not name."""


@dataclass(frozen=True)
class BlockerCosts:
    """Cost of each key blocker, unit: one correct link; a negative cost leaves the blocker out.

    The costs are 0.0002 per microsecond that a look-up takes in the table of 1.62 million rows. A
    key of `keys.KEYS` without a field here costs 0.0005; a field gives it another cost, and makes
    the cost a setting: `candidates.costs.phone=0.002`.
    """

    corporate_number: float = 0.0005
    phone: float = 0.0005
    domain: float = 0.0005
    name: float = 0.0005
    core: float = 0.0005
    kana: float = 0.001
    address: float = 0.006
    former_name: float = 0.0005


@dataclass(frozen=True)
class CandidateSettings:
    """How candidates are proposed: by which blockers, at which cost, and how many.

    A subclass that adds blockers of its own to `blockers` registers their classes, see `registry`.
    """

    limit: int = 20
    """Candidates kept per client and blocker."""
    max_rows: int = 4096
    """Companies of one key that are compared; the rest is ignored."""
    costs: BlockerCosts = field(default_factory=BlockerCosts)
    ngram: NgramBlocker = field(default_factory=NgramBlocker)
    """The n-gram blocker; a negative cost leaves it out."""

    def __post_init__(self) -> None:
        check_ranges(
            "candidates.costs", self.costs, {one.name: FINITE for one in fields(self.costs)}
        )
        check_ranges("candidates", self, {"max_rows": COUNT})
        if not 1 <= self.limit <= 128:
            raise ConfigError(f"candidates.limit must lie in 1..128, got {self.limit}")
        blockers = self.blockers()
        if len(blockers) > MAX_BLOCKERS:
            raise ConfigError(
                f"candidates may use {MAX_BLOCKERS} blockers, got {len(blockers)}; leave some out "
                "by a negative cost"
            )
        if not blockers:
            raise ConfigError(
                "candidates needs a blocker; set a cost of 0 or more for at least one"
            )

    def blockers(self) -> tuple[Blocker, ...]:
        """The blockers in use: keys as listed in `BlockerCosts`, other keys, then the n-grams."""
        named = {one.name: getattr(self.costs, one.name) for one in fields(self.costs)}
        costs = named | {name: DEFAULT_COST for name in KEYS if name not in named}
        exact = [KeyBlocker(name, cost, self.max_rows) for name, cost in costs.items() if cost >= 0]
        return (*exact, *([self.ngram] if self.ngram.cost >= 0 else []))
