"""Decisions on their way from answers to rows of the decision log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import digest
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.attributes import Origin

_MOST_FACTS: Final = 1_000


@dataclass(frozen=True)
class LoggedDecisions:
    """Decisions on N clients with the same facts, as they wait to be logged.

    Neither an index nor the fields of companies wait with them.
    """

    decision_ids: Sequence[str]
    decided_at: Sequence[str]
    records: RecordBatch
    linked: LinkedBatch
    """See `LinkedBatch.without_fields`."""
    kept: NDArray[np.bool_]
    """Which of them keep the features of their candidates, shape (N,)."""
    facts: Facts
    """Without the privacy of the log."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    @classmethod
    def concatenate(cls, parts: "Sequence[LoggedDecisions]") -> "LoggedDecisions":
        """The decisions of all parts, whose facts are the same, in their order."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            list(chain.from_iterable(part.decision_ids for part in parts)),
            list(chain.from_iterable(part.decided_at for part in parts)),
            RecordBatch.concatenate([part.records for part in parts]),
            LinkedBatch.without_fields([part.linked for part in parts]),
            np.concatenate([part.kept for part in parts]),
            parts[0].facts,
        )

    def between(self, begin: int, end: int) -> "LoggedDecisions":
        """The decisions in range(begin, end)."""
        return LoggedDecisions(
            self.decision_ids[begin:end],
            self.decided_at[begin:end],
            self.records.between(begin, end),
            self.linked.between(begin, end),
            self.kept[begin:end],
            self.facts,
        )

    def rows(self, privacy: Privacy) -> DecisionRows:
        """Their rows.

        Args:
            privacy: What the log keeps of clients.
        """
        facts, packed = replace(self.facts, privacy=privacy), None
        if self.linked.evidence is not None and not self.kept.all():
            packed = PackedEvidence.of(self.linked.evidence, self.kept)
        rows = rows_of(self.linked, self.records, facts, self.decision_ids, packed, "-")
        return replace(rows, decided_at=self.decided_at)


def parcels(answers: Sequence[LoggedDecisions], size: int) -> Iterator[LoggedDecisions]:
    """The decisions of these answers, those with the same facts together, at most so many each."""
    alike: dict[Facts, list[LoggedDecisions]] = {}
    for answer in answers:
        alike.setdefault(answer.facts, []).append(answer)
    for same in alike.values():
        together = LoggedDecisions.concatenate(same)
        if len(together) <= size:
            yield together
        else:
            for begin in range(0, len(together), size):
                yield together.between(begin, min(begin + size, len(together)))


class KnownFacts:
    """The facts of the models, table states and origins that were seen. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, Origin], Facts] = {}

    def of(self, linker: Linker, bundle: str, origin: Origin) -> Facts:
        """The facts of decisions.

        Args:
            linker: Made them.
            bundle: Fingerprint of its bundle's manifest.
            origin: Whose clients they are.
        """
        state = linker.index.state
        facts = self._known.get((bundle, state, origin))
        if facts is None:
            given = (digest(state), Privacy(), origin.customer, origin.list_id)
            facts = Facts.of(linker, "serve", bundle, *given)
            if len(self._known) >= _MOST_FACTS:
                self._known = {}
            self._known[bundle, state, origin] = facts
        return facts


def drawn(decision_ids: Sequence[str], share: float) -> NDArray[np.bool_]:
    """A random share of decisions, shape (N,); random ids draw without a generator."""
    if share >= 1:
        return np.ones(len(decision_ids), dtype=np.bool_)
    limit = share * 2**32
    return np.array([int(one[:8], 16) < limit for one in decision_ids], dtype=np.bool_)
