"""A training run from data to bundle: ranker, agent, comparison on valid and test."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm.auto import tqdm

from linkage_rl.agents.baselines import Rules, TopOne
from linkage_rl.agents.checkpoint import latest_checkpoint
from linkage_rl.agents.list_scorer import ListNet, TorchListScorer
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer, save_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.atomic import naming_full_disk, replacing, writing
from linkage_rl.bundle import (
    LIST_POLICY,
    Settings,
    golden_answers,
    load_bundle,
    write_bundle,
)
from linkage_rl.candidates.registry import check_registered
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Comparison, System, compare
from linkage_rl.evaluation.leaderboard import Entry, append
from linkage_rl.evaluation.plots import save_learning_curve
from linkage_rl.evaluation.report import write_report
from linkage_rl.evaluation.timing import Timing
from linkage_rl.exporting.onnx import export_scorer
from linkage_rl.records import RecordBatch
from linkage_rl.training.agent import choose_static_plan, train_agent
from linkage_rl.training.callbacks import CURVE
from linkage_rl.training.data import Prepared, prepare
from linkage_rl.training.flat import flat
from linkage_rl.training.list_stage import as_list, exported_stage, kept_stage, list_stages
from linkage_rl.training.loggers import Tracker
from linkage_rl.training.origin import origin
from linkage_rl.training.own_table.self_training import with_sure_clients
from linkage_rl.training.problem import task_of, training_cases, view_of
from linkage_rl.training.run_folder import (
    CHECKPOINTS,
    MANIFEST,
    check_resumable,
    check_startable,
    locked,
    public_settings,
    write_settings,
)
from linkage_rl.training.settings import RunSettings
from linkage_rl.training.stopwatch import Stopwatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run ends with."""

    folder: Path
    bundle: Path
    comparison: Comparison
    """Every system on every dataset, valid and test."""
    objective: float
    """Expected reward of the agent on the validation cases, for sweeps."""

    @property
    def table(self) -> str:
        """The side-by-side tables of the test lists."""
        return self.comparison.tables()


def run(
    settings: RunSettings,
    folder: Path,
    command: str = "",
    resume: bool = False,
    on_start: Callable[[], None] | None = None,
) -> RunResult:
    """Train, compare, and write everything into the run folder.

    Args:
        settings: What the run depends on.
        folder: The run folder, made if missing; no other process may work in it.
        command: The command line, for the manifest.
        resume: Go on with the interrupted run that the folder holds; one that was interrupted
            before its first checkpoint starts again.
        on_start: Called once the folder is known to be free for this run, before anything runs.

    Raises:
        ConfigError: A bundle could not hold the blockers, another process works in the folder, it
            holds a run already and `resume` is not set, or it holds no run that can be resumed
            with these settings.
        LinkageError: A file, the database or the index has a fault, the policy collapsed, or the
            disk is full; what has been written can be resumed from.
    """
    check_registered(settings.candidates.blockers())
    with locked(folder):
        if resume:
            check_resumable(folder, settings)
        else:
            check_startable(folder)
        write_settings(folder, settings)
        if on_start is not None:
            on_start()
        (folder / MANIFEST).unlink(missing_ok=True)
        with naming_full_disk(folder), _tracked(settings, folder) as tracker:
            return _run(settings, folder, command, resume, tracker)


@contextmanager
def _tracked(settings: RunSettings, folder: Path) -> Iterator[Tracker]:
    """The tracker of the run, which learns at the end whether the run failed."""
    parameters = flat(public_settings(settings))
    tracker = settings.logger.open(folder, parameters) if settings.logger else Tracker()
    try:
        yield tracker
    except BaseException:
        tracker.finish(failed=True)
        raise
    tracker.finish(failed=False)


def _run(
    settings: RunSettings, folder: Path, command: str, resume: bool, tracker: Tracker
) -> RunResult:
    watch = Stopwatch()
    with watch("preparing cases"):
        prepared = prepare(settings)
    view = view_of(settings)
    valid = prepared.cases["valid"]
    train = training_cases(settings, prepared.cases["train"])
    if settings.own_table.self_training and prepared.drawn:
        with watch("self-training"):
            path = folder / "first_ranker.pt"
            first = _ranker(settings, train, valid, view, path, resume)
            train = with_sure_clients(
                train,
                valid,
                ScorerPolicy(first),
                prepared.datasets,
                prepared.drawn,
                view,
                settings.own_table,
            )
    with watch("training the ranker"):
        ranker = _ranker(settings, train, valid, view, folder / "ranker.pt", resume)
    task = task_of(settings, train, valid, view)
    with watch("training the agent"):
        agent = train_agent(
            settings.agent,
            task,
            settings.training,
            settings.seed,
            folder,
            ranker,
            resume=resume and latest_checkpoint(folder / CHECKPOINTS) is not None,
            writers=[tracker],
        )
    with watch("training the list stage"):
        stages = list_stages(settings, ScorerPolicy(ranker), agent, prepared, view)
    with watch("comparing the systems"):
        plan = choose_static_plan(ranker, task, settings.training)
        systems = _systems(ScorerPolicy(ranker), plan, agent, valid, view, stages)
        comparison = compare(
            systems,
            prepared.datasets,
            valid,
            prepared.cases["test"],
            view,
            settings.reward,
            settings.evaluation.goal,
            _timing(settings, prepared),
            settings.training.progress,
        )
    with watch("writing the bundle"):
        list_net = kept_stage(comparison, stages, settings.evaluation.goal)
        bundle = _export(settings, agent, list_net, comparison, prepared, folder, command)
    entry = _write_results(settings, folder, comparison, prepared, bundle, command, watch)
    for split, figures in (("valid", entry.valid), ("test", entry.test)):
        named = {f"{split}/{name}": value for name, value in figures.items()}
        tracker.log(named, settings.training.total_timesteps)
    objective = comparison.joint["agent"].valid.metrics.expected_reward
    return RunResult(folder, bundle, comparison, objective)


