"""The columns of a linked list: the decision on each client, its company, then its own columns."""

from collections.abc import Iterable, Sequence
from typing import Final

from linkage_rl.linker import LinkedBatch
from linkage_rl.records import FIELDS, DecisionKind

DECISIONS: Final = {kind: kind.name.lower() for kind in DecisionKind}
"""How each decision is written."""

COLUMNS: Final = (
    *("client_id", "decision", "company_id", "confidence"),
    *(f"company_{name}" for name in FIELDS),
    "reason",
)
"""Columns of the output that come before the client's own, in their order."""


def texts_of(linked: LinkedBatch) -> dict[str, Sequence[str]]:
    """N texts of each of `COLUMNS` but the id and the confidence; '' where missing."""
    return {
        "decision": [DECISIONS[DecisionKind(kind)] for kind in linked.kind.tolist()],
        "company_id": linked.company_ids,
        **{f"company_{name}": linked.companies.column(name) for name in FIELDS},
        "reason": linked.reasons,
    }


def own_names(own: Iterable[str], header: Iterable[str]) -> dict[str, str]:
    """Each of the client's own columns to its name in the output.

    'client_' goes before a name that the output has already.

    Args:
        own: The columns that go through to the output, without the client's id.
        header: All columns of the list.

    >>> own_names(["name", "company_id"], ["client_id", "name", "company_id"])
    {'name': 'name', 'company_id': 'client_company_id'}
    """
    taken = {*COLUMNS, *header}
    names: dict[str, str] = {}
    for column in own:
        name = column
        while name in COLUMNS or name in names.values():
            name = f"client_{name}"
            name = f"client_{name}" if name in taken else name
        names[column] = name
    return names
