"""Decisions on their way from the linker to rows of the decision log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.attributes import NOBODY, Askers


@dataclass(frozen=True)
class LoggedDecisions:
    """Decisions on N clients of one linker, as they wait to be logged.

    Neither an index nor the fields of companies wait with them.
    """

    decision_ids: Sequence[str]
    decided_at: Sequence[str]
    customers: Sequence[str]
    list_ids: Sequence[str]
    records: RecordBatch
    linked: LinkedBatch
    """See `LinkedBatch.without_fields`."""
    kept: NDArray[np.bool_]
    """Which of them keep the features of their candidates, shape (N,)."""
    facts: Facts
    """Without the privacy of the log, and without customer and list."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    @classmethod
    def of(
        cls,
        linked: LinkedBatch,
        records: RecordBatch,
        facts: Facts,
        askers: Askers,
        now: str,
        share: float = 1,
    ) -> "LoggedDecisions":
        """Decisions that were made together; those for which nobody waits are left out.

        Args:
            linked: Decisions on N clients, with their ids.
            records: The clients.
            facts: What they have in common.
            askers: Who asked for them.
            now: When they were made, ISO 8601 in UTC to the millisecond.
            share: Of those that keep the features of their candidates.
        """
        origins = [origin or NOBODY for origin, clients in askers for _ in range(clients)]
        whole = cls(
            linked.decision_ids,
            [now] * len(linked),
            [origin.customer for origin in origins],
            [origin.list_id for origin in origins],
            records,
            LinkedBatch.without_fields([linked]),
            _drawn(linked.decision_ids, share),
            facts,
        )
        if all(origin is not None for origin, _ in askers):
            return whole
        ends = accumulate(clients for _, clients in askers)
        answered = [
            whole.between(end - clients, end)
            for end, (origin, clients) in zip(ends, askers, strict=True)
            if origin is not None
        ]
        return cls.concatenate(answered) if answered else whole.between(0, 0)

    @classmethod
    def concatenate(cls, parts: "Sequence[LoggedDecisions]") -> "LoggedDecisions":
        """The decisions of all parts, whose facts are the same, in their order."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            list(chain.from_iterable(part.decision_ids for part in parts)),
            list(chain.from_iterable(part.decided_at for part in parts)),
            list(chain.from_iterable(part.customers for part in parts)),
            list(chain.from_iterable(part.list_ids for part in parts)),
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
            self.customers[begin:end],
            self.list_ids[begin:end],
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
        return replace(
            rows, decided_at=self.decided_at, customer=self.customers, list_id=self.list_ids
        )


def parcels(batches: Sequence[LoggedDecisions], size: int) -> Iterator[LoggedDecisions]:
    """The decisions of these batches, those with the same facts together, at most so many each."""
    alike: dict[Facts, list[LoggedDecisions]] = {}
    for batch in batches:
        alike.setdefault(batch.facts, []).append(batch)
    for same in alike.values():
        together = LoggedDecisions.concatenate(same)
        if len(together) <= size:
            yield together
        else:
            for begin in range(0, len(together), size):
                yield together.between(begin, min(begin + size, len(together)))


def _drawn(decision_ids: Sequence[str], share: float) -> NDArray[np.bool_]:
    """A random share of decisions, shape (N,); random ids draw without a generator."""
    if share >= 1:
        return np.ones(len(decision_ids), dtype=np.bool_)
    limit = share * 2**32
    return np.array([int(one[:8], 16) < limit for one in decision_ids], dtype=np.bool_)
