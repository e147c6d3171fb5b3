"""A cell: one system, one seed, one condition; run once, kept by what it depends on."""

import json
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from experiments.suite.conditions import build_condition, condition_content
from experiments.suite.finished_runs import fitting_run, run_folders, take_over, weights_digest
from experiments.suite.systems import FIT, SYSTEMS, FitContext, Predictions, System
from experiments.tools.composing import train_settings
from experiments.tools.digests import digest, inputs_digest, learning_digest
from experiments.tools.measure import peak_memory_mb, peak_of_children_mb, run_in_subprocess
from experiments.tools.problem import Problem
from experiments.tools.records import (
    JudgedCell,
    Record,
    commit,
    read_record,
    read_result,
    write_record,
)
from experiments.tools.settings import Condition, SuiteSettings
from linkage_rl.errors import ConfigError, LinkageError, OutputError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.timing import live_microseconds
from linkage_rl.train import TrainSettings

_FORMAT: Final = 2
"""Increased when older cells can no longer be read."""


@dataclass(frozen=True)
class Cell:
    """What is run, and where its result is kept."""

    name: str
    """Of the condition."""
    condition: Condition
    settings: TrainSettings
    system: str
    seed: int
    folder: Path
    ranker: Path
    """Folder of the ranker that the system starts from; that of the cell where it needs none."""
    lightgbm: str = ""
    run: Path | None = None
    """Finished training run whose weights are taken over; None learns here."""

    @property
    def needs_training_cases(self) -> bool:
        """Whether it learns, or chooses a plan on them."""
        return SYSTEMS[self.system].learns and self.run is None

    @property
    def learns(self) -> bool:
        """Whether running it takes the time of learning."""
        return self.needs_training_cases and not SYSTEMS[self.system].only_plans


def plan_cells(suite: SuiteSettings) -> list[Cell]:
    """Every cell of the suite, rankers before what starts from them."""
    cells: list[Cell] = []
    runs = run_folders(suite.runs)
    for name, condition in suite.conditions.items():
        systems = condition.systems or suite.systems
        if unknown := sorted(set(systems) - set(SYSTEMS)):
            raise ConfigError(f"unknown systems {unknown}; there are {list(SYSTEMS)}")
        # seed by seed, so that an early end leaves the same seeds of every system
        cells += [
            _cell(suite, runs, name, _with_defaults(condition, suite), system, seed)
            for seed in suite.seeds
            for system in systems
            if SYSTEMS[system].learns or seed == suite.seeds[0]
        ]
    return _with_rankers(suite, runs, cells)


def _with_defaults(condition: Condition, suite: SuiteSettings) -> Condition:
    """The condition with what the suite sets for all of them."""
    return replace(
        condition,
        labels=condition.labels or suite.labels,
        valid_halves=condition.valid_halves or suite.valid_halves,
    )


def _cell(
    suite: SuiteSettings,
    runs: Sequence[Path],
    name: str,
    condition: Condition,
    system: str,
    seed: int,
) -> Cell:
    overrides = [*suite.overrides, *condition.overrides]
    if SYSTEMS[system].agent:
        # first, so that a condition can override it
        overrides.insert(0, f"agent={system}")
    settings = replace(_settings_of(*overrides), seed=seed)
    ranker = _place(suite, runs, settings, condition, "ranker", seed)
    own = _place(suite, runs, settings, condition, system, seed)
    return Cell(
        name,
        condition,
        settings,
        system,
        seed,
        own[0],
        ranker[0] if SYSTEMS[system].needs_ranker else own[0],
        suite.lightgbm,
        own[1],
    )


def _place(
    suite: SuiteSettings,
    runs: Sequence[Path],
    settings: TrainSettings,
    condition: Condition,
    system: str,
    seed: int,
) -> tuple[Path, Path | None]:
    """Folder of a cell, and the run that it takes over."""
    run = None if _changes_learning(condition) else fitting_run(settings, system, runs)
    ranker = ""
    if SYSTEMS[system].needs_ranker and run is None:
        ranker = _place(suite, runs, settings, condition, "ranker", seed)[0].name
    return Path(suite.cells) / cell_key(settings, condition, system, seed, run, ranker), run


def _changes_learning(condition: Condition) -> bool:
    """Whether a system learns, or is chosen, on other cases than a training run would."""
    return bool(
        condition.labels or condition.without or condition.former_names or condition.valid_halves
    )


@cache
def _settings_of(*overrides: str) -> TrainSettings:
    return train_settings(overrides)


def _with_rankers(suite: SuiteSettings, runs: Sequence[Path], cells: Sequence[Cell]) -> list[Cell]:
    """The cells with the rankers that some of them need before them, each folder once."""
    ordered: dict[tuple[str, Path], Cell] = {}
    for cell in cells:
        needs = SYSTEMS[cell.system].needs_ranker and cell.run is None
        if needs and (cell.name, cell.ranker) not in ordered:
            needed = _cell(suite, runs, cell.name, cell.condition, "ranker", cell.seed)
            ordered[cell.name, needed.folder] = needed
        # equal cells of two conditions share a folder, but each condition lists its own
        ordered.setdefault((cell.name, cell.folder), cell)
    if suite.only_runs:
        taken = {cell.folder for cell in ordered.values() if cell.run is not None}
        return [cell for cell in ordered.values() if not cell.learns and _ready(cell, taken)]
    return list(ordered.values())


