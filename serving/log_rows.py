"""Decisions on their way from answers to rows of the decision log."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import digest
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.attributes import Origin


@dataclass(frozen=True)
class LoggedAnswer:
    """The decisions of one answer, as they wait to be logged."""

    decision_ids: list[str]
    decided_at: str
    records: RecordBatch
    linked: LinkedBatch
    linker: Linker
    bundle: str
    """Fingerprint of the bundle's manifest."""
    origin: Origin

    def __len__(self) -> int:
        return len(self.decision_ids)


@dataclass(frozen=True)
class Parcel:
    """Decisions of one or more answers, as they are handed to what writes them."""

    decision_ids: list[str]
    decided_at: list[str]
    records: RecordBatch
    linked: LinkedBatch
    facts: Facts
    """Without the privacy of the log."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    def rows(self, privacy: Privacy, evidence: float) -> DecisionRows:
        """Its rows.

        Args:
            privacy: What the log keeps of clients.
            evidence: Share of the decisions that keep the features of their candidates.
        """
        facts, packed = replace(self.facts, privacy=privacy), None
        if evidence < 1 and self.linked.evidence is not None:
            # the ids are random, so their digits draw without a generator
            drawn = [int(one[:8], 16) < evidence * 2**32 for one in self.decision_ids]
            packed = PackedEvidence.of(self.linked.evidence, np.array(drawn, dtype=np.bool_))
        rows = rows_of(self.linked, self.records, facts, self.decision_ids, packed, "-")
        return replace(rows, decided_at=self.decided_at)


class Packer:
    """Puts answers together into parcels; small ones of the same kind into one."""

    def __init__(self, size: int) -> None:
        """Make parcels of at most so many decisions."""
        self._size = size
        self._known: tuple[object, Facts | None] = (None, None)

    def parcels(self, answers: Sequence[LoggedAnswer]) -> Iterator[Parcel]:
        """The decisions of these answers."""
        alike: dict[object, list[LoggedAnswer]] = {}
        for answer in answers:
            if len(answer) > self._size:
                yield from self._parts(answer)
            else:
                key = (answer.bundle, answer.linker.index.state, answer.origin)
                alike.setdefault(key, []).append(answer)
        for some in alike.values():
            yield from self._together(some)

    def _parts(self, answer: LoggedAnswer) -> Iterator[Parcel]:
        facts = self._facts(answer)
        for begin in range(0, len(answer), self._size):
            end = min(begin + self._size, len(answer))
            yield Parcel(
                answer.decision_ids[begin:end],
                [answer.decided_at] * (end - begin),
                answer.records.take(range(begin, end)),
                LinkedBatch.of_log([answer.linked.between(begin, end)]),
                facts,
            )

    def _together(self, answers: list[LoggedAnswer]) -> Iterator[Parcel]:
        facts = self._facts(answers[0])
        some: list[LoggedAnswer] = []
        size = 0
        for answer in answers:
            if size + len(answer) > self._size:
                yield _parcel(some, facts)
                some, size = [], 0
            some.append(answer)
            size += len(answer)
        yield _parcel(some, facts)

    def _facts(self, answer: LoggedAnswer) -> Facts:
        key = (answer.bundle, answer.linker.index.state)
        known, facts = self._known
        if facts is None or known != key:
            state = digest(answer.linker.index.state)
            facts = Facts.of(answer.linker, "serve", answer.bundle, state, Privacy())
            self._known = key, facts
        origin = answer.origin
        return replace(facts, customer=origin.customer, list_id=origin.list_id)


def _parcel(answers: list[LoggedAnswer], facts: Facts) -> Parcel:
    return Parcel(
        [one for answer in answers for one in answer.decision_ids],
        [answer.decided_at for answer in answers for _ in answer.decision_ids],
        RecordBatch.concatenate([answer.records for answer in answers]),
        LinkedBatch.of_log([answer.linked for answer in answers]),
        facts,
    )


def new_ids(count: int) -> list[str]:
    """Random ids of decisions, 32 hexadecimal digits each."""
    digits = os.urandom(16 * count).hex()
    return [digits[begin : begin + 32] for begin in range(0, len(digits), 32)]
