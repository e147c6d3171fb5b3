"""Writes the decisions on a table of clients, part after part, for callers from Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.engine import URL

from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch

Log = DecisionLog | str | URL
"""An open decision log, or the URL or the SQLite file of one."""


@dataclass(frozen=True)
class ListLog:
    """A decision log with what the decisions on one table have in common."""

    log: DecisionLog
    facts: Facts

    def append(
        self, linked: LinkedBatch, records: RecordBatch, packed: PackedEvidence | None = None
    ) -> LinkedBatch:
        """The decisions on N clients, with the ids under which they are logged now.

        Args:
            linked: The decisions.
            records: The clients.
            packed: What the policy saw of them; None packs that of `linked`.

        Raises:
            DatabaseError: The log refused them.
        """
        rows = rows_of(linked, records, self.facts, packed=packed)
        self.log.append(rows)
        return replace(linked, decision_ids=rows.decision_id)


@contextmanager
def opened(log: Log) -> Iterator[DecisionLog]:
    """The log; one that is opened here is closed at the end.

    Raises:
        LinkageError: It cannot be opened or created.
    """
    if isinstance(log, DecisionLog):
        yield log
        return
    with DecisionLog.open(log) as found:
        yield found
