"""Links the clients of a request in three steps: decide, read companies back, complete.

Only the first and the last need the processor, and only the second one waits. It happens in the
event loop, so that neither a thread nor another request waits for a database. What is decided
together is handed to the decision log together.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from linkage_rl.decision_log.linked import new_ids
from linkage_rl.linked_batch import Decided, LinkedBatch
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.attributes import Askers
from serving.errors import RequestError
from serving.live_table import LiveTable
from serving.readback import CurrentRows, read_back
from serving.settings import OnDatabaseDown

_log = logging.getLogger("serving")


class GivenUpError(Exception):
    """Nobody waits for the result of this work any more."""


class Work:
    """Whether somebody still waits for the result of some work in a thread."""

    def __init__(self) -> None:
        self._given_up = False

    def give_up(self) -> None:
        """Let the work stop where it next calls `check`."""
        self._given_up = True

    def check(self) -> None:
        """Go on.

        Raises:
            GivenUpError: Nobody waits any more.
        """
        if self._given_up:
            raise GivenUpError


NEEDED: Final = Work()
"""Work that is never given up."""


@dataclass(frozen=True)
class Draft:
    """Decisions on the clients of one request or batch, without their companies' fields."""

    records: RecordBatch
    """The clients that could be linked."""
    decided: Decided
    failed: tuple[int, ...] = ()
    """Rows of the clients on which linking failed."""


@dataclass(frozen=True)
class LinkResult:
    """Decisions on the clients of one request or batch."""

    batch: LinkedBatch
    """Decisions on the clients that could be linked, with their ids, without evidence."""
    stale: bool
    """Whether the database was needed and did not answer."""
    database_s: float
    """Seconds that database queries took."""
    failed: tuple[int, ...] = ()
    """Rows of the clients on which linking failed."""


@dataclass(frozen=True)
class LinkJob:
    """How the clients of a model are linked on the present state of the table."""

    key: object
    """Requests of equal keys may share a batch; they have the same model and index."""
    linker: Linker
    live_table: LiveTable | None
    on_database_down: OnDatabaseDown
    log: Callable[[LinkedBatch, RecordBatch, Askers], None] | None = None
    """Has decisions logged, see `DecisionWriter.log`; None where no log is configured."""

    def decide(self, records: RecordBatch, work: Work = NEEDED) -> Draft:
        """Decide; where that fails on some clients, for the others all the same.

        Raises:
            GivenUpError: Nobody waits for it any more.
        """
        try:
            return Draft(records, self.linker.decide(records, work.check))
        except (RequestError, MemoryError, GivenUpError):
            raise
        except Exception:
            _log.exception("a client could not be linked")
        decide = self.linker.decide
        failed = _failing_rows(lambda some: decide(some, work.check), records, range(len(records)))
        kept = records.take([row for row in range(len(records)) if row not in failed])
        return Draft(kept, decide(kept, work.check), tuple(sorted(failed)))

    def needs_database(self, draft: Draft) -> bool:
        """Whether the companies of these decisions are read back."""
        return self.live_table is not None and any(draft.decided.company_ids)

    async def read_back(self, draft: Draft) -> CurrentRows:
        """Current rows of the companies of these decisions."""
        return await read_back(self.live_table, draft.decided.wanted, self.on_database_down)

    def complete(self, draft: Draft, current: CurrentRows, askers: Askers) -> LinkResult:
        """The decisions with their companies' fields; they are logged, or counted as lost, now.

        Args:
            draft: What `decide` gave.
            current: What `read_back` gave.
            askers: Who asked for the clients of the draft.
        """
        batch = self.linker.complete(draft.records, draft.decided, current.rows)
        batch = replace(batch, decision_ids=new_ids(len(batch)))
        if self.log is not None:
            self.log(batch, draft.records, askers)
            # it waits with the log, and need not be divided among the answers
            batch = replace(batch, evidence=None)
        return LinkResult(batch, current.stale, current.seconds, draft.failed)


def _failing_rows(
    decide: Callable[[RecordBatch], object], records: RecordBatch, rows: Sequence[int]
) -> set[int]:
    """The rows on which linking fails, found by bisection."""
    try:
        decide(records.take(rows))
    except (RequestError, MemoryError, GivenUpError):
        raise
    except Exception:
        if len(rows) == 1:
            return set(rows)
        middle = len(rows) // 2
        return _failing_rows(decide, records, rows[:middle]) | _failing_rows(
            decide, records, rows[middle:]
        )
    return set()
