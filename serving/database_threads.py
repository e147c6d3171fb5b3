"""The threads of one worker that wait for the database, and the connections that they use."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.store import CompanyStore

_T = TypeVar("_T")


class DatabaseThreads:
    """A company store and the threads that query it, until it is given up.

    Daemon threads, since one that its driver never returns from must not keep the process from
    ending. Whoever waits for a result has a time limit of its own. Only one thread, that of the
    event loop, submits queries and gives up.
    """

    def __init__(self, open_store: Callable[[], CompanyStore], count: int) -> None:
        """Start the threads; the first query opens the store.

        Args:
            open_store: Opens the store.
            count: Number of threads, which is that of connections.
        """
        self._open = open_store
        self._queries: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._store: CompanyStore | None = None
        self._running = count
        self._is_given_up = False
        self.count = count
        for number in range(count):
            threading.Thread(target=self._run, name=f"database-{number}", daemon=True).start()

    def submit(self, query: Callable[[CompanyStore], _T]) -> "Future[_T]":
        """Run a query in the next free thread; once these are given up, it fails at once."""
        result: Future[_T] = Future()

        def run() -> None:
            if not result.set_running_or_notify_cancel():
                return
            try:
                found = query(self._opened())
            except BaseException as error:
                result.set_exception(error)
            else:
                result.set_result(found)

        # behind the end of all threads, it would never run
        if self._is_given_up:
            result.set_exception(DatabaseError("these connections were given up; try again"))
        else:
            self._queries.put(run)
        return result

    async def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Rows of these companies; that of none shows that the database answers."""
        return await asyncio.wrap_future(self.submit(lambda store: store.fetch(company_ids)))

    async def probe(self, company_ids: Sequence[str]) -> None:
        """See whether the database answers, be it that rows of these companies cannot be read.

        Raises:
            Exception: It does not.
        """
        try:
            await self.fetch(company_ids)
        except Exception:
            await self.fetch(())

    def give_up(self) -> None:
        """End every thread after its present query; the last one closes the connections."""
        self._is_given_up = True
        for _ in range(self.count):
            self._queries.put(None)

    def _run(self) -> None:
        while (run := self._queries.get()) is not None:
            run()
        with self._lock:
            self._running -= 1
            store = None if self._running else self._store
        if store is not None:
            store.dispose()

    def _opened(self) -> CompanyStore:
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store
