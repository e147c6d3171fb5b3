"""A cell: one system, one seed, one condition; run once, kept by what it depends on."""

import json
import resource
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from experiments.tools.measure import alone, peak_memory_mb
from experiments.suite.finished import fitting_run, run_folders, take_over, weights_digest
from experiments.tools.problem import (
    Problem,
    digest,
    inputs_stamp,
    learning_digest,
    pose,
    train_settings,
)
from experiments.tools.records import Record, commit, read_record, write_record
from experiments.tools.settings import Condition, SuiteSettings
from experiments.suite.systems import FIT, SYSTEMS, Bench, Said, System
from linkage_rl.errors import ConfigError, LinkageError, OutputError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.evaluate import live_microseconds
from linkage_rl.train import TrainSettings

_FORMAT: Final = 1
"""Raised when cells of before can no longer be read."""


@dataclass(frozen=True)
class Cell:
    """What is run, and where its result lies."""

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
        """Whether it learns, or settles a plan on them."""
        return SYSTEMS[self.system].learns and self.run is None

    @property
    def learns(self) -> bool:
        """Whether running it takes the time of learning."""
        return self.needs_training_cases and not SYSTEMS[self.system].settles


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
            _cell(suite, runs, name, condition, system, seed)
            for seed in suite.seeds
            for system in systems
            if SYSTEMS[system].learns or seed == suite.seeds[0]
        ]
    return _with_rankers(suite, runs, cells)


def _cell(
    suite: SuiteSettings,
    runs: Sequence[Path],
    name: str,
    condition: Condition,
    system: str,
    seed: int,
) -> Cell:
    words = [*suite.overrides, *condition.overrides]
    if SYSTEMS[system].agent:
        # first, so that a condition can still say otherwise
        words.insert(0, f"agent={system}")
    settings = replace(_settings_of(*words), seed=seed)
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
    plain = not (condition.labels or condition.without)
    run = fitting_run(settings, system, runs) if plain else None
    ranker = ""
    if SYSTEMS[system].needs_ranker and run is None:
        ranker = _place(suite, runs, settings, condition, "ranker", seed)[0].name
    return Path(suite.cells) / cell_key(settings, condition, system, seed, run, ranker), run


@cache
def _settings_of(*words: str) -> TrainSettings:
    return train_settings(list(words))


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
        settings: What the training command would be told.
        condition: What is done to the cases besides.
        system: Name of the system.
        seed: Of what it draws.
        run: Finished run that is taken over.
        ranker: Name of the folder of the ranker that it starts from.
    """
    told, kind = asdict(settings), SYSTEMS[system]
    told["training"] = {
        name: value
        for name, value in told["training"].items()
        if name not in ("progress", "tensorboard")
    }
    content = {
        "format": _FORMAT,
        "inputs": inputs_stamp(settings, condition),
        "told": {name: told[name] for name in kind.reads},
        "code": weights_digest(run, system) if run else _code(kind),
        "seed": seed if kind.learns else 0,
        "ranker": ranker,
    }
    return f"{system}-{digest(content)}"


def _code(kind: System) -> str:
    """Stands for the code that learns; nothing where nothing is learned."""
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
        record = alone(_run, cell) if isolated else replace(_run(cell), peak_mb=None)
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


def _run(cell: Cell) -> Record:
    """Make the system, judge both splits, time it, and write the answers."""
    try:
        if cell.run is not None:
            take_over(cell.run, cell.system, cell.folder)
        problem = pose(cell.settings, cell.condition, cell.needs_training_cases)
        bench = Bench(problem, cell.seed, cell.folder, cell.ranker, cell.lightgbm)
        said = SYSTEMS[cell.system].make(bench)
        lists = problem.lists
        Answers.of(said.valid, lists.valid).save(cell.folder / "valid.npz")
        Answers.of(said.test, lists.test).save(cell.folder / "test.npz")
        # before timing, which would count the live index as well
        peak_mb = max(peak_memory_mb(), _peak_of_programs_mb())
        fit = _fit_seconds(cell.folder)
        return Record(
            cell.name,
            cell.system,
            SYSTEMS[cell.system].title,
            cell.seed,
            lists.datasets,
            fit["wall_s"],
            fit["cpu_s"],
            peak_mb,
            _live(problem, said, time.perf_counter),
            _live(problem, said, time.process_time),
            said.notes | fit["notes"],
            commit(),
        )
    except LinkageError as error:
        return _failed(cell, str(error))
    except Exception as error:
        (cell.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return _failed(cell, f"{type(error).__name__}: {error}")


def _failed(cell: Cell, sentence: str) -> Record:
    title = SYSTEMS[cell.system].title
    error = " ".join(sentence.split())
    return Record(cell.name, cell.system, title, cell.seed, commit=commit(), error=error)


def _fit_seconds(folder: Path) -> dict[str, Any]:
    path = folder / FIT
    told = json.loads(path.read_text()) if path.exists() else {"wall_s": 0.0, "cpu_s": 0.0}
    return told | {"notes": told.get("notes", {})}


def _live(problem: Problem, said: Said, clock: Any) -> dict[str, float]:
    """Microseconds per client of each dataset on this clock; empty where nothing links live."""
    if said.decider is None:
        return {}
    timing = problem.timing
    return {
        dataset: live_microseconds(
            said.decider, timing.index, timing.blockers, timing.limit, records, clock
        )
        + said.cpu_us
        for dataset, records in timing.records.items()
    }


def _peak_of_programs_mb() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