def _ranker(
    settings: RunSettings, train: CaseSet, valid: CaseSet, view: View, path: Path, resume: bool
) -> CandidateScorer:
    """A trained ranker, the one of the interrupted run where there is one."""
    if resume and path.exists():
        return load_scorer(path)
    with tqdm(
        total=settings.ranker.epochs,
        desc="ranker",
        unit="pass",
        leave=False,
        disable=not settings.training.progress,
    ) as bar:

        def report(_: int, loss: float) -> None:
            bar.set_postfix(valid_loss=f"{loss:.4f}")
            bar.update()

        ranker = train_ranker(train, valid, view, settings.ranker, settings.seed, report)
    with replacing(path) as partial:
        save_scorer(ranker, partial)
    return ranker


def _timing(settings: RunSettings, prepared: Prepared) -> Timing:
    """What is linked live to time each system: the first test clients of each dataset."""
    first = {
        dataset: records.take(range(min(settings.evaluation.timed_clients, len(records))))
        for dataset, records in prepared.records.items()
    }
    return Timing(prepared.index, settings.candidates.blockers(), settings.candidates.limit, first)


def _systems(
    ranker: ScorerPolicy,
    plan: tuple[int, ...],
    agent: ScorerPolicy,
    valid: CaseSet,
    view: View,
    stages: Mapping[str, TorchListScorer],
) -> list[System]:
    all_blockers = tuple(range(len(view.costs)))
    names = [valid.blockers[blocker] for blocker in plan]
    _log.info("static plan: %s", ", ".join(names) or "run nothing")
    plain = [
        System("rules", Rules(valid, view), all_blockers, calibrate=False),
        System("top-1", TopOne(), all_blockers, calibrate=False),
        System("ranker", ranker, all_blockers),
        System("static plan", ranker, plan),
        System("agent", agent),
    ]
    as_lists = [
        replace(system, name=as_list(system.name), list_scorer=stages[system.name])
        for system in plain
        if system.name in stages
    ]
    return [*plain, *as_lists]


def _export(
    settings: RunSettings,
    agent: ScorerPolicy,
    list_net: ListNet | None,
    comparison: Comparison,
    prepared: Prepared,
    folder: Path,
    command: str,
) -> Path:
    decider = comparison.joint["agent"].decider
    policy = folder / "policy.onnx"
    with writing(policy):
        export_scorer(agent.scorer, policy)
    stage = exported_stage(list_net, comparison, folder / LIST_POLICY)
    written = Settings(
        blockers=settings.candidates.blockers(),
        limit=settings.candidates.limit,
        max_candidates=settings.env.max_candidates,
        allow_review=settings.env.allow_review,
        thresholds=decider.thresholds,
        origin=origin(settings, command),
    )
    bundle = folder / "bundle"
    calibration = decider.calibration or Calibration.identity()
    write_bundle(bundle, policy, calibration, written, [], prepared.index_folder, stage)
    linker = load_bundle(bundle)
    golden = golden_answers(linker, _golden_clients(prepared, settings))
    # its own index is linked to, where that of the table would be copied onto another disk again
    write_bundle(bundle, policy, calibration, written, golden, bundle / "index", stage)
    policy.unlink()
    (folder / LIST_POLICY).unlink(missing_ok=True)
    return bundle


def _golden_clients(prepared: Prepared, settings: RunSettings) -> RecordBatch:
    """The first test clients of the first dataset."""
    records = prepared.records[prepared.datasets[0]]
    return records.take(range(min(settings.evaluation.golden_clients, len(records))))


def _write_results(
    settings: RunSettings,
    folder: Path,
    comparison: Comparison,
    prepared: Prepared,
    bundle: Path,
    command: str,
    watch: Stopwatch,
) -> Entry:
    """Write metrics, pages, the line of the leaderboard, which is returned, and the manifest."""
    metrics = comparison.metrics()
    results = {"lists": metrics, "seconds": watch.seconds, "peak_memory_mb": watch.peak_memory_mb}
    _write_json(folder / "metrics.json", results)
    curve = folder / "learning_curve.png"
    with writing(curve):
        save_learning_curve(folder / CURVE, curve)
    for name in comparison.trials:
        page = "report.html" if len(comparison.trials) == 1 else f"report-{name}.html"
        write_report(comparison.report(name, command, settings.evaluation.examples), folder / page)
    made = origin(settings, command)
    agent = metrics["all"]["agent"]
    entry = Entry(
        run=str(folder),
        experiment=settings.experiment,
        agent=settings.agent_name,
        seed=settings.seed,
        valid=_numbers(agent["valid"]),
        test=_numbers(agent["test"]),
        commit=made["commit"],
        bundle=str(bundle),
    )
    append(Path(settings.leaderboard), entry)
    cases = {
        split: [{"dataset": dataset, "folder": str(part.resolve())} for dataset, part in parts]
        for split, parts in prepared.folders.items()
    }
    _write_json(folder / MANIFEST, {**made, "datasets": prepared.datasets, "cases": cases})
    return entry


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _numbers(metrics: Mapping[str, float | int | None]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if value is not None}
