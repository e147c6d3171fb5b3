"""Training one agent, from the ranker's weights to the best policy on the validation cases."""

import contextlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import KVWriter, Logger, TensorBoardOutputFormat

from linkage_rl.agents.algorithms import AgentConfig, training_core
from linkage_rl.agents.checkpoint import latest_checkpoint, restore, save_checkpoint
from linkage_rl.agents.plans import static_plan
from linkage_rl.agents.ranker import with_link_threshold
from linkage_rl.agents.run_thresholds import with_run_thresholds
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig, load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy, one_thread
from linkage_rl.agents.warm_start import WarmStartConfig, warm_start
from linkage_rl.atomic import writing
from linkage_rl.checks import COUNT, SHARE, check_ranges
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError
from linkage_rl.training.callbacks import (
    BEST_SCORER,
    CURVE,
    CheckpointCallback,
    EvaluationCallback,
    ProgressCallback,
    TallyCallback,
)
from linkage_rl.training.curriculum import CurriculumCallback, WrongLinkCurriculum
from linkage_rl.training.progress_table import ProgressTable

_log = logging.getLogger(__name__)

STARTS: Final = ("warm", "curriculum", "scratch")
"""How training can start: from the ranker; from random weights, with a wrong-link penalty that
rises; from random weights at the full penalty."""


@dataclass(frozen=True)
class TrainingConfig:
    """How long an agent learns, and from where."""

    total_timesteps: int = 200_000
    """Environment steps in all, those before a resumed run was interrupted included."""
    start: str = "warm"
    """One of `STARTS`."""
    evaluations: int = 10
    """Evaluations during training; checkpoints are saved as often."""
    evaluation_cases: int = 4_000
    """Validation cases of each evaluation, spread evenly over all of them."""
    width: int = 32
    """Hidden units of the networks, unless they start from the ranker and have its width."""
    warm_start: WarmStartConfig = field(default_factory=WarmStartConfig)
    curriculum: WrongLinkCurriculum = field(default_factory=WrongLinkCurriculum)
    collapse_rate: float = 0.01
    """Linkage rate below which training ends with an error, once the curriculum is over."""
    tensorboard: bool = True
    """Whether the run folder gets `tb/`."""
    progress: bool = True
    """Whether progress bars are drawn, in all stages of a run."""

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ConfigError(f"expected training.start among {list(STARTS)}, got {self.start!r}")
        counts = ("total_timesteps", "evaluations", "evaluation_cases", "width")
        ranges = {**dict.fromkeys(counts, COUNT), "collapse_rate": SHARE}
        check_ranges("training", self, ranges)


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

    The warm start itself is evaluated first, so that learning can only improve on it.

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
        CollapsedPolicyError: The policy links no client any more.
        OutputError: A file cannot be written; its name is in the message.
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
        # of a resumed model the checkpoint replaces all weights; a full disk may have kept the
        # best scorer from being written
        if found is not None and (folder / BEST_SCORER).is_file():
            scorer = load_scorer(folder / BEST_SCORER)
        else:
            scorer = starting_scorer(agent, task, training, seed, ranker)
        model = agent.build(core, scorer, seed, warm=warm)
        if found is not None:
            restore(model, *found)
        _learn(model, core, task, training, folder, writers)
    return ScorerPolicy(load_scorer(folder / BEST_SCORER))


def starting_scorer(
    agent: AgentConfig,
    task: Task,
    training: TrainingConfig,
    seed: int,
    ranker: CandidateScorer | None,
) -> CandidateScorer:
    """The weights with which training starts, in the form that the algorithm learns in.

    Raises:
        ConfigError: A warm start is configured, but there is no ranker.
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


def threshold_cases(task: Task, limit: int) -> CaseSet:
    """Cases on which run thresholds are chosen: up to `limit` validation cases.

    Where there are fewer, training cases fill them up. On those the ranker is a little too sure of
    itself, since it learned from them; that misleads less than too few cases do.
    """
    lacking = limit - len(task.valid)
    if lacking <= 0:
        return _evenly_spaced(task.valid, limit)
    return join_cases([task.valid, _evenly_spaced(task.train, lacking)], [0, 0])


def choose_static_plan(
    ranker: CandidateScorer, task: Task, training: TrainingConfig
) -> tuple[int, ...]:
    """The best static plan for the ranker, on the cases on which run thresholds are chosen.

    A static plan runs the same blockers for every client. The ranker links as cautiously as the
    reward weights ask for.
    """
    careful = ScorerPolicy(with_link_threshold(ranker, task.weights.break_even().link))
    limit = training.warm_start.run_threshold_cases or WarmStartConfig.run_threshold_cases
    with one_thread():
        return static_plan(careful, threshold_cases(task, limit), task.view, task.weights)


def _clear(folder: Path) -> None:
    """Remove what an earlier run left: its best model and checkpoints are not of this one."""
    for name in (CURVE, "best_model.zip", BEST_SCORER, "progress.csv"):
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
    """Learn until the configured number of steps is reached; an interruption saves a checkpoint."""
    remaining = training.total_timesteps - model.num_timesteps
    if remaining <= 0 and (folder / BEST_SCORER).is_file():
        return
    every = max(training.total_timesteps // training.evaluations, 1)
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
    if training.start == "curriculum":
        callbacks.append(
            CurriculumCallback(core, task.weights, training.curriculum, training.total_timesteps)
        )
    bar = ProgressCallback(training.total_timesteps, evaluation, type(model).__name__)
    if training.progress:
        callbacks.append(bar)
    with _logged(model, folder, training.tensorboard, writers), contextlib.closing(bar):
        try:
            model.learn(
                max(remaining, 1),
                callback=CallbackList(callbacks),
                # Learning writes a line per evaluation, not one per rollout or episode.
                log_interval=10**9,
                reset_num_timesteps=model.num_timesteps == 0,
            )
        except KeyboardInterrupt:
            saved = save_checkpoint(model, folder / "checkpoints")
            _log.warning("interrupted; %s is saved and can be resumed", saved.name)
            raise


def _evenly_spaced(cases: CaseSet, limit: int) -> CaseSet:
    """Every n-th case, up to `limit`: a fixed sample that keeps the datasets in proportion."""
    if len(cases) <= limit:
        return cases
    return cases.take(np.linspace(0, len(cases) - 1, limit).astype(np.int64))


@contextlib.contextmanager
def _logged(
    model: BaseAlgorithm, folder: Path, tensorboard: bool, writers: Sequence[KVWriter]
) -> Iterator[None]:
    """Let a model write `progress.csv`, after the rows of a resumed run, and `tb/`."""
    outputs: list[KVWriter] = [ProgressTable(folder / "progress.csv", model.num_timesteps)]
    if tensorboard:
        outputs.append(_TensorBoard(folder / "tb"))
    logger = Logger(str(folder), [*outputs, *writers])
    model.set_logger(logger)
    try:
        yield
    except BaseException:
        # what was raised first is what the user has to hear
        with contextlib.suppress(Exception):
            logger.close()
        raise
    logger.close()


class _TensorBoard(KVWriter):
    """Writes `tb/`, and names it where the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with writing(folder):
            self._output = TensorBoardOutputFormat(str(folder))

    def write(
        self, key_values: dict[str, object], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        with writing(self._folder):
            self._output.write(key_values, key_excluded, step)

    def close(self) -> None:
        with writing(self._folder):
            self._output.close()
