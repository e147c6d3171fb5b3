"""`python -m experiments.suite.kinds`: right and wrong links by kind of field dirt.

Three steps, so that bundles of several versions of the library are measured on the same lists:

    python -m experiments.suite.kinds make FOLDER                            # lists and tables
    PYTHONPATH=TREE python experiments/suite/kind_links.py FOLDER BUNDLE RUN  # link them all
    python -m experiments.suite.kinds report FOLDER RUN [RUN ...]            # a Markdown table

The real companies are read from `LINKAGE_RL_DATA`, else `../shared/data`.
"""

import argparse
import csv
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.suite import kind_lists, kind_names, kind_places
from experiments.suite.kind_lists import Condition, Kinds
from experiments.suite.kind_tables import Table, real_table, sample_clients, sample_table
from linkage_rl.config.command import say
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.records import FIELDS
from linkage_rl.tables.spelling_noise import Fields

SEED: Final = 20_15
REAL_ROWS: Final = 100_000
CROWDED: Final = 8
"""Addresses shared by over 200 companies, all of whose companies are in the table."""

TIED: Final = re.compile("[0-9]+ companies of this name")
"""How a reason says that the client cannot tell several companies apart."""

ROWS: Final[tuple[Callable[[Kinds, Table], None], ...]] = (
    kind_places.namesakes,
    kind_names.beside_names,
    kind_names.dirty_tables,
    kind_names.sisters,
    kind_places.crowded,
    kind_places.places,
    kind_names.latin_forms,
)
"""Rows of the page that are made of the real table alone."""

Answer = Mapping[str, str]
"""Columns of the output for one client."""


def main() -> None:
    """Make the lists, or report what was linked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["make", "report"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", nargs="*", help="of report: names of linked runs, in their order")
    rows = "of make: rows of random names of the real table"
    parser.add_argument("--rows", type=int, default=REAL_ROWS, help=rows)
    asked = parser.parse_args()
    if asked.step == "make":
        make(asked.folder, asked.rows)
    else:
        say(report(asked.folder, asked.runs))


def make(folder: Path, rows: int = REAL_ROWS) -> None:
    """Write every table, every list without its truth, and what is asked of each.

    Args:
        folder: For all files.
        rows: Rows of random names taken of the real table.
    """
    data = Path(os.environ.get("LINKAGE_RL_DATA", "../shared/data"))
    sample = sample_table()
    real = real_table(data / "companies.parquet", rows, CROWDED, SEED)
    kinds = Kinds(np.random.default_rng(SEED), {"sample": sample.rows, "real": real.rows})
    kind_lists.shared_values(kinds, sample, *sample_clients())
    for table, name in ((sample, "sample"), (real, "real")):
        kind_lists.ties(kinds, table, name)
    for add in ROWS:
        add(kinds, real)
    kind_lists.damaged_cells(kinds, sample)
    write(folder, kinds)
    say(
        f"{len(kinds.conditions)} lists, {sum(len(one.clients) for one in kinds.conditions):,} "
        f"clients, {len(kinds.tables)} tables, real table {len(real.rows):,} rows, in {folder}"
    )


def write(folder: Path, kinds: Kinds) -> None:
    """Write the tables, the lists and `conditions.json`, which has the truths."""
    (folder / "lists").mkdir(parents=True, exist_ok=True)
    (folder / "tables").mkdir(exist_ok=True)
    files = {name: f"tables/{number:02}.csv" for number, name in enumerate(kinds.tables)}
    for name, table_rows in kinds.tables.items():
        _write_rows(folder / files[name], ("company_id", *FIELDS), table_rows)
    described = []
    for number, condition in enumerate(kinds.conditions):
        file, clients = f"lists/{number:03}.csv", condition.clients
        names = [name for name in FIELDS if any(name in one for one in clients)]
        rows = [{"client_id": f"c{place:05}", **one} for place, one in enumerate(clients)]
        _write_rows(folder / file, ("client_id", *names), rows)
        described.append(_described(condition, files[condition.table], file))
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / "conditions.json").write_text(text, encoding="utf-8")


def _described(condition: Condition, table: str, file: str) -> dict[str, Any]:
    kept = ("row", "name", "truth", "target", "measure", "compared", "expected")
    return {key: getattr(condition, key) for key in kept} | {"table": table, "list": file}


def _write_rows(path: Path, names: Sequence[str], rows: Sequence[Fields]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def report(folder: Path, runs: Sequence[str]) -> str:
    """A Markdown table with a line per condition and the figures of every run."""
    conditions = json.loads((folder / "conditions.json").read_text(encoding="utf-8"))
    lines = [["kind", "condition", "clients", *runs, "to reach"]]
    lists = {(one["row"], one["name"]): one["list"] for one in conditions}
    for one in conditions:
        cells = []
        for run in runs:
            answers = _answers(folder / run / Path(one["list"]).name)
            other = lists.get((one["row"], one["compared"]), one["list"])
            before = _answers(folder / run / Path(other).name)
            cells.append(figure(one, answers, before))
        lines.append([one["row"], one["name"], f"{len(one['truth']):,}", *cells, one["target"]])
    return markdown_table(lines)


def _answers(path: Path) -> list[Answer]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def figure(
    condition: Mapping[str, Any], answers: Sequence[Answer], before: Sequence[Answer]
) -> str:
    """What is reported of one linked list.

    Args:
        condition: As `make` describes it.
        answers: Of each client, in the order of the list.
        before: Of the list that it is compared with.

    Returns:
        Shares of clients answered rightly and linked wrongly, unless the condition asks for more;
        no link is the right answer for a client without a row.
    """
    truth = condition["truth"]
    linked = [answer["company_id"] for answer in answers]
    right = sum(mine == true != "" for mine, true in zip(linked, truth, strict=True))
    total = sum(map(bool, linked))
    agreeing = sum(mine == true for mine, true in zip(linked, truth, strict=True))
    if condition["measure"] == "f1":
        return f"F1 {2 * right / (total + sum(map(bool, truth))):.3f}"
    if condition["measure"] == "same":
        changed = sum(
            mine != other["company_id"] for mine, other in zip(linked, before, strict=True)
        )
        return f"{changed} of {len(linked):,} answers changed"
    shares = f"{agreeing / len(truth):.1%} / {(total - right) / len(truth):.1%}"
    if condition["measure"] == "ties":
        confidence = np.mean([float(answer["confidence"]) for answer in answers])
        said = np.mean([bool(TIED.search(answer["reason"])) for answer in answers])
        return (
            f"confidence {confidence:.2f} for {condition['expected']:.2f}, linked {shares}, "
            f"said {said:.0%}"
        )
    return shares


if __name__ == "__main__":
    main()
