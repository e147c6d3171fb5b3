"""Companies of the live table that a request waits for."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from serving.database_threads import DatabaseThreads

SMALL_IDS: Final = 256
"""Companies up to which a request shares a query with others."""

UNREADABLE: Final = "could not be read from the database, which answers for others"

_log = logging.getLogger("serving")


@dataclass(eq=False)
class Fetch:
    """Companies that somebody waits for."""

    company_ids: Sequence[str]
    rows: "asyncio.Future[CompanyRows]"
    threads: DatabaseThreads | None = None
    """To whom its query was given; None while it waits for its turn."""
    sent_at: float = 0.0
    """When that was, on the clock of the event loop."""

    @property
    def is_small(self) -> bool:
        """Whether it may share a query."""
        return len(self.company_ids) <= SMALL_IDS

    def succeed(self, rows: CompanyRows) -> None:
        """Give the rows to those who still wait."""
        if not self.rows.done():
            self.rows.set_result(rows)

    def fail(self, reason: str) -> None:
        """Raise a DatabaseError where somebody still waits."""
        if not self.rows.done():
            self.rows.set_exception(DatabaseError(reason))

    def refuse(self, error: Exception) -> None:
        """Fail because of what rows hold; the error's text, which may show it, is not logged."""
        if not self.rows.done():
            shown = ", ".join(self.company_ids[:3])
            _log.warning(
                f"%d companies (%s%s) {UNREADABLE}: %s",
                len(self.company_ids),
                shown,
                ", ..." if len(self.company_ids) > 3 else "",
                type(error).__name__,
            )
            self.fail(f"these companies {UNREADABLE}")
