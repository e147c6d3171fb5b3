"""Settings of a training run: one frozen dataclass per part, each the schema of its config."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from linkage_rl.agents.algorithms import (
    AgentConfig,
    DQNConfig,
    MaskablePPOConfig,
    PPOConfig,
    QRDQNConfig,
)
from linkage_rl.agents.list_scorer import ListStageConfig
from linkage_rl.agents.ranker import RankerConfig
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.checks import COUNT_OR_NONE, SEED, SHARE, Range, check_ranges
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.calibration import precision_goal
from linkage_rl.tables.augmentation import NAME_LIST_RATES
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.corrupt import NoiseRates
from linkage_rl.tables.sample import SampleConfig
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.training.agent import TrainingConfig
from linkage_rl.training.loggers import MlflowLogger, WandbLogger
from linkage_rl.training.own_table.config import OwnTableConfig

MAX_SLOTS: Final = 2048
"""Candidates that 16 blockers propose for a client at most, 128 each."""


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


def _dataset_name(file: str) -> str:
    """Name of a dataset for a file: its own name without what a folder name cannot have."""
    return re.sub(r"[^\w.-]+", "_", Path(file).stem) or "list"


@dataclass(frozen=True)
class ListSettings:
    """Labelled client lists by dataset, one file per split; empty takes the lists of the sample.

    A *dataset* is a named client list; its splits train, choose and report.
    """

    train: dict[str, str] = field(default_factory=dict)
    valid: dict[str, str] = field(default_factory=dict)
    """On which checkpoints, calibration and thresholds are chosen."""
    test: dict[str, str] = field(default_factory=dict)
    """On which figures are reported; nothing is chosen on it."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    encoding: str = ""
    """Encoding of CSV lists; '' detects that of each."""
    sheet: str = ""
    """Sheet of lists in workbooks; '' takes the one with the likeliest header."""
    header_row: int = 0
    """Row of the header, counted from 1; 0 finds it in each list."""
    balance: float = 0.6
    """How far small datasets are repeated in training: 0 not at all, 1 up to the largest."""

    augmented: float = 0.0
    """Share of each training list that is learned a second time with noise and with fields left
    out, so that the agent also learns from clients of which little is known; in [0, 1]."""
    augmentation: NoiseRates = field(default_factory=lambda: NAME_LIST_RATES)
    """The noise of the augmented clients."""
    own: bool = False
    """Whether clients are drawn from the company table itself, so that no label is needed."""
    like: Any = ""
    """Client lists that the drawn clients are made to resemble, without labels: a file, several, or
    files by the name of their dataset. Clients are then drawn even where `own` is not set."""

    @property
    def draws(self) -> bool:
        """Whether clients are drawn from the company table."""
        return self.own or bool(self.like)

    @property
    def like_files(self) -> dict[str, str]:
        """Dataset to the list that its drawn clients resemble."""
        if isinstance(self.like, Mapping):
            return {str(name): str(file) for name, file in self.like.items()}
        files = [self.like] if isinstance(self.like, str) else list(self.like)
        named = {_dataset_name(str(file)): str(file) for file in files if file}
        if len(named) < len([file for file in files if file]):
            raise ConfigError(
                f"clients.like={files} has two files of one name; give each dataset a name: "
                "clients.like={first: FILE, second: FILE}"
            )
        return named

    def __post_init__(self) -> None:
        if not isinstance(self.like, (str, Mapping, Sequence)):
            raise ConfigError(
                f"clients.like must be a file, several, or names with files, got {self.like!r}"
            )
        if clash := set(self.like_files) & set(self.valid):
            raise ConfigError(
                f"clients.like and clients.valid both have the dataset {sorted(clash)[0]!r}; give "
                "the list without labels another name: clients.like={NAME: FILE}"
            )
        ranges = {"augmented": SHARE, "balance": SHARE, "header_row": COUNT_OR_NONE}
        check_ranges("clients", self, ranges)
        if not (set(self.train) <= set(self.valid) == set(self.test)):
            raise ConfigError(
                "clients.valid and clients.test need the same datasets, those of clients.train "
                f"among them, got {sorted(self.train)}, {sorted(self.valid)}, {sorted(self.test)}"
            )


@dataclass(frozen=True)
class EnvSettings:
    """How the agent observes a client, and what it may do."""

    max_candidates: int = 20
    """Visible candidates K: the slots of the observation."""
    allow_review: bool = False
    """Whether clients may be handed to a person."""

    def __post_init__(self) -> None:
        check_ranges("env", self, {"max_candidates": Range(1, MAX_SLOTS)})


@dataclass(frozen=True)
class EvaluationSettings:
    """How thresholds are chosen, and what is reported."""

    goal: str = "f1"
    """What the threshold is chosen for on the validation lists: f1, reward, or precision:0.98."""
    timed_clients: int = 2_000
    """Test clients of each dataset that are linked live to measure the time per client."""
    golden_clients: int = 40
    """Test clients whose answers are kept in the bundle, to check it wherever it is loaded."""
    examples: int = 200
    """Errors listed in the report."""

    def __post_init__(self) -> None:
        precision_goal(self.goal)
        names = ("timed_clients", "golden_clients", "examples")
        check_ranges("evaluation", self, dict.fromkeys(names, COUNT_OR_NONE))


@dataclass(frozen=True)
class RunSettings:
    """Everything that a training run depends on."""

    experiment: str = "sample"
    """Name of the preset, for folders and tables."""
    seed: int = 1
    """Seed of every random generator of the run; the sample has its own, `table.sample.seed`."""
    cache: str = "outputs/cache"
    """Folder for tables, indexes and prepared cases, shared between runs."""
    leaderboard: str = "outputs/leaderboard.jsonl"
    """List of finished runs, one line each."""
    agent_name: str = "ppo"
    """Name of the algorithm, for folders and tables."""
    table: TableSettings = field(default_factory=TableSettings)
    clients: ListSettings = field(default_factory=ListSettings)
    schema: Schema = field(default_factory=Schema)
    """Which column of `table.two_tables` is compared how."""
    candidates: CandidateSettings = field(default_factory=CandidateSettings)
    env: EnvSettings = field(default_factory=EnvSettings)
    reward: RewardWeights = field(default_factory=RewardWeights)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    list_stage: ListStageConfig = field(default_factory=ListStageConfig)
    agent: PPOConfig | MaskablePPOConfig | DQNConfig | QRDQNConfig | AgentConfig = field(
        default_factory=PPOConfig
    )
    """One of `AGENTS`, or another `AgentConfig` named by `_target_`."""
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    own_table: OwnTableConfig = field(default_factory=OwnTableConfig)
    """How clients are drawn where there are no labels."""
    logger: MlflowLogger | WandbLogger | None = None
    """Experiment tracker besides TensorBoard."""

    def __post_init__(self) -> None:
        check_ranges("", self, {"seed": SEED})
