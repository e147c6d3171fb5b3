"""Reads the companies that a request links back from the live table, so that they are current.

A decision is made on the index, which may be some minutes old.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from serving.errors import UnavailableError
from serving.live_table import LiveTable
from serving.settings import OnDatabaseDown


@dataclass(frozen=True)
class CurrentRows:
    """What reading companies back for one request has given."""

    rows: CompanyRows | None = None
    """None takes the companies as they were indexed."""
    stale: bool = False
    """Whether the database was needed and did not answer."""
    seconds: float = 0.0
    """Seconds that the database took."""


async def read_back(
    live: LiveTable | None, company_ids: Sequence[str], on_down: OnDatabaseDown
) -> CurrentRows:
    """Current rows of these companies, or none if the settings allow stale answers.

    Raises:
        UnavailableError: The database does not answer, and stale rows are not allowed.
    """
    if live is None or not company_ids:
        return CurrentRows()
    begin = time.perf_counter()
    try:
        rows = await live.fetch(company_ids)
    except DatabaseError:
        if on_down == "fail":
            raise UnavailableError(
                "the company database does not answer just now; try again in a moment"
            ) from None
        return CurrentRows(None, True, time.perf_counter() - begin)
    return CurrentRows(rows, False, time.perf_counter() - begin)
