"""Building, saving and loading an index; every index is built in its own process."""

import gc
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.cost.figures import Figure
from experiments.cost.inputs import Inputs
from experiments.cost.measurements import FIRST, Built, Searched
from experiments.cost.plain import PlainIndex
from experiments.tools.measure import (
    Clock,
    peak_memory_mb,
    run_in_subprocess,
)
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import load_index, save_index
from linkage_rl.errors import SchemaError
from linkage_rl.records import RecordBatch

_LOADS = 3


@dataclass(frozen=True)
class Indexed:
    """The index that the other lines use, and what the plain one answered while it was there."""

    index: CompanyIndex
    """Mapped from its folder, as a linking process has it."""
    ours: Built
    searched_plain: Searched
    """The plain index on `slow_clients`."""


def measure_building(inputs: Inputs) -> tuple[list[Figure], Indexed]:
    """Build our index and the plain one, save and load both."""
    folder, pickled = inputs.folder / "index", inputs.folder / "plain.pickle"
    ours = run_in_subprocess(build_ours, inputs, folder)
    plain = run_in_subprocess(build_plain, inputs, pickled)
    verified, mapped = run_in_subprocess(load_ours, folder)
    index = load_index(folder, verify=False)
    asked = inputs.some(slow_clients(inputs, index))
    unpickled, searched_plain = run_in_subprocess(use_plain, pickled, *asked)
    against = "plain Python n-gram index"
    content = "ours: every blocker, counts, snapshot; rival: n-grams of name and kana"
    figures = [
        Figure(
            "index build",
            "rows/s",
            ours.per_second,
            plain.per_second,
            against,
            f"{ours.companies:,} rows from the file in {ours.making.wall_s:.1f} s; {content}",
        ),
        Figure(
            "index build, processor",
            "rows/CPU-s",
            ours.companies / ours.making.cpu_s,
            plain.companies / plain.making.cpu_s,
            against,
        ),
        Figure(
            "index build, peak memory",
            "MB",
            ours.peak_mb,
            plain.peak_mb,
            against,
            "resident, own process",
            less_is_better=True,
        ),
        Figure(
            "index save",
            "s",
            ours.saving.wall_s,
            plain.saving.wall_s,
            f"{against}, pickle",
            less_is_better=True,
        ),
        Figure(
            "index load, verified",
            "s",
            verified.wall_s,
            unpickled.wall_s,
            f"{against}, pickle",
            f"files cached, best of {_LOADS}",
            less_is_better=True,
        ),
        Figure(
            "index load, unverified",
            "s",
            mapped.wall_s,
            unpickled.wall_s,
            f"{against}, pickle",
            "mapped only, read when used",
            less_is_better=True,
        ),
    ]
    return figures, Indexed(index, ours, searched_plain)


def slow_clients(inputs: Inputs, index: CompanyIndex) -> list[int]:
    """Clients for the slow rivals; their companies are in the table."""
    present = np.flatnonzero(index.find(inputs.truth) >= 0)
    if len(present) == 0:
        raise SchemaError(
            f"expected clients whose company is in {inputs.companies}, got none; "
            "give a list that belongs to the table"
        )
    places = np.linspace(0, len(present) - 1, min(inputs.sizes.slow_clients, len(present)))
    chosen: list[int] = present[places.astype(np.int64)].tolist()
    return chosen


def build_ours(inputs: Inputs, folder: Path) -> Built:
    """Index the company file and save it."""
    making, saving = Clock(), Clock()
    with making:
        index = CompanyIndex.build(inputs.chunks(), folder)
    peak = peak_memory_mb()
    with saving:
        save_index(index, folder)
    return Built(len(index), making, saving, peak)


def build_plain(inputs: Inputs, path: Path) -> Built:
    """Index the company file in plain Python and pickle it."""
    # the collector would run again and again over millions of small objects
    gc.disable()
    making, saving = Clock(), Clock()
    with making:
        index = PlainIndex(inputs.chunks())
    peak = peak_memory_mb()
    with saving, path.open("wb") as stream:
        pickle.dump(index, stream, pickle.HIGHEST_PROTOCOL)
    return Built(len(index.ids), making, saving, peak)


def load_ours(folder: Path) -> tuple[Clock, Clock]:
    """The fastest of a few loads with verification, and of as many without."""
    fastest = []
    for verify in (True, False):
        clocks = [Clock() for _ in range(_LOADS)]
        for clock in clocks:
            with clock:
                load_index(folder, verify=verify)
        fastest.append(min(clocks, key=lambda clock: clock.wall_s))
    return fastest[0], fastest[1]


def use_plain(path: Path, records: RecordBatch, truth: Sequence[str]) -> tuple[Clock, Searched]:
    """Load the plain index, and search it for clients whose company is in it."""
    loading, searching = Clock(), Clock()
    with loading:
        index = _unpickled(path)
    names, readings = records.column("name"), records.column("name_kana")
    with searching:
        found = [
            index.search(name, kana, FIRST) for name, kana in zip(names, readings, strict=True)
        ]
    wanted = set(truth)
    right = {company_id: row for row, company_id in enumerate(index.ids) if company_id in wanted}
    company = core = 0
    for documents, company_id in zip(found, truth, strict=True):
        document = index.document_of[right[company_id]]
        rows = [row for some in documents for row in index.rows[some]][:FIRST]
        company += right[company_id] in rows
        core += index.cores[document] in [index.cores[some] for some in documents]
    return loading, Searched(len(truth), searching, company / len(truth), core / len(truth))


def _unpickled(path: Path) -> PlainIndex:
    gc.disable()
    with path.open("rb") as stream:
        index = pickle.load(stream)
    gc.enable()
    assert isinstance(index, PlainIndex)
    return index