def _ready(cell: Cell, taken: set[Path]) -> bool:
    """Whether a cell that learns nothing has the ranker it starts from."""
    return cell.run is not None or cell.ranker == cell.folder or cell.ranker in taken


def cell_key(
    settings: TrainSettings,
    condition: Condition,
    system: str,
    seed: int,
    run: Path | None = None,
    ranker: str = "",
) -> str:
    """Folder name of a cell: changes whenever its answers could.

    Args:
        settings: Of the training command.
        condition: Changes of the cases.
        system: Name of the system.
        seed: Of what it draws.
        run: Finished run that is taken over.
        ranker: Name of the folder of the ranker that it starts from.
    """
    plain, kind = asdict(settings), SYSTEMS[system]
    for name in ("progress", "tensorboard"):
        del plain["training"][name]
    content = {
        "format": _FORMAT,
        "inputs": inputs_digest(settings, condition_content(settings, condition)),
        "settings": {name: plain[name] for name in kind.reads},
        "parameters": condition.lightgbm if system == "lightgbm" else {},
        "code": weights_digest(run, system) if run else _code(kind),
        "seed": seed if kind.learns else 0,
        "ranker": ranker,
    }
    return f"{system}-{digest(content)}"


def _code(kind: System) -> str:
    """Digest of the code that learns; '' where nothing is learned."""
    return learning_digest(*kind.code) if kind.learns else ""


def run_cell(cell: Cell, isolated: bool = True) -> Record:
    """Run a cell, or find that it has been run; a failed one is kept with its error.

    Args:
        cell: What to run.
        isolated: Whether it gets a process of its own.

    Raises:
        OutputError: The folder cannot be written.
    """
    if (known := read_record(cell.folder)) is not None:
        return known
    try:
        cell.folder.mkdir(parents=True, exist_ok=True)
        record = run_in_subprocess(_run, cell) if isolated else replace(_run(cell), peak_mb=None)
        write_record(cell.folder, record)
    except LinkageError as error:
        record = _failed(cell, str(error))
        write_record(cell.folder, record)
    except OSError as error:
        raise OutputError(
            f"cannot write the cell {cell.folder}: {error.strerror}; free space or choose "
            "another folder by cells="
        ) from error
    return record


def judged_cell(cell: Cell) -> JudgedCell:
    """The result of a finished cell with what it is judged by."""
    settings = cell.settings
    return JudgedCell(
        cell.name, settings.reward, settings.evaluation.goal, read_result(cell.folder)
    )


def _run(cell: Cell) -> Record:
    """Fit the system, decide both splits, time it, and write the answers."""
    try:
        return _measured(cell)
    except LinkageError as error:
        return _failed(cell, str(error))
    except Exception as error:
        (cell.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return _failed(cell, f"{type(error).__name__}: {error}")


def _measured(cell: Cell) -> Record:
    if cell.run is not None:
        take_over(cell.run, cell.system, cell.folder)
    problem = build_condition(cell.settings, cell.condition, cell.needs_training_cases)
    context = FitContext(
        problem, cell.seed, cell.folder, cell.ranker, cell.lightgbm, cell.condition.lightgbm
    )
    predictions = SYSTEMS[cell.system].predict(context)
    Answers.of(predictions.valid, problem.valid).save(cell.folder / "valid.npz")
    Answers.of(predictions.test, problem.test).save(cell.folder / "test.npz")
    # before timing, which would count the live index as well
    peak_mb = max(peak_memory_mb(), peak_of_children_mb())
    fit = _fit_seconds(cell.folder)
    return Record(
        cell.name,
        cell.system,
        SYSTEMS[cell.system].title,
        cell.seed,
        problem.datasets,
        fit["wall_s"],
        fit["cpu_s"],
        peak_mb,
        _live_us(problem, predictions, time.perf_counter),
        _live_us(problem, predictions, time.process_time),
        predictions.notes | fit["notes"],
        commit(),
    )


def _failed(cell: Cell, sentence: str) -> Record:
    title = SYSTEMS[cell.system].title
    error = " ".join(sentence.split())
    return Record(cell.name, cell.system, title, cell.seed, commit=commit(), error=error)


def _fit_seconds(folder: Path) -> dict[str, Any]:
    path = folder / FIT
    if not path.exists():
        return {"wall_s": 0.0, "cpu_s": 0.0, "notes": {}}
    content: dict[str, Any] = json.loads(path.read_text())
    return {"notes": {}} | content


def _live_us(
    problem: Problem, predictions: Predictions, clock: Callable[[], float]
) -> dict[str, float]:
    """Microseconds per client of each dataset on this clock; empty where nothing links live."""
    decider = predictions.decider
    if decider is None:
        return {}
    limit = problem.settings.candidates.limit
    return {
        dataset: live_microseconds(decider, problem.index, problem.blockers, limit, records, clock)
        + predictions.cpu_us
        for dataset, records in problem.timed_records().items()
    }
