"""What a suite is told: conditions x systems x seeds, and the claims that it may refute."""

from dataclasses import dataclass, field

from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.metrics import RATES

# Condition and Claim are not frozen: OmegaConf refuses to compose frozen dataclasses that stand in
# a dict or a list.


@dataclass
class Condition:
    """A problem: what `linkage_rl.train` would be told, and what is done to its cases."""

    overrides: list[str] = field(default_factory=list)
    """Words of `python -m linkage_rl.train` after those of the suite."""
    without: str = ""
    """Pair features that are 0 everywhere: a group of `experiments.suite.conditions.GROUPS`."""
    labels: int = 0
    """Clients that are learned from, augmented copies too, drawn anew with each seed; 0 for all."""
    changed_rows: float = 0.0
    """Share of the companies that were renamed, moved or closed after training."""
    systems: list[str] = field(default_factory=list)
    """Instead of those of the suite."""
    against: str = ""
    """Condition whose systems these are compared with, for a verdict."""
    question: str = ""

    def __post_init__(self) -> None:
        if self.labels < 0 or not 0 <= self.changed_rows < 1:
            raise ConfigError(
                "a condition needs labels of 0 or more and changed_rows in [0, 1), got "
                f"{self.labels} and {self.changed_rows}"
            )


@dataclass
class Claim:
    """'ours beats theirs in this metric', by less of it where it is a cost or a fault."""

    ours: str
    theirs: str
    metric: str = "f1"

    def __post_init__(self) -> None:
        if self.metric not in RATES:
            raise ConfigError(f"a claim needs a metric among {list(RATES)}, got {self.metric!r}")


@dataclass(frozen=True)
class SuiteSettings:
    """A suite of experiments."""

    name: str = ""
    question: str = ""
    overrides: list[str] = field(default_factory=list)
    """Words of `python -m linkage_rl.train` that hold for every condition."""
    conditions: dict[str, Condition] = field(default_factory=dict)
    systems: list[str] = field(default_factory=list)
    """Names of `systems.SYSTEMS`, or peers."""
    peers: list[str] = field(default_factory=list)
    """Programs of other makers, each in an environment of its own."""
    peer_limit_s: float = 600.0
    """Seconds after which a peer is ended, for each list."""
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    """Of the systems that learn; the others run once."""
    claims: list[Claim] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    """Folders, or patterns, of finished training runs to take over instead of training anew."""
    only_runs: bool = False
    """Leave out the seeds for which none of `runs` fits."""
    cells: str = "outputs/cells"
    """Folder of the results, by content; shared between suites."""
    output: str = ""
    """Folder of table, results and page."""
    lightgbm: str = ""
    """Python that has lightgbm; '' builds an environment for it."""
    isolated: bool = True
    """Run each cell in a process of its own, so that its memory and its faults are its own."""
    retry: bool = False
    """Run cells that failed before once more."""
    report_only: bool = False
    """Run nothing: table and page of the cells that are there."""
    resamples: int = 2_000
    examples: int = 200
    """Clients in the error browser of each list and system."""
    browsed: list[str] = field(default_factory=list)
    """Systems in the error browser; none takes the best one."""

    def __post_init__(self) -> None:
        if not self.conditions or not (self.systems or self.peers):
            raise ConfigError("a suite needs conditions and systems; see configs/suite/")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds must be distinct numbers, at least one, got {self.seeds}")
        for name, condition in self.conditions.items():
            if condition.against and condition.against not in self.conditions:
                raise ConfigError(
                    f"condition {name!r} is compared with {condition.against!r}, which is not "
                    f"among {list(self.conditions)}"
                )
