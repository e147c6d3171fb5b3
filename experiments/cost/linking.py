"""Linking a list from file to file, one client at a time, and refreshing a changed table."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.cost.figures import Figure
from experiments.cost.inputs import Inputs
from experiments.cost.measurements import latencies_ms
from experiments.cost.plain import run_plain_rules
from experiments.tools.measure import Clock, run_in_subprocess
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import DatabaseError
from linkage_rl.linked_columns import Run
from linkage_rl.linked_list import ListFile, ResultLayout, link_chunk
from linkage_rl.linker import Linker
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.tables.store import CompanyStore

_CHUNK = 8_192
_WARM_UP = 20


@dataclass(frozen=True)
class Quality:
    """How good the links of a result file are."""

    linked: float
    """Linked / clients."""
    precision: float
    """Correct / linked."""

    def __str__(self) -> str:
        return f"{self.linked:.1%} linked, {self.precision:.1%} of them right"


def fill_store(inputs: Inputs) -> CompanyStore:
    """An SQLite database with the companies of the file."""
    store = CompanyStore(f"sqlite:///{inputs.folder}/companies.db")
    store.create()
    store.load(inputs.chunks())
    return store


def measure_linking(inputs: Inputs, linker: Linker, policy: str) -> list[Figure]:
    """Linking in bulk and one at a time, against rules over dicts.

    Args:
        inputs: The list.
        linker: Links it.
        policy: What decides, for the notes.
    """
    output = inputs.folder / "linked.csv"
    clock = link_list(inputs, linker, output)
    rival_output = inputs.folder / "linked_plain.csv"
    rival = run_in_subprocess(run_plain_rules, inputs, rival_output)
    ours, theirs = quality(output, inputs), quality(rival_output, inputs)
    clients, against = len(inputs.clients), "plain Python rules over dicts"
    median, tail = single_latencies_ms(inputs, linker)
    return [
        Figure(
            "linking, CSV to CSV",
            "clients/s",
            clients / clock.wall_s,
            clients / rival.linking.wall_s,
            against,
            f"{policy}: {ours}; rival: {theirs}",
        ),
        Figure(
            "linking, processor",
            "clients/CPU-s",
            clients / clock.cpu_s,
            clients / rival.linking.cpu_s,
            against,
            f"the rival's dicts take {rival.building.wall_s:.1f} s at each start, not counted",
        ),
        Figure("linking precision", "share", ours.precision, theirs.precision, against),
        Figure("linkage rate", "share", ours.linked, theirs.linked, against),
        Figure(
            "one client, median",
            "ms",
            median,
            rival.single_ms[0],
            against,
            f"{min(inputs.sizes.singles, clients):,} clients, companies read from SQLite",
            less_is_better=True,
        ),
        Figure(
            "one client, 99th percentile",
            "ms",
            tail,
            rival.single_ms[1],
            against,
            less_is_better=True,
        ),
    ]


def single_latencies_ms(inputs: Inputs, linker: Linker) -> tuple[float, float]:
    """Median and 99th percentile of the wall milliseconds of linking a single client."""
    count = min(inputs.sizes.singles, len(inputs.clients))
    singles = [inputs.clients.records.take([row]) for row in range(count)]
    latencies_ms(linker.link, singles[:_WARM_UP])
    return latencies_ms(linker.link, singles)


def link_list(inputs: Inputs, linker: Linker, output: Path) -> Clock:
    """What `python -m linkage_rl.link` does once it has a linker."""
    linker.link(inputs.clients.records.take(range(min(_CHUNK, len(inputs.clients)))))
    clock = Clock()
    with clock:
        source = ListFile.open(inputs.list_file, CANONICAL, "")
        source.count()
        layout = ResultLayout.of(source, Run("", "", "", ""), 0)
        with CsvWriter(output, layout.columns, "") as file:
            for chunk in source.chunks(_CHUNK):
                file.write(link_chunk(linker, layout, chunk))
            file.complete()
    return clock


def quality(output: Path, inputs: Inputs) -> Quality:
    """Compare a result file with the truth."""
    with output.open(newline="", encoding="utf-8") as stream:
        rows = csv.reader(stream)
        column = next(rows).index("company_id")
        answers = [row[column] for row in rows]
    truth = inputs.clients.truth or ()
    correct = [
        answer in right.split("|") for answer, right in zip(answers, truth, strict=True) if answer
    ]
    return Quality(len(correct) / len(answers), sum(correct) / max(len(correct), 1))


def measure_refresh(
    inputs: Inputs, index: CompanyIndex, store: CompanyStore, build_s: float
) -> Figure:
    """Rename companies in the database, then refresh the index.

    Args:
        inputs: Says how many companies.
        index: Of the table in the store.
        store: Gets changed.
        build_s: Wall seconds in which the index was built.
    """
    known = CompanyIndex.of_table(store)
    count = min(inputs.sizes.changed, len(index) // 20)
    alive = np.flatnonzero(index.parts[0].alive)
    rows = alive[np.linspace(0, len(alive) - 1, count).astype(np.int64)]
    store.apply(_renamed(store.fetch(index.company_ids(rows))))
    clock = Clock()
    with clock:
        _, report = known.refresh(store)
    if report.changed < count:
        raise DatabaseError(f"expected {count} changed rows, the refresh saw {report.changed}")
    return Figure(
        "refresh",
        "s",
        clock.wall_s,
        build_s,
        "building the index again",
        f"{count:,} of {len(index):,} rows renamed in SQLite, read and indexed",
        less_is_better=True,
    )


def _renamed(rows: CompanyRows) -> CompanyRows:
    columns = dict(rows.records.columns)
    columns["name"] = [f"{name}西日本" for name in columns["name"]]
    # without a time stamp the store takes the current time
    return CompanyRows(
        RecordBatch(rows.records.ids, columns), [""] * len(rows.records), rows.closed_at
    )
