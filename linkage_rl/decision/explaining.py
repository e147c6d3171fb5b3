"""Explanations of the best candidates of clients, field by field, with the texts of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.decide import Decider
from linkage_rl.decision.pool import LivePool
from linkage_rl.features.explanation import FIELDS, agreement_levels, field_weights
from linkage_rl.features.matrix import pair_features
from linkage_rl.records import RecordBatch
from linkage_rl.text.canonical import canonicalise
from linkage_rl.text.legal_forms import LEGAL_FORMS

_FIELDS: Final = tuple(FIELDS)


@dataclass(frozen=True)
class Explanations:
    """Fields of N clients, one client after the other; P in all.

    A field is left out where neither client nor company has it.
    """

    counts: NDArray[np.int64]
    """Fields of each client, 0 where it has no candidate, shape (N,)."""
    fields: list[str]
    """One of `explanation.FIELDS`."""
    clients: list[str]
    """What the client says, '' where it lacks the field."""
    companies: list[str]
    """What the company table says, '' where the company lacks the field."""
    agreements: list[str]
    """How far they agree, in words; '' where one of them lacks the field."""
    weights: NDArray[np.float64]
    """Change of the candidate's log-odds by the field, nan where the policy did not see the
    candidate; shape (P,)."""

    @classmethod
    def of(
        cls,
        pool: LivePool,
        decider: Decider,
        records: RecordBatch,
        rows: NDArray[np.int64],
        ran: NDArray[np.uint16],
    ) -> Self:
        """Explain one candidate of each of N clients.

        Args:
            pool: The clients, with the blockers run that the policy chose.
            decider: Decided on them.
            records: The clients.
            rows: Index row of the candidate of each, -1 for none, shape (N,).
            ran: Blockers that have run for each, shape (N,).
        """
        present = np.flatnonzero(rows >= 0)
        weights = _weights(pool, decider, present, rows[present], ran[present])
        features = pair_features(pool.found.index, pool.found.clients, present, rows[present])
        own = _texts(records.take(present.tolist()))
        their = _texts(pool.found.index.records(rows[present]))
        counts = np.zeros(len(rows), dtype=np.int64)
        lines: list[tuple[str, str, str, str, float]] = []
        for place, levels in enumerate(agreement_levels(features)):
            begin = len(lines)
            for at, name in enumerate(_FIELDS):
                if own[at][place] or their[at][place]:
                    texts = (own[at][place], their[at][place])
                    lines.append((name, *texts, levels[at], float(weights[place, at])))
            counts[present[place]] = len(lines) - begin
        return cls(
            counts,
            [line[0] for line in lines],
            [line[1] for line in lines],
            [line[2] for line in lines],
            [line[3] for line in lines],
            np.array([line[4] for line in lines], dtype=np.float64),
        )

    @classmethod
    def concatenate(cls, parts: "Sequence[Explanations]") -> "Explanations":
        """The explanations of the clients of all parts, in their order."""
        return Explanations(
            np.concatenate([part.counts for part in parts]),
            [text for part in parts for text in part.fields],
            [text for part in parts for text in part.clients],
            [text for part in parts for text in part.companies],
            [text for part in parts for text in part.agreements],
            np.concatenate([part.weights for part in parts]),
        )

    def between(self, begin: int, end: int) -> "Explanations":
        """The explanations of the clients in range(begin, end)."""
        ends = np.concatenate([[0], self.counts.cumsum()])
        part = slice(int(ends[begin]), int(ends[end]))
        return Explanations(
            self.counts[begin:end],
            self.fields[part],
            self.clients[part],
            self.companies[part],
            self.agreements[part],
            self.weights[part],
        )


def _weights(
    pool: LivePool,
    decider: Decider,
    clients: NDArray[np.int64],
    rows: NDArray[np.int64],
    ran: NDArray[np.uint16],
) -> NDArray[np.float64]:
    """Weight of each field for n clients, nan where their candidate is in no slot; (n, fields)."""
    weights = np.full((len(clients), len(_FIELDS)), np.nan)
    if not len(clients):
        return weights
    observation = pool.observe(clients, ran)
    seen = observation.slot_candidates == rows[:, None]
    slot = seen.argmax(axis=1)
    visible = seen.any(axis=1)
    weights[visible] = field_weights(decider.policy, observation, slot)[1][visible]
    return weights


def _texts(records: RecordBatch) -> list[list[str]]:
    """Texts of each of `FIELDS` of n records."""
    forms = canonicalise(records).legal_form.tolist()
    return [
        [" ".join(filter(None, texts)) for texts in zip(*map(records.column, columns), strict=True)]
        if columns
        else [LEGAL_FORMS[form - 1] if form else "" for form in forms]
        for columns in (field.columns for field in FIELDS.values())
    ]
