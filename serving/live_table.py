"""The company database as one worker queries it: within limits, and given up where it is silent."""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Final

from linkage_rl.errors import DatabaseError, LinkageError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from serving.database_threads import DatabaseThreads
from serving.pending_fetch import Fetch
from serving.query_rate import QueryRate
from serving.settings import WorkerSettings
from serving.variables import SettingError

RETRY_S: Final = 0.5
"""Pause between two attempts to reach a database that has failed."""
OPENING_S: Final = 30.0
"""How long one of these attempts may take until the columns of the table are known."""
MAX_SHARED_IDS: Final = 512
"""Companies of a shared query."""
MAX_LIST_IDS: Final = 2000
"""Companies of one query of a list: a tenth of a second, in which others wait for a connection."""
LIST_SHARE: Final = 1 / 3
"""Part of the time for a request in which all queries of a list must have been answered."""
MAX_PROBED_IDS: Final = 16
"""Companies that are asked for to see whether the database answers again."""

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
            f"{known}, got {[name[:40] for name in sorted(settings.table_mapping)][:20]}; "
            "fix the variable"
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
    """The company database as one worker queries it: few connections, a limited rate, short waits.

    Queries run in threads, for which the event loop waits within a limit; nothing else does. What
    is asked for while all connections are in use shares the next query. Lists, whose queries take
    longer, are read in parts and leave one connection to the others.

    A query that fails although the database answers concerns unreadable rows: only the requests
    for these fail. Likewise, a list that is slow while others are answered fails by itself.

    After any other failure, and after an answer that did not come in time, nobody waits any more
    (a circuit breaker): all requests fail at once, until a query in the background has been
    answered. It opens new connections with credentials that are read again, since a database that
    has moved keeps old connections silent. Everything but `is_down` belongs to the event loop.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        open_store: Callable[[], CompanyStore] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first `fetch` connects.

        Args:
            settings: Settings of the server.
            open_store: Opens the table; None opens the one that the environment names.
            clock: Seconds, for the rate of queries.
        """
        limits = Limits(settings.database_connections, settings.database_timeout_s)
        self._open = open_store or partial(open_table, settings, limits)
        self._connections = settings.database_connections
        self._timeout_s = settings.database_timeout_s
        # the rest of the time is for giving the answer
        self._patience_s = self._timeout_s - min(0.25, 0.2 * self._timeout_s)
        self._list_patience_s = max(self._timeout_s, LIST_SHARE * settings.timeout_s)
        self._rate = QueryRate(settings.queries_per_s, clock)
        self._waiting: deque[Fetch] = deque()
        self._threads: DatabaseThreads | None = None
        self._running = self._running_lists = 0
        self._answered_at = 0.0
        self._opening: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.is_down = False
        """Whether the last query failed."""

    async def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of at least these companies.

        Raises:
            DatabaseError: The database failed, did so a moment ago, or does not answer in time; or
                it cannot read one of the companies.
        """
        if len(company_ids) <= MAX_LIST_IDS:
            return await self._fetch(company_ids)
        ids = list(dict.fromkeys(company_ids))
        try:
            async with asyncio.timeout(self._list_patience_s):
                parts = [
                    await self._fetch(ids[begin : begin + MAX_LIST_IDS])
                    for begin in range(0, len(ids), MAX_LIST_IDS)
                ]
        except TimeoutError:
            limit = self._list_patience_s
            raise DatabaseError(f"{len(ids)} companies could not be read in {limit:g} s") from None
        return await asyncio.to_thread(CompanyRows.concatenate, parts)

    async def _fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        if self.is_down:
            raise DatabaseError("the company database does not answer; try again soon")
        fetch = Fetch(company_ids, asyncio.get_running_loop().create_future())
        self._waiting.append(fetch)
        self._send()
        try:
            async with asyncio.timeout(self._patience_s):
                return await fetch.rows
        except TimeoutError:
            sentence = f"no answer within {self._patience_s:g} s"
            if fetch.threads is self._threads and not self._is_slow_list(fetch):
                # sent, or not even connected; what only waits for its turn says nothing of it
                self._give_up(sentence, fetch.company_ids)
            raise DatabaseError(sentence) from None
        finally:
            if not fetch.rows.done():
                fetch.rows.cancel()

    def close(self) -> None:
        """Close all connections, without waiting for those in use."""
        if self._opening is not None:
            self._opening.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._threads is not None:
            self._threads.give_up()
            self._threads = None

    def _send(self) -> None:
        """Start queries for those who wait, as far as connections and rate allow."""
        if self._threads is None:
            if self._opening is None and self._waiting:
                self._opening = asyncio.create_task(self._open_threads(()))
            return
        while self._running < self._connections and (wait_s := self._next_is_due()) is not None:
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._send_later)
                return
            self._start(self._take())

    def _send_later(self) -> None:
        self._timer = None
        self._send()

    def _next_is_due(self) -> float | None:
        """Seconds until a query may start; None while there is none to start."""
        while self._waiting and self._waiting[0].rows.done():
            self._waiting.popleft()
        if self._timer is not None or not any(self._may_start(one) for one in self._waiting):
            return None
        return self._rate.wait_s()

    def _may_start(self, fetch: Fetch) -> bool:
        lists = max(1, self._connections - 1)
        return not fetch.rows.done() and (fetch.is_small or self._running_lists < lists)

    def _take(self) -> list[Fetch]:
        """What the next query fetches: one list, or all that is small and waits."""
        first = next(one for one in self._waiting if self._may_start(one))
        taken, size = [], 0
        for one in self._waiting:
            fits = one.is_small and size + len(one.company_ids) <= MAX_SHARED_IDS
            if one is first or (first.is_small and fits and not one.rows.done()):
                taken.append(one)
                size += len(one.company_ids)
        for one in taken:
            self._waiting.remove(one)
        return taken

    def _start(self, fetches: list[Fetch]) -> None:
        self._rate.take()
        self._running += 1
        self._running_lists += not fetches[0].is_small
        assert self._threads is not None
        for one in fetches:
            one.threads, one.sent_at = self._threads, asyncio.get_running_loop().time()
        task = asyncio.create_task(self._query(self._threads, fetches))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _query(self, threads: DatabaseThreads, fetches: list[Fetch]) -> None:
        await self._answer(threads, fetches)
        if threads is self._threads:
            self._running -= 1
            self._running_lists -= not fetches[0].is_small
            self._send()

    async def _answer(self, threads: DatabaseThreads, fetches: list[Fetch]) -> None:
        """Answer these by one query; where rows of some cannot be read, the others by more."""
        wanted = list(dict.fromkeys(name for one in fetches for name in one.company_ids))
        try:
            rows = await threads.fetch(wanted)
        except Exception as error:
            if fault := await self._fault(threads):
                if threads is self._threads:
                    self._give_up(fault, wanted)
                for one in fetches:
                    one.fail(fault)
            elif len(fetches) == 1:
                fetches[0].refuse(error)
            else:
                await self._answer_in_halves(threads, fetches)
        else:
            self._answered_at = asyncio.get_running_loop().time()
            for one in fetches:
                one.succeed(rows)

    async def _answer_in_halves(self, threads: DatabaseThreads, fetches: list[Fetch]) -> None:
        for one in fetches:
            # waits for another turn, which says nothing of the database
            one.threads = None
        middle = len(fetches) // 2
        for half in (fetches[:middle], fetches[middle:]):
            self._rate.take()
            await self._answer(threads, half)

    async def _fault(self, threads: DatabaseThreads) -> str:
        """Why not even a query for no company is answered; '' where it is."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await threads.fetch(())
        except Exception as error:
            # not only failed queries: the credentials may be missing, or a column of the table
            return _sentence(error)
        self._answered_at = asyncio.get_running_loop().time()
        return ""

    def _is_slow_list(self, fetch: Fetch) -> bool:
        """Whether others have been answered since this list was sent."""
        return (
            not fetch.is_small and fetch.threads is not None and self._answered_at > fetch.sent_at
        )

    def _give_up(self, reason: str, company_ids: Sequence[str]) -> None:
        """Let nobody wait from now on, until the database has answered in the background."""
        if not self.is_down:
            _log.warning("the database does not answer: %s", reason)
        self.is_down = True
        if self._threads is not None:
            self._threads.give_up()
            self._threads = None
        self._running = self._running_lists = 0
        while self._waiting:
            self._waiting.popleft().fail(reason)
        if self._opening is None:
            probe = company_ids[:MAX_PROBED_IDS]
            self._opening = asyncio.create_task(self._open_threads(probe))

    async def _open_threads(self, company_ids: Sequence[str]) -> None:
        """Connect, and try again until the database has answered a query like the last one."""
        while True:
            threads = DatabaseThreads(self._open, self._connections)
            try:
                async with asyncio.timeout(OPENING_S):
                    await asyncio.wrap_future(threads.submit(lambda store: store.columns))
                async with asyncio.timeout(self._timeout_s):
                    await threads.probe(company_ids)
            except Exception as error:
                threads.give_up()
                self._give_up(_sentence(error), company_ids)
                await asyncio.sleep(RETRY_S)
            except BaseException:
                threads.give_up()
                raise
            else:
                break
        self._threads, self._opening = threads, None
        _log.info(
            "the database answers again" if self.is_down else "companies are read from the database"
        )
        self.is_down = False
        self._send()


def _sentence(error: Exception) -> str:
    """Why the database did not answer; what nobody expects is logged with its place."""
    if isinstance(error, LinkageError | SettingError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "a query got no answer in time"
    _log.error("reading companies back failed", exc_info=error)
    return f"an internal error occurred ({type(error).__name__})"
