"""The threads of one worker that wait for the database, and the connections that they use."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

from linkage_rl.tables.store import CompanyStore

_T = TypeVar("_T")


class DatabaseThreads:
    """A company store and the threads that query it, until it is given up.

    Daemon threads, since one that its driver never returns from must not keep the process from
    ending. Whoever waits for a result has a time limit of its own.
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
        self.count = count
        for number in range(count):
            threading.Thread(target=self._run, name=f"database-{number}", daemon=True).start()

    def submit(self, query: Callable[[CompanyStore], _T]) -> "Future[_T]":
        """Run a query in the next free thread."""
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

        self._queries.put(run)
        return result

    def give_up(self) -> None:
        """End every thread after its present query; the last one closes the connections."""
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
