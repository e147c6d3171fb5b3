"""What a training run is told: one frozen dataclass per part, each the schema of its config."""

from dataclasses import dataclass, field

from linkage_rl.agents.algorithms import DQNConfig, MaskablePPOConfig, PPOConfig
from linkage_rl.agents.ranker import RankerConfig
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError
from linkage_rl.tables.augment import NAMES_ALONE
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.corrupt import NoiseRates
from linkage_rl.tables.sample import SampleConfig
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.training.agent import TrainingConfig
from linkage_rl.training.loggers import MlflowLogger, WandbLogger


@dataclass(frozen=True)
class TableSettings:
    """Where the companies come from."""

    name: str = "sample"
    """Name of the table in reports and cache folders."""
    source: str = ""
    """Company file to load when the database has no table yet; '' draws the sample."""
    database: str = ""
    """Database URL; '' takes an SQLite file in the cache."""
    two_tables: str = ""
    """Folder in the layout of DeepMatcher and Magellan, read by the schema, for table and lists."""
    index: str = ""
    """Index folder; '' takes the one beside the database."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    sample: SampleConfig = field(default_factory=SampleConfig)
    """What is drawn when there is no source."""

    def __post_init__(self) -> None:
        if self.two_tables and (self.source or self.database):
            raise ConfigError(
                "table.two_tables brings its own table; leave table.source and table.database empty"
            )


@dataclass(frozen=True)
class ListSettings:
    """Client lists with truth by dataset, one file per split; empty for those of the sample."""

    train: dict[str, str] = field(default_factory=dict)
    valid: dict[str, str] = field(default_factory=dict)
    """Chooses checkpoints, calibration and thresholds."""
    test: dict[str, str] = field(default_factory=dict)
    """Reported, never chosen by."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    balance: float = 0.6
    """How far small datasets are repeated in training: 0 not at all, 1 up to the largest."""

    augmented: float = 0.0
    """Share of each training list that is learned once more with noise and with fields left out,
    so that lists which lack them are met as well; in [0, 1]."""
    augmentation: NoiseRates = field(default_factory=lambda: NAMES_ALONE)
    """The noise of the augmented clients."""

    def __post_init__(self) -> None:
        if not 0 <= self.augmented <= 1:
            raise ConfigError(f"clients.augmented must lie in [0, 1], got {self.augmented}")
        if not 0 <= self.balance <= 1:
            raise ConfigError(f"clients.balance must lie in [0, 1], got {self.balance}")
        if not (set(self.train) <= set(self.valid) == set(self.test)):
            raise ConfigError(
                "clients.valid and clients.test need the same datasets, those of clients.train "
                f"among them, got {sorted(self.train)}, {sorted(self.valid)}, {sorted(self.test)}"
            )


@dataclass(frozen=True)
class EnvSettings:
    """How the decision process is shown."""

    max_candidates: int = 20
    """Visible candidates K."""
    allow_review: bool = False
    """Whether clients may be handed to a person."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How decisions are drawn from confidences, and what is reported."""

    goal: str = "f1"
    """What the threshold serves on the validation lists: f1, reward, or precision:0.98."""
    timed_clients: int = 2_000
    """Test clients that are linked live for the time per client."""
    golden_clients: int = 40
    """Test clients whose answers travel with the bundle."""
    examples: int = 200
    """Errors listed in the report."""


@dataclass(frozen=True)
class RunSettings:
    """Everything that a training run depends on."""

    experiment: str = "sample"
    seed: int = 1
    cache: str = "outputs/cache"
    """Folder for tables, indexes and prepared cases, shared between runs."""
    leaderboard: str = "outputs/leaderboard.jsonl"
    agent_name: str = "ppo"
    table: TableSettings = field(default_factory=TableSettings)
    clients: ListSettings = field(default_factory=ListSettings)
    schema: Schema = field(default_factory=Schema)
    """Which column of `table.two_tables` is compared how."""
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    env: EnvSettings = field(default_factory=EnvSettings)
    reward: RewardWeights = field(default_factory=RewardWeights)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    agent: PPOConfig | MaskablePPOConfig | DQNConfig = field(default_factory=PPOConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    logger: MlflowLogger | WandbLogger | None = None
    """Tracker that is told besides TensorBoard."""
