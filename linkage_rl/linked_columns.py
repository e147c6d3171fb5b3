"""The columns of a linked list: the decision on each client, its company, then its own columns."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final, Self

from linkage_rl.decision.assignment import CLAIMED_BY, LOST_TO
from linkage_rl.decision.best_candidates import BestCandidates
from linkage_rl.decision.duplicates import DUPLICATE_GROUP
from linkage_rl.decision.explaining import Explanations
from linkage_rl.features.explanation import FIELDS as EXPLAINED
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import FIELDS, DecisionKind
from linkage_rl.tables.writer import NestedColumn, NestedValues

DECISIONS: Final = {kind: kind.name.lower() for kind in DecisionKind}
"""How each decision is written."""

COLUMNS: Final = (
    *("client_id", "decision", "company_id", "confidence"),
    *(f"company_{name}" for name in FIELDS),
    *("company_site", "reason"),
)
"""Columns of the output that come before the client's own, in their order."""

RUN_COLUMNS: Final = ("run_id", "bundle", "linked_at", "table_state")
"""Columns of a written result that follow `COLUMNS`: those of a `Run`."""

DECISION_ID: Final = "decision_id"
"""Column of a written result that names each decision in the decision log, where there is one."""

NUMBERS: Final = frozenset({"confidence", "share", "weight", CLAIMED_BY, DUPLICATE_GROUP, LOST_TO})
"""Columns, and fields of candidates, that are numbers."""

_DIGITS: Final = 16


@dataclass(frozen=True)
class Run:
    """The run that a row of a result comes from."""

    run_id: str
    """Its name, or a digest of its input and of the time when it began."""
    bundle: str
    """First digits of the fingerprint of the bundle's manifest."""
    linked_at: str
    """When it began, ISO 8601 in UTC."""
    table_state: str
    """First digits of the fingerprint of the table that the row was linked with."""

    @classmethod
    def of(cls, name: str, mark: str, bundle: str, linked_at: str, table: str) -> Self:
        """A run from what it depends on.

        Args:
            name: Given by the user; '' takes a digest.
            mark: Fingerprint of list, bundle and settings.
            bundle: Fingerprint of the bundle's manifest.
            linked_at: When it began.
            table: A text that changes with the state of the table.
        """
        return cls(name or digest(mark, linked_at), bundle[:_DIGITS], linked_at, digest(table))

    def texts(self, clients: int) -> dict[str, Sequence[str]]:
        """N texts of each of `RUN_COLUMNS`."""
        return {name: [getattr(self, name)] * clients for name in RUN_COLUMNS}


def digest(*parts: str) -> str:
    """First digits of the SHA-256 of these texts together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def candidate_column(shown: int) -> NestedColumn:
    """The column of the best candidates of each client."""
    return NestedColumn("candidates", "candidate", ("id", "share", "reason", "name"), shown)


def candidate_values(candidates: BestCandidates) -> NestedValues:
    """The entries of `candidate_column`."""
    return NestedValues(
        candidates.counts,
        {
            "id": candidates.company_ids,
            "share": [f"{share:.4f}" for share in candidates.shares.tolist()],
            "reason": candidates.reasons,
            "name": candidates.names,
        },
    )


EXPLANATION: Final = NestedColumn(
    "explanation", "field", ("field", "client", "company", "agreement", "weight"), len(EXPLAINED)
)
"""The column of what each field says of the best candidate of each client."""


def explanation_values(explanations: Explanations) -> NestedValues:
    """The entries of `EXPLANATION`; the weight is '' where the policy did not see the candidate."""
    weights = explanations.weights.tolist()
    return NestedValues(
        explanations.counts,
        {
            "field": explanations.fields,
            "client": explanations.clients,
            "company": explanations.companies,
            "agreement": explanations.agreements,
            "weight": ["" if isnan(weight) else f"{weight:.3f}" for weight in weights],
        },
    )


def texts_of(linked: LinkedBatch) -> dict[str, Sequence[str]]:
    """N texts of each of `COLUMNS` but the id and the confidence; '' where missing."""
    return {
        "decision": [DECISIONS[DecisionKind(kind)] for kind in linked.kind.tolist()],
        "company_id": linked.company_ids,
        **{f"company_{name}": linked.companies.column(name) for name in FIELDS},
        "company_site": linked.sites or [""] * len(linked),
        "reason": linked.reasons,
    }


def own_names(
    own: Iterable[str], header: Iterable[str], before: Sequence[str] = COLUMNS
) -> dict[str, str]:
    """Each of the client's own columns to its name in the output.

    'client_' goes before a name that the output has already, in whatever case: databases take
    'Reason' and 'reason' for one column.

    Args:
        own: The columns that go through to the output, without the client's id.
        header: All columns of the list.
        before: Columns of the output that are not the client's own.

    >>> own_names(["name", "Reason"], ["client_id", "name", "Reason"])
    {'name': 'name', 'Reason': 'client_Reason'}
    """
    taken = {name.casefold() for name in before}
    theirs = taken | {name.casefold() for name in header}
    names: dict[str, str] = {}
    for column in own:
        name = column
        while name.casefold() in taken:
            name = f"client_{name}"
            name = f"client_{name}" if name.casefold() in theirs else name
        taken.add(name.casefold())
        names[column] = name
    return names
