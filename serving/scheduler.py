"""Schedules linking in one worker: small requests in shared batches, long lists in threads.

Linking costs about as much for thirty clients as for ten, so small requests that wait at the same
time are linked in one batch, which also needs only one database query. Long lists are linked in
threads of their own, so that small requests need not wait for them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.errors import RequestError, UnavailableError

SMALL_REQUEST: Final = 32
"""Clients up to which a request shares a batch."""
MAX_BATCH: Final = 256
"""Clients of a shared batch."""
CONCURRENT_LISTS: Final = 2
"""Long lists processed at the same time: while one is linked, another is parsed or encoded."""
MAX_LIST_CLIENTS: Final = 100_000
"""Clients of all long lists that are waiting or in progress: up to half a minute of work."""

_log = logging.getLogger("serving")
_T = TypeVar("_T")


@dataclass(frozen=True)
class LinkResult:
    """Decisions on the clients of one request or batch."""

    batch: LinkedBatch
    """Decisions on the clients that could be linked."""
    stale: bool
    """Whether the database was needed and did not answer."""
    database_s: float
    """Seconds that database queries took."""
    failed: tuple[int, ...] = ()
    """Rows of the clients on which linking failed."""


@dataclass(frozen=True)
class _Pending:
    key: object
    link: Callable[[RecordBatch], LinkResult]
    records: RecordBatch
    result: "asyncio.Future[LinkResult]"


class Scheduler:
    """Queue and threads of one worker; to be created in its event loop."""

    def __init__(self, max_waiting: int, in_loop: bool = False) -> None:
        """Nothing is linked before `start`.

        Args:
            max_waiting: Requests that may be waiting or in progress.
            in_loop: Link small requests in the event loop itself: a thread costs half a
                millisecond more, and pays off only where linking waits for a database.
        """
        self._max_waiting = max_waiting
        self._in_loop = in_loop
        self._waiting = 0
        self._list_clients = 0
        self._list_slots = asyncio.Semaphore(CONCURRENT_LISTS)
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue()
        self._deferred: list[_Pending] = []
        self._batch_thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._list_threads = ThreadPoolExecutor(CONCURRENT_LISTS, thread_name_prefix="lists")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to link small requests."""
        self._task = asyncio.create_task(self._link_batches())

    async def close(self) -> None:
        """Stop; no request may be waiting any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._batch_thread.shutdown()
        self._list_threads.shutdown()

    async def link(
        self, key: object, link: Callable[[RecordBatch], LinkResult], records: RecordBatch
    ) -> LinkResult:
        """Link the clients of a request, a small one possibly in a batch with others.

        Args:
            key: Requests of equal keys may share a batch; they have the same model and index.
            link: Links N clients.
            records: The clients.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        if len(records) > SMALL_REQUEST:
            return await self.run_in_thread(lambda: link(records))
        self._check_capacity()
        result: asyncio.Future[LinkResult] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        try:
            self._queue.put_nowait(_Pending(key, link, records, result))
            return await result
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def list_slot(self, clients: int) -> AsyncIterator[None]:
        """Wait until few enough long lists are in progress, and count as one of them.

        Lists are so answered one after the other, instead of all of them at the very end.

        Args:
            clients: About how many clients the list has.

        Raises:
            UnavailableError: Too many clients are waiting already.
        """
        if self._list_clients and self._list_clients + clients > MAX_LIST_CLIENTS:
            raise UnavailableError(
                f"expected lists of at most {MAX_LIST_CLIENTS} clients at once, got more; try again"
            )
        self._list_clients += clients
        try:
            async with self._list_slots:
                yield
        finally:
            self._list_clients -= clients

    async def run_in_thread(self, act: Callable[[], _T]) -> _T:
        """Run something slow in one of the threads for long lists.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        self._check_capacity()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._list_threads, act)
        finally:
            self._waiting -= 1

    def _check_capacity(self) -> None:
        if self._waiting >= self._max_waiting:
            raise UnavailableError(
                f"expected at most {self._max_waiting} requests at once, got more; try again"
            )

    async def _link_batches(self) -> None:
        while True:
            requests = await self._next_batch()
            for request, outcome in zip(requests, await self._link(requests), strict=True):
                # a caller that has disconnected no longer waits for its result
                if request.result.done():
                    continue
                if isinstance(outcome, LinkResult):
                    request.result.set_result(outcome)
                else:
                    request.result.set_exception(outcome)
            # lets these answers be sent before the next batch begins
            await asyncio.sleep(0)

    async def _next_batch(self) -> list[_Pending]:
        """Waiting requests of one key; the others are deferred to a later batch."""
        first = self._deferred.pop(0) if self._deferred else await self._queue.get()
        waiting = self._deferred
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        batch, size, self._deferred = [first], len(first.records), []
        for request in waiting:
            if request.key == first.key and size + len(request.records) <= MAX_BATCH:
                batch.append(request)
                size += len(request.records)
            else:
                self._deferred.append(request)
        return batch

    async def _link(self, requests: list[_Pending]) -> list[LinkResult | Exception]:
        if self._in_loop:
            return _link_batch(requests)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._batch_thread, _link_batch, requests)


def _link_batch(requests: list[_Pending]) -> list[LinkResult | Exception]:
    """Link all requests in one call; if that fails for any client, each request by itself."""
    if len(requests) > 1:
        try:
            linked = requests[0].link(_concatenate([request.records for request in requests]))
        except RequestError as error:
            return [error] * len(requests)
        except Exception:
            # raised here, it would end the loop of `_link_batches` and leave all requests waiting
            _log.exception("a batch of %d requests could not be linked", len(requests))
        else:
            if not linked.failed:
                return _split(requests, linked)
    outcomes: list[LinkResult | Exception] = []
    for request in requests:
        try:
            outcomes.append(request.link(request.records))
        except Exception as error:
            # raised again in the request itself; the others go on
            outcomes.append(error)
    return outcomes


def _split(requests: list[_Pending], linked: LinkResult) -> list[LinkResult | Exception]:
    """The result of a batch, as one result per request."""
    results: list[LinkResult | Exception] = []
    begin = 0
    for request in requests:
        end = begin + len(request.records)
        batch = linked.batch.between(begin, end)
        results.append(LinkResult(batch, linked.stale, linked.database_s))
        begin = end
    return results


def _concatenate(parts: list[RecordBatch]) -> RecordBatch:
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return RecordBatch(
        [client_id for part in parts for client_id in part.ids],
        {name: [text for part in parts for text in part.column(name)] for name in names},
    )
