"""A training run from data to bundle: ranker, agent, comparison on valid and test."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from linkage_rl.agents.baselines import Rules, TopOne
from linkage_rl.agents.checkpoint import latest_checkpoint
from linkage_rl.agents.list_scorer import TorchListScorer
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.atomic import naming_full_disk, replacing, writing
from linkage_rl.candidates.registry import check_registered
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Comparison, System, compare
from linkage_rl.evaluation.leaderboard import Entry, append
from linkage_rl.evaluation.plots import save_learning_curve
from linkage_rl.evaluation.report import write_report
from linkage_rl.evaluation.timing import Timing
from linkage_rl.training.agent import choose_static_plan, train_agent
from linkage_rl.training.callbacks import CURVE
from linkage_rl.training.data import Prepared, prepare
from linkage_rl.training.flat import flat
from linkage_rl.training.list_stage import as_list, kept_stage, list_stages
from linkage_rl.training.loggers import Tracker
from linkage_rl.training.origin import origin
from linkage_rl.training.own_table.guard import AGENT
from linkage_rl.training.own_table.self_training import with_sure_clients
from linkage_rl.training.problem import task_of, training_cases, view_of
from linkage_rl.training.rankers import part_rankers, trained_ranker
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
from linkage_rl.training.shipping import Shipped, chosen_system, export_bundle
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
    shipped: Shipped

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
    if settings.own_table.self_training and any(
        dataset.list_cases is not None for dataset in prepared.drawn.values()
    ):
        with watch("self-training"):
            path = folder / "first_ranker.pt"
            # it only has to know of which clients it is sure
            passes = replace(settings.ranker, epochs=max(settings.ranker.epochs // 2, 1))
            first = trained_ranker(
                replace(settings, ranker=passes), train, valid, view, path, resume
            )
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
        ranker = trained_ranker(settings, train, valid, view, folder / "ranker.pt", resume)
        parts = part_rankers(settings, train, prepared, view, folder, resume)
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
        systems = _systems(ScorerPolicy(ranker), parts, plan, agent, valid, view, stages)
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
    list_net = kept_stage(comparison, stages, settings.evaluation.goal)
    shipped, comparison = chosen_system(
        comparison, systems, prepared.drawn, settings.evaluation.goal, list_net
    )
    with watch("writing the bundle"):
        list_net = list_net if shipped.policy == AGENT else None
        bundle = export_bundle(
            settings, shipped.policy, list_net, comparison, prepared, folder, command
        )
    entry = _write_results(settings, folder, comparison, prepared, shipped, bundle, command, watch)
    for split, figures in (("valid", entry.valid), ("test", entry.test)):
        named = {f"{split}/{name}": value for name, value in figures.items()}
        tracker.log(named, settings.training.total_timesteps)
    objective = comparison.joint["agent"].valid.metrics.expected_reward
    return RunResult(folder, bundle, comparison, objective, shipped)


def _timing(settings: RunSettings, prepared: Prepared) -> Timing:
    """What is linked live to time each system: the first test clients of each dataset."""
    first = {
        dataset: records.take(range(min(settings.evaluation.timed_clients, len(records))))
        for dataset, records in prepared.records.items()
    }
    return Timing(prepared.index, settings.candidates.blockers(), settings.candidates.limit, first)


def _systems(
    ranker: ScorerPolicy,
    parts: Mapping[str, CandidateScorer],
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
        *(System(name, ScorerPolicy(part), all_blockers) for name, part in parts.items()),
        System("static plan", ranker, plan),
        System("agent", agent),
    ]
    as_lists = [
        replace(system, name=as_list(system.name), list_scorer=stages[system.name])
        for system in plain
        if system.name in stages
    ]
    return [*plain, *as_lists]


def _write_results(
    settings: RunSettings,
    folder: Path,
    comparison: Comparison,
    prepared: Prepared,
    shipped: Shipped,
    bundle: Path,
    command: str,
    watch: Stopwatch,
) -> Entry:
    """Write metrics, pages, the line of the leaderboard, which is returned, and the manifest."""
    metrics = comparison.metrics()
    figures = metrics["all"][shipped.policy]
    results = {
        "lists": metrics,
        # of what the bundle decides with, over all lists: a release reads them
        "figures": {"system": shipped.policy, **figures},
        "seconds": watch.seconds,
        "peak_memory_mb": watch.peak_memory_mb,
        **shipped.as_json(),
    }
    _write_json(folder / "metrics.json", results)
    curve = folder / "learning_curve.png"
    with writing(curve):
        save_learning_curve(folder / CURVE, curve)
    for name in comparison.trials:
        page = "report.html" if len(comparison.trials) == 1 else f"report-{name}.html"
        write_report(comparison.report(name, command, settings.evaluation.examples), folder / page)
    made = origin(settings, command)
    entry = Entry(
        run=str(folder),
        experiment=settings.experiment,
        agent=settings.agent_name,
        seed=settings.seed,
        valid=_numbers(figures["valid"]),
        test=_numbers(figures["test"]),
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
