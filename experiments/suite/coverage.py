"""Candidate recall within the visible slots, by the way in which clients differ from their company.

A right company is visible if it is in one of the slots when every blocker has been run. Nothing
that comes after can link a client whose company is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.suite.cells import Cell
from experiments.suite.conditions import build_condition
from experiments.tools.problem import right_is_visible
from linkage_rl.errors import SchemaError
from linkage_rl.tables.readers import read_clients


@dataclass(frozen=True)
class KindRecall:
    """Candidate recall of the test clients of one kind."""

    condition: str
    dataset: str
    kind: str
    """Value of the list's column, 'all' for the whole list."""
    clients: int
    """Clients that have a row in the table."""
    recall: float
    """Share of these whose right company is visible."""


def recall_by_kind(cell: Cell, kinds: Mapping[str, str]) -> list[KindRecall]:
    """The recall of every kind of the test lists of the cell's condition.

    Args:
        cell: Of the condition; its system does not matter.
        kinds: Dataset to the column of its test list that holds the kind.

    Raises:
        SchemaError: A list lacks its column.
    """
    problem = build_condition(cell.settings, cell.condition, learns=False)
    cases, found = problem.test, []
    visible = right_is_visible(cases, problem.view)
    for place, dataset in enumerate(problem.datasets):
        if dataset not in kinds:
            continue
        file = problem.settings.clients.test[dataset]
        extra = read_clients(Path(file)).extra
        if kinds[dataset] not in extra:
            raise SchemaError(f"{file} needs the column {kinds[dataset]!r}, got {sorted(extra)}")
        kind_of = np.array(extra[kinds[dataset]])
        own = np.flatnonzero((cases.dataset == place) & cases.has_row)
        # the cases of a list are in the order of its clients
        kind_of_own = kind_of[own - int(np.flatnonzero(cases.dataset == place)[0])]
        found.append(KindRecall(cell.name, dataset, "all", len(own), float(visible[own].mean())))
        for kind in np.unique(kind_of_own).tolist():
            some = own[kind_of_own == kind]
            recall = float(visible[some].mean())
            found.append(KindRecall(cell.name, dataset, kind, len(some), recall))
    return found


def recall_rows(found: Sequence[KindRecall]) -> list[list[str]]:
    """The recalls as cells of a table, heading first."""
    heading = ["condition", "list", "kind of client", "with a row", "candidate recall"]
    rows = [
        [one.condition, one.dataset, one.kind, f"{one.clients:,}", f"{one.recall:.4f}"]
        for one in found
    ]
    return [heading, *rows]
