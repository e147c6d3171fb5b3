"""Which blockers are used at which cost: the configuration of the candidates floor."""

from dataclasses import dataclass, field, fields

from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.checks import COUNT, FINITE, check_ranges
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class BlockerCosts:
    """Cost of each exact blocker, unit: one correct link; a negative cost leaves the blocker out.

    The costs are 0.0002 per microsecond that a look-up takes in the table of 1.62 million rows.
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
    """How candidates are proposed."""

    limit: int = 20
    """Candidates kept per client and blocker."""
    max_rows: int = 4096
    """Companies of one exact key that are compared."""
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
        if not self.blockers():
            raise ConfigError(
                "candidates needs a blocker; set a cost of 0 or more for at least one"
            )

    def blockers(self) -> tuple[Blocker, ...]:
        """The blockers in use: exact ones as listed in `BlockerCosts`, then the n-grams."""
        costs = ((one.name, getattr(self.costs, one.name)) for one in fields(self.costs))
        exact = [KeyBlocker(name, cost, self.max_rows) for name, cost in costs if cost >= 0]
        return (*exact, *([self.ngram] if self.ngram.cost >= 0 else []))
