"""Settings of a suite: conditions x systems x seeds, and the claims that it may refute."""

from dataclasses import dataclass, field

from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.metrics import RATES

# Condition and Claim are not frozen: OmegaConf refuses to compose frozen dataclasses that are
# values of a dict or items of a list.


@dataclass
class Condition:
    """A problem: overrides of `linkage_rl.train`, and changes of its cases."""

    overrides: list[str] = field(default_factory=list)
    """Of `python -m linkage_rl.train`, after those of the suite."""
    without: str = ""
    """Pair features set to 0 everywhere: a group of `experiments.suite.conditions.GROUPS`."""
    labels: int = 0
    """Clients to learn from, augmented copies included, drawn again with each seed; 0 for all."""
    changed_rows: float = 0.0
    """Share of the companies that were renamed, moved or closed after training."""
    test_fields: str = ""
    """What test clients are known by, one of `experiments.suite.thinned.FIELDS_KEPT`; '' for all
    fields. Nothing is fitted to such clients."""
    former_names: str = ""
    """Dataset whose clients' names the table gets as former names of their companies; '' for none.
    """
    valid_halves: bool = False
    """Half of the valid clients choose; the other half is judged in place of the test clients."""
    lightgbm: dict[str, float] = field(default_factory=dict)
    """Parameters of LightGBM in place of the usual ones."""
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

    @property
    def changes_cases(self) -> bool:
        """Whether the cases differ from those that the overrides give."""
        return bool(
            self.without
            or self.labels
            or self.changed_rows
            or self.test_fields
            or self.former_names
            or self.valid_halves
        )


@dataclass
class Claim:
    """'ours beats theirs in this metric'; in a cost or a rate of errors the lower value wins."""

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
    """Of `python -m linkage_rl.train`, for every condition."""
    conditions: dict[str, Condition] = field(default_factory=dict)
    systems: list[str] = field(default_factory=list)
    """Names of `experiments.suite.systems.SYSTEMS`."""
    peers: list[str] = field(default_factory=list)
    """Other programs (`experiments.peers`), each in an environment of its own."""
    peer_limit_s: float = 600.0
    """Seconds after which a peer is stopped, for each list."""
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    """Of the systems that learn; the others run once."""
    claims: list[Claim] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    """Dataset to the column of its test list that describes how a client differs from its company;
    the report then has the candidate recall of each kind."""
    labels: int = 0
    """Of the conditions that do not set their own."""
    valid_halves: bool = False
    """For every condition: no test client is looked at."""
    runs: list[str] = field(default_factory=list)
    """Folders, or patterns, of finished training runs to take over instead of training again."""
    only_runs: bool = False
    """Leave out the seeds for which none of `runs` fits."""
    cells: str = "outputs/cells"
    """Folder of the results, by content; shared between suites."""
    output: str = ""
    """Folder of table, results and page."""
    lightgbm: str = ""
    """Python that has lightgbm; '' builds an environment for it."""
    isolated: bool = True
    """Run each cell in its own process, so that its memory and its crashes are its own."""
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
            if self.peers and (condition.changes_cases or self.labels or self.valid_halves):
                raise ConfigError(
                    f"condition {name!r} changes cases, but peers read complete lists; leave out "
                    "peers or give the change as overrides"
                )
