"""Training one agent, from the ranker's weights to the best policy on the validation cases."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import (
    CSVOutputFormat,
    KVWriter,
    Logger,
    TensorBoardOutputFormat,
)

from linkage_rl.agents.algorithms import AgentConfig, training_core
from linkage_rl.agents.checkpoint import latest_checkpoint, restore, save_checkpoint
from linkage_rl.agents.plans import static_plan
from linkage_rl.agents.ranker import cautious
from linkage_rl.agents.run_thresholds import with_run_thresholds
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig, load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy, one_thread
from linkage_rl.agents.warm_start import WarmStartConfig, warm_start
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError
from linkage_rl.training.callbacks import (
    CheckpointCallback,
    EvaluationCallback,
    ProgressCallback,
    TallyCallback,
)
from linkage_rl.training.curriculum import CurriculumCallback, WrongLinkCurriculum

_log = logging.getLogger(__name__)

STARTS: Final = ("warm", "curriculum", "scratch")
"""How training can start: from the ranker, from nothing at mild costs, from nothing."""


@dataclass(frozen=True)
class TrainingConfig:
    """How long an agent learns, and from where."""

    total_timesteps: int = 200_000
    """Environment steps in all; a resumed run counts those it has behind it."""
    start: str = "warm"
    """One of `STARTS`."""
    evaluations: int = 10
    """Evaluations on the way; checkpoints are saved as often."""
    evaluation_cases: int = 4_000
    """Validation cases of each evaluation, spread evenly over all of them."""
    width: int = 32
    """Hidden units where nothing has been ranked yet."""
    warm_start: WarmStartConfig = field(default_factory=WarmStartConfig)
    curriculum: WrongLinkCurriculum = field(default_factory=WrongLinkCurriculum)
    collapse_rate: float = 0.01
    """Linkage rate below which training ends with an error, once the ramp is over."""
    tensorboard: bool = True
    progress: bool = True

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ConfigError(f"expected training.start among {list(STARTS)}, got {self.start!r}")
        if min(self.total_timesteps, self.evaluations, self.evaluation_cases) < 1:
            raise ConfigError(
                "training.total_timesteps, evaluations and evaluation_cases must be at least 1, got "
                f"{self.total_timesteps}, {self.evaluations} and {self.evaluation_cases}"
            )


@dataclass(frozen=True)
class Task:
    """What is to be learned."""

    train: CaseSet
    valid: CaseSet
    """Chooses the best model; never learned from."""
    view: View
    weights: RewardWeights


def train_agent(
    agent: AgentConfig,
    task: Task,
    training: TrainingConfig,
    seed: int,
    folder: Path,
    ranker: CandidateScorer | None = None,
    *,
    resume: bool = False,
    writers: Sequence[KVWriter] = (),
) -> ScorerPolicy:
    """Train and return the policy that was best on the validation cases.

    The warm start itself is the first to be evaluated, so that learning can only add to it.

    Args:
        agent: The algorithm.
        task: What is to be learned.
        training: How long, and from where.
        seed: Given to every generator; equal seeds give equal runs.
        folder: Gets `evaluations.npz`, `best_model.zip`, `best_scorer.pt`, `checkpoints/`,
            `progress.csv` and `tb/`.
        ranker: From `train_ranker`; needed where training starts warm.
        resume: Go on from the newest checkpoint in `folder`.
        writers: Get the figures of each evaluation besides; closed when learning ends.

    Raises:
        ConfigError: There is no ranker to start from, or no checkpoint to resume.
        CollapsedPolicyError: The policy links nobody any more.
        KeyboardInterrupt: The run was interrupted; a checkpoint has been saved.
    """
    warm = training.start == "warm"
    checkpoints = folder / "checkpoints"
    found = latest_checkpoint(checkpoints) if resume else None
    if resume and found is None:
        raise ConfigError(f"expected a checkpoint in {checkpoints} to resume from, got none")
    folder.mkdir(parents=True, exist_ok=True)
    if not resume:
        _clear(folder)
    with one_thread():
        core = training_core(agent, task.train, task.view, task.weights, seed)
        if found is None:
            scorer = starting_scorer(agent, task, training, seed, ranker)
        else:
            scorer = load_scorer(folder / "best_scorer.pt")
        model = agent.build(core, scorer, seed, warm=warm)
        if found is not None:
            restore(model, *found)
        _learn(model, core, task, training, folder, writers)
    return ScorerPolicy(load_scorer(folder / "best_scorer.pt"))


def starting_scorer(
    agent: AgentConfig,
    task: Task,
    training: TrainingConfig,
    seed: int,
    ranker: CandidateScorer | None,
) -> CandidateScorer:
    """The weights with which training starts, in the form that the algorithm learns in.

    Raises:
        ConfigError: A warm start was asked for without a ranker.
    """
    if training.start != "warm":
        config = ScorerConfig.fitting(task.train, task.view, training.width)
        untrained = CandidateScorer(config, torch.Generator().manual_seed(seed))
        return agent.fresh(untrained, seed)
    if ranker is None:
        raise ConfigError("training.start=warm needs a trained ranker, got none")
    started = warm_start(ranker, task.train, task.view, task.weights, training.warm_start, seed)
    adapted = agent.adapt(started, task.train, task.view, task.weights, training.warm_start, seed)
    if not training.warm_start.run_threshold_cases:
        return adapted
    cases = threshold_cases(task, training.warm_start.run_threshold_cases)
    temperature = agent.temperature(training.warm_start)
    return with_run_thresholds(adapted, cases, task.view, task.weights, temperature)


def threshold_cases(task: Task, most: int) -> CaseSet:
    """Validation cases, filled up with training cases where there are few.

    What has been learned from is a little too sure; that misleads less than few cases do.
    """
    lacking = most - len(task.valid)
    if lacking <= 0:
        return _evenly_spaced(task.valid, most)
    return join_cases([task.valid, _evenly_spaced(task.train, lacking)], [0, 0])


def choose_static_plan(ranker: CandidateScorer, task: Task, training: TrainingConfig) -> tuple[int, ...]:
    """The static plan, chosen on the cases and with the caution that serve the run thresholds."""
    careful = ScorerPolicy(cautious(ranker, task.weights.break_even().link))
    cases = threshold_cases(
        task, training.warm_start.run_threshold_cases or WarmStartConfig.run_threshold_cases
    )
    return static_plan(careful, cases, task.view, task.weights)


def _clear(folder: Path) -> None:
    """Remove what an earlier run left: its best model and checkpoints are none of this one's."""
    for name in ("evaluations.npz", "best_model.zip", "best_scorer.pt", "progress.csv"):
        (folder / name).unlink(missing_ok=True)
    for name in ("checkpoints", "tb"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _learn(
    model: BaseAlgorithm,
    core: LinkageCore,
    task: Task,
    training: TrainingConfig,
    folder: Path,
    writers: Sequence[KVWriter],
) -> None:
    """Learn until the configured number of steps is reached; save a checkpoint in any case."""
    remaining = training.total_timesteps - model.num_timesteps
    if remaining <= 0:
        return
    every = max(training.total_timesteps // training.evaluations, 1)
    ramped = training.start == "curriculum"
    evaluation = EvaluationCallback(
        _evenly_spaced(task.valid, training.evaluation_cases),
        task.view,
        task.weights,
        folder,
        every,
        guard_from=int(training.curriculum.fraction * training.total_timesteps),
        collapse_rate=training.collapse_rate,
    )
    checkpoints = CheckpointCallback(folder / "checkpoints", every)
    callbacks: list[BaseCallback] = [TallyCallback(core, every), evaluation, checkpoints]
    if ramped:
        callbacks.append(
            CurriculumCallback(core, task.weights, training.curriculum, training.total_timesteps)
        )
    bar = ProgressCallback(training.total_timesteps, evaluation, type(model).__name__)
    if training.progress:
        callbacks.append(bar)
    logger = _logger(folder, training.tensorboard, writers)
    model.set_logger(logger)
    try:
        model.learn(
            remaining,
            callback=CallbackList(callbacks),
            # Learning writes a line per evaluation, not one per rollout or episode.
            log_interval=10**9,
            reset_num_timesteps=model.num_timesteps == 0,
        )
    except KeyboardInterrupt:
        saved = save_checkpoint(model, folder / "checkpoints")
        _log.warning("interrupted; %s is saved and can be resumed", saved.name)
        raise
    finally:
        bar.close()
        logger.close()


def _evenly_spaced(valid: CaseSet, most: int) -> CaseSet:
    """Every n-th validation case: a fixed sample that keeps the datasets in proportion."""
    if len(valid) <= most:
        return valid
    return valid.take(np.linspace(0, len(valid) - 1, most).astype(np.int64))


def _logger(folder: Path, tensorboard: bool, writers: Sequence[KVWriter]) -> Logger:
    """Writes `progress.csv`, going on with the rows of an earlier run, and `tb/`."""
    path = folder / "progress.csv"
    earlier = path.read_text() if path.is_file() else ""
    table = CSVOutputFormat(str(path))
    if earlier:
        table.file.write(earlier)
        table.keys = earlier.splitlines()[0].split(",")
    outputs: list[KVWriter] = [table, *writers]
    if tensorboard:
        outputs.append(TensorBoardOutputFormat(str(folder / "tb")))
    return Logger(str(folder), outputs)
