"""The whole run: data, ranker, agent, comparison on valid and test, bundle."""

import json
import logging
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from tqdm import tqdm

from linkage_rl.agents.baselines import Rules, TopOne
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer, save_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.bundle import Settings, golden_answers, load_bundle, write_bundle
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.comparison import Comparison, System, compare
from linkage_rl.evaluation.leaderboard import Entry, append
from linkage_rl.evaluation.plots import save_learning_curve
from linkage_rl.evaluation.report import write_report
from linkage_rl.evaluation.timing import Timing
from linkage_rl.exporting.onnx import export_scorer
from linkage_rl.records import RecordBatch
from linkage_rl.tables.credentials import parse_url, shown
from linkage_rl.training.agent import Task, choose_static_plan, train_agent
from linkage_rl.training.data import Prepared, balanced, prepare
from linkage_rl.training.loggers import Tracker, flat
from linkage_rl.training.settings import RunSettings
from linkage_rl.training.watch import Stopwatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run leaves behind."""

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


def run(settings: RunSettings, folder: Path, command: str = "", resume: bool = False) -> RunResult:
    """Train as told and leave everything in the run folder.

    Args:
        settings: What to do.
        folder: The run folder, made if missing.
        command: The command line, for the manifest.
        resume: Go on with the interrupted run that the folder holds.

    Raises:
        ConfigError: The folder holds a run already, and `resume` is not set.
    """
    if not resume and (folder / "evaluations.npz").exists():
        raise ConfigError(
            f"run folder {folder} already holds a run; go on with it by resume={folder}, "
            "or choose another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _tracked(settings, folder) as tracker:
        return _run(settings, folder, command, resume, tracker)


@contextmanager
def _tracked(settings: RunSettings, folder: Path) -> Iterator[Tracker]:
    """The tracker of the run, told at the end whether the run failed."""
    told = asdict(settings)
    if settings.table.database:
        told["table"]["database"] = shown(parse_url(settings.table.database))
    tracker = settings.logger.open(folder, flat(told)) if settings.logger else Tracker()
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
    costs = tuple(blocker.cost for blocker in settings.candidates.blockers())
    view = View(settings.env.max_candidates, costs, settings.env.allow_review)
    valid = prepared.cases["valid"]
    train = balanced(prepared.cases["train"], settings.clients.balance)
    with watch("training the ranker"):
        ranker = _ranker(settings, train, valid, view, folder / "ranker.pt", resume)
    task = Task(train, balanced(valid, settings.clients.balance), view, settings.reward)
    with watch("training the agent"):
        agent = train_agent(
            settings.agent,
            task,
            settings.training,
            settings.seed,
            folder,
            ranker,
            resume=resume,
            writers=[tracker],
        )
    with watch("comparing the systems"):
        plan = choose_static_plan(ranker, task, settings.training)
        systems = _systems(ScorerPolicy(ranker), plan, agent, valid, view)
        comparison = compare(
            systems,
            prepared.datasets,
            valid,
            prepared.cases["test"],
            view,
            settings.reward,
            settings.evaluation.goal,
            _timing(settings, prepared),
        )
    with watch("writing the bundle"):
        decider = comparison.joint["agent"].decider
        bundle = _export(settings, agent, decider, prepared, folder, command)
    entry = _write_results(settings, folder, comparison, bundle, command, watch)
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
    with tqdm(total=settings.ranker.epochs, desc="ranker", unit="pass", leave=False) as bar:

        def report(_: int, loss: float) -> None:
            bar.set_postfix(valid_loss=f"{loss:.4f}")
            bar.update()

        ranker = train_ranker(train, valid, view, settings.ranker, settings.seed, report)
    save_scorer(ranker, path)
    return ranker


def _timing(settings: RunSettings, prepared: Prepared) -> Timing:
    """The first test clients of each dataset, to be linked live."""
    few = {
        dataset: records.take(range(min(settings.evaluation.timed_clients, len(records))))
        for dataset, records in prepared.records.items()
    }
    return Timing(prepared.index, settings.candidates.blockers(), settings.candidates.limit, few)


def _systems(
    ranker: ScorerPolicy, plan: tuple[int, ...], agent: ScorerPolicy, valid: CaseSet, view: View
) -> list[System]:
    every = tuple(range(len(view.costs)))
    names = [valid.blockers[blocker] for blocker in plan]
    _log.info("static plan: %s", ", ".join(names) or "run nothing")
    return [
        System("rules", Rules(valid, view), every, calibrate=False),
        System("top-1", TopOne(), every, calibrate=False),
        System("ranker", ranker, every),
        System("static plan", ranker, plan),
        System("agent", agent),
    ]


def _export(
    settings: RunSettings,
    agent: ScorerPolicy,
    decider: Decider,
    prepared: Prepared,
    folder: Path,
    command: str,
) -> Path:
    policy = folder / "policy.onnx"
    export_scorer(agent.scorer, policy)
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
    write_bundle(bundle, policy, calibration, written, [], prepared.index_folder)
    linker = load_bundle(bundle)
    golden = golden_answers(linker, _golden_clients(prepared, settings))
    write_bundle(bundle, policy, calibration, written, golden, prepared.index_folder)
    policy.unlink()
    return bundle


def _golden_clients(prepared: Prepared, settings: RunSettings) -> RecordBatch:
    """The first test clients of the first dataset."""
    records = prepared.records[prepared.datasets[0]]
    return records.take(range(min(settings.evaluation.golden_clients, len(records))))


def origin(settings: RunSettings, command: str) -> dict[str, str]:
    """Where a result comes from: versions, commit, seed, command."""
    packages = ("numpy", "torch", "stable-baselines3", "gymnasium", "onnxruntime", "rapidfuzz")
    return {
        "experiment": settings.experiment,
        "agent": settings.agent_name,
        "seed": str(settings.seed),
        "command": command,
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def _commit() -> str:
    """The checked-out commit, '' outside a repository."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _write_results(
    settings: RunSettings,
    folder: Path,
    comparison: Comparison,
    bundle: Path,
    command: str,
    watch: Stopwatch,
) -> Entry:
    """metrics.json, manifest.json, report pages and the line of the leaderboard, which returns."""
    metrics = comparison.metrics()
    results = {"lists": metrics, "seconds": watch.seconds, "peak_memory_mb": watch.peak_memory_mb}
    (folder / "metrics.json").write_text(json.dumps(results, indent=1, ensure_ascii=False))
    made = origin(settings, command)
    (folder / "manifest.json").write_text(json.dumps(made, indent=1, ensure_ascii=False))
    save_learning_curve(folder / "evaluations.npz", folder / "learning_curve.png")
    for name in comparison.trials:
        page = "report.html" if len(comparison.trials) == 1 else f"report-{name}.html"
        write_report(comparison.report(name, command, settings.evaluation.examples), folder / page)
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
    return entry


def _numbers(metrics: Mapping[str, float | int | None]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if value is not None}
