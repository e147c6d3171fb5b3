"""Reads companies back from the live table without ever overloading it."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import DatabaseError, LinkageError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.store import CompanyStore
from serving.errors import UnavailableError
from serving.settings import OnDatabaseDown, Settings

RETRY_S: Final = 1.0
"""How long a database that failed is left alone before one query tries it again."""

_log = logging.getLogger("serving")


class LiveTable:
    """The company database as one worker asks it: few connections, a capped rate, no waiting.

    A database that failed is asked again by one query each second, and everybody else answers
    meanwhile without it. Credentials are read anew after a failure, since they may have changed.
    Threads share it.
    """

    def __init__(
        self,
        settings: Settings,
        open_store: Callable[[], CompanyStore] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._open = open_store or self._open_store
        self._clock = clock
        self._lock = threading.Lock()
        self._store: CompanyStore | None = None
        self._down_until = 0.0
        self._tokens = max(1.0, settings.queries_per_s)
        self._filled = clock()

    @property
    def is_down(self) -> bool:
        """Whether the last query failed."""
        return self._down_until > 0

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies in one query.

        Raises:
            DatabaseError: The database failed, failed a moment ago, or was asked too often.
        """
        self._wait_for_turn()
        try:
            rows = self._connected().fetch(company_ids)
        except LinkageError as error:
            # credentials out of reach and a table without its columns are no fault of a client
            self._failed(error)
            raise DatabaseError(str(error)) from None
        if self._down_until:
            self._down_until = 0.0
            _log.info("the database answers again")
        return rows

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._store is not None:
                self._store.dispose()
                self._store = None

    def _open_store(self) -> CompanyStore:
        settings = self._settings
        url = database_url(os.environ)
        return CompanyStore(url, settings.mapping, read_only=True, limits=settings.limits)

    def _connected(self) -> CompanyStore:
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    def _failed(self, error: LinkageError) -> None:
        if not self._down_until:
            _log.warning("the database does not answer: %s", error)
        self._down_until = self._clock() + RETRY_S
        self.close()

    def _wait_for_turn(self) -> None:
        """Refuse while the database is down; take a token of the rate, waiting for it a while."""
        deadline = self._clock() + self._settings.limits.timeout_s
        while True:
            with self._lock:
                now = self._clock()
                if now < self._down_until:
                    raise DatabaseError("the company database failed a moment ago; try again soon")
                rate = self._settings.queries_per_s
                self._tokens = min(max(1.0, rate), self._tokens + (now - self._filled) * rate)
                self._filled = now
                if self._tokens >= 1:
                    self._tokens -= 1
                    if self._down_until:
                        # this query tries; the others go on without the database until it is back
                        self._down_until = now + self._settings.limits.timeout_s + RETRY_S
                    return
                wait = (1 - self._tokens) / rate
            if now + wait > deadline:
                raise DatabaseError(
                    f"expected at most {rate:g} queries per second, got more; "
                    "send larger lists, or raise LINKAGE_DATABASE_QPS"
                )
            time.sleep(wait)


class Readback:
    """Companies for one request: live, or as they were indexed where that is allowed.

    A `CompanySource`; made anew for each request, whose answer says what happened here.
    """

    def __init__(
        self, live: LiveTable | None, index: CompanyIndex, on_down: OnDatabaseDown
    ) -> None:
        self._live = live
        self._index = index
        self._on_down = on_down
        self.stale = False
        """Whether the database was needed and did not answer."""
        self.seconds = 0.0
        """Time that the database took."""

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Rows of these companies; vanished ids are left out.

        Raises:
            UnavailableError: The database does not answer, and only it will do.
        """
        if self._live is None or not company_ids:
            return self._index.fetch(company_ids)
        begin = time.perf_counter()
        try:
            return self._live.fetch(company_ids)
        except DatabaseError:
            if self._on_down == "fail":
                raise UnavailableError(
                    "the company database does not answer just now; try again in a moment"
                ) from None
            self.stale = True
            return self._index.fetch(company_ids)
        finally:
            self.seconds += time.perf_counter() - begin
