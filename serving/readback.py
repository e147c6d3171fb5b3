"""Reads companies back from the live table, within limits that protect the database.

A decision is made on the index, which may be some minutes old; the companies that it links are then
read from the database itself, in one query per request, so that their fields are current.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Final

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import DatabaseError, LinkageError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from serving.errors import UnavailableError
from serving.settings import OnDatabaseDown, SettingError, WorkerSettings

RETRY_S: Final = 1.0
"""How long a database that failed gets no query."""

_log = logging.getLogger("serving")


def column_mapping(settings: WorkerSettings) -> ColumnMapping:
    """The columns of the user's own table.

    Raises:
        SettingError: `LINKAGE_TABLE_MAPPING` maps a column that the schema does not have.
    """
    try:
        return ColumnMapping(**settings.table_mapping)
    except TypeError:
        known = [field.name for field in fields(ColumnMapping)]
        raise SettingError(
            f"LINKAGE_TABLE_MAPPING: expected a JSON object of column names, its keys among "
            f"{known}, got {sorted(settings.table_mapping)}; fix the variable"
        ) from None


def open_table(settings: WorkerSettings, limits: Limits | None = None) -> CompanyStore:
    """The company table that the environment names, read-only.

    Args:
        settings: Settings of the server.
        limits: None waits for the database as long as it takes.

    Raises:
        LinkageError: The credentials are incomplete or cannot be read.
        SettingError: The column mapping is invalid.
    """
    mapping = column_mapping(settings)
    return CompanyStore(database_url(os.environ), mapping, read_only=True, limits=limits)


class LiveTable:
    """The company database as one worker queries it: few connections, a limited rate, no waiting.

    After a failure one query per second tries the database again (a circuit breaker); all other
    requests fail at once until it answers. Credentials are read again after a failure, since they
    may have changed. Thread-safe.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        open_store: Callable[[], CompanyStore] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        limits = Limits(settings.database_connections, settings.database_timeout_s)
        self._open = open_store or partial(open_table, settings, limits)
        self._clock = clock
        self._lock = threading.Lock()
        self._store: CompanyStore | None = None
        self._down_until = 0.0
        self._tokens = max(1.0, settings.queries_per_s)
        self._refilled_at = clock()

    @property
    def is_down(self) -> bool:
        """Whether the last query failed."""
        return self._down_until > 0

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies in one query.

        Raises:
            DatabaseError: The database failed, failed a moment ago, or gets too many queries.
        """
        self._take_token()
        try:
            rows = self._connected().fetch(company_ids)
        except LinkageError as error:
            # not only failed queries: the credentials may be missing, or a column of the table
            self._record_failure(error)
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

    def _connected(self) -> CompanyStore:
        with self._lock:
            if self._store is None:
                self._store = self._open()
                _log.info("companies are read back from %r", self._store)
            return self._store

    def _record_failure(self, error: LinkageError) -> None:
        if not self._down_until:
            _log.warning("the database does not answer: %s", error)
        self._down_until = self._clock() + RETRY_S
        self.close()

    def _take_token(self) -> None:
        """Fail while the database is down; else wait a while for the rate to allow a query."""
        deadline = self._clock() + self._settings.database_timeout_s
        while True:
            with self._lock:
                now = self._clock()
                if now < self._down_until:
                    raise DatabaseError("the company database failed a moment ago; try again soon")
                rate = self._settings.queries_per_s
                self._tokens = min(max(1.0, rate), self._tokens + (now - self._refilled_at) * rate)
                self._refilled_at = now
                if self._tokens >= 1:
                    self._tokens -= 1
                    if self._down_until:
                        # this query tries the database; the others go on without until it is back
                        self._down_until = now + self._settings.database_timeout_s + RETRY_S
                    return
                wait = (1 - self._tokens) / rate
            if now + wait > deadline:
                raise DatabaseError(
                    f"expected at most {rate:g} queries per second, got more; "
                    "send larger lists, or raise LINKAGE_DATABASE_QPS"
                )
            time.sleep(wait)


class Readback:
    """Companies for one request: current, or as they were indexed if the settings allow it.

    A `CompanySource`; each request has its own, so that its answer can tell what happened here.
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
        """Seconds that the database took."""

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Rows of these companies; ids that no longer exist are left out.

        Raises:
            UnavailableError: The database does not answer, and stale rows are not allowed.
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
