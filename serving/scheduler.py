"""Schedules linking in one worker: small requests in shared batches, long lists in threads.

Linking costs about as much for thirty clients as for ten, so small requests that wait at the same
time are linked in one batch. Long lists, and whatever else takes long, run in threads, those of
each kind in their own, so that none waits for another kind. A batch that waits for the database
does not keep the next one from being linked.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from linkage_rl.records import RecordBatch
from serving.attributes import NOBODY, Askers, Origin
from serving.errors import RequestError, UnavailableError
from serving.linking import NEEDED, Draft, LinkResult, Work
from serving.list_slot import ListSlot
from serving.readback import CurrentRows

SMALL_REQUEST: Final = 32
"""Clients up to which a request shares a batch."""
SMALL_BATCH_BYTES: Final = 32 << 10
"""Bytes of its requests up to which a batch of so many clients is linked in the event loop itself:
a thread costs half a millisecond more."""
GATHER_S: Final = 4e-3
"""How long after a batch the next one waits at most for those whose answers were just sent."""
GATHER_SHARE: Final = 0.5
"""The same as a share of the time that the batch and its answers took; timers of uvloop count whole
milliseconds, so it may be one longer."""
MAX_BATCH: Final = 256
"""Clients of a shared batch."""
CONCURRENT_LISTS: Final = 2
"""Long lists processed at the same time: while one is linked, another is parsed or encoded."""
CONCURRENT_LOADS: Final = 8
"""Models loaded or unloaded at the same time, where a slow one must not delay the others."""
MAX_LIST_CLIENTS: Final = 120_000
"""Clients of all long lists where some of these have to wait: up to half a minute of work."""


_log = logging.getLogger("serving")
_T = TypeVar("_T")


class Job(Protocol):
    """How clients are linked; see `linking.LinkJob`."""

    @property
    def key(self) -> object:
        """Requests of equal keys may share a batch."""

    def decide(self, records: RecordBatch, work: Work = NEEDED) -> Draft:
        """Decide on N clients."""

    def needs_database(self, draft: Draft) -> bool:
        """Whether `read_back` would wait."""

    async def read_back(self, draft: Draft) -> CurrentRows:
        """Current rows of the companies."""

    def complete(self, draft: Draft, current: CurrentRows, askers: Askers) -> LinkResult:
        """The decisions with their companies' fields, logged."""


@dataclass(frozen=True)
class _Pending:
    job: Job
    records: RecordBatch
    size: int
    origin: Origin
    result: "asyncio.Future[LinkResult]"


_Outcome = tuple[list[_Pending], Draft | Exception]
"""Requests of a batch, and their common decisions or what they failed with."""


class Scheduler:
    """Queue and threads of one worker; to be used in its event loop."""

    def __init__(self, max_waiting: int) -> None:
        """Nothing waits yet.

        Args:
            max_waiting: Requests that may be waiting or in progress.
        """
        self._max_waiting = max_waiting
        self._waiting = 0
        self._lists = self._list_clients = 0
        self._lists_done = False
        self._list_slots = asyncio.Semaphore(CONCURRENT_LISTS)
        self._queue: list[_Pending] = []
        self._is_linking = False
        self._begin = self._gather_until = 0.0
        self._expected = 0
        self._gathering: asyncio.TimerHandle | None = None
        self._batch_thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._list_threads = ThreadPoolExecutor(CONCURRENT_LISTS, thread_name_prefix="lists")
        self._load_threads = ThreadPoolExecutor(CONCURRENT_LOADS, thread_name_prefix="loads")
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Stop; no request may be waiting any more."""
        for threads in (self._batch_thread, self._list_threads, self._load_threads):
            # what is still running is of use to nobody
            threads.shutdown(wait=False, cancel_futures=True)

    async def link(
        self, job: Job, records: RecordBatch, size: int = 0, origin: Origin = NOBODY
    ) -> LinkResult:
        """Link the clients of a small request, possibly in a batch with others.

        Args:
            job: How they are linked.
            records: The clients.
            size: Bytes of the request.
            origin: Whose clients they are.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        self._check_capacity()
        loop = asyncio.get_running_loop()
        result: asyncio.Future[LinkResult] = loop.create_future()
        self._waiting += 1
        try:
            self._queue.append(_Pending(job, records, size, origin, result))
            if not self._is_linking:
                self._is_linking = True
                # after those that have arrived together with this one
                loop.call_soon(self._gather)
            elif self._gathering is not None and len(self._queue) >= self._expected:
                self._gathering.cancel()
                self._gathering = None
                loop.call_soon(self._link_batch)
            return await result
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def list_slot(self, clients: int) -> AsyncIterator[ListSlot]:
        """Wait until few enough long lists are in progress, and count as one of them.

        Lists are so answered one after the other, instead of all of them at the very end.

        Args:
            clients: About how many clients the list has.

        Raises:
            UnavailableError: Too many clients are waiting already. As many lists as may be in
                progress are accepted whatever their length, as batch transform is advised to send.
        """
        waits = self._lists >= CONCURRENT_LISTS
        if waits and self._list_clients + clients > MAX_LIST_CLIENTS:
            raise UnavailableError(
                f"expected lists of at most {MAX_LIST_CLIENTS} clients at once, got more; try again"
            )
        self._lists += 1
        self._list_clients += clients
        slot = ListSlot(self._list_slots)
        try:
            await slot.take()
            yield slot
        finally:
            slot.give_back()
            self._lists -= 1
            self._lists_done = True
            self._list_clients -= clients

    def take_lists_done(self) -> bool:
        """Whether a long list was done with since this was last asked, and none is in progress."""
        done = self._lists_done and not self._lists
        self._lists_done &= not done
        return done

    async def run_in_thread(self, act: Callable[[], _T]) -> _T:
        """Run something slow in one of the threads for long lists.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        return await self._run(self._list_threads, act)

    async def run_short(self, act: Callable[[], _T]) -> _T:
        """Run what takes some milliseconds in a thread in which no long list is processed.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        return await self._run(self._batch_thread, act)

    async def run_load(self, act: Callable[[], _T]) -> _T:
        """Load or unload a model in one of the threads for that.

        Raises:
            UnavailableError: Too many requests are waiting.
        """
        return await self._run(self._load_threads, act)

    async def _run(self, threads: ThreadPoolExecutor, act: Callable[[], _T]) -> _T:
        self._check_capacity()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, act)
        finally:
            self._waiting -= 1

    def _check_capacity(self) -> None:
        if self._waiting >= self._max_waiting:
            raise UnavailableError(
                f"expected at most {self._max_waiting} requests at once, got more; try again"
            )

    def _gather(self) -> None:
        """Link what waits; where a larger batch was just answered, once its callers ask again.

        Else the callers of a busy worker would form groups, each of which waits for the others.
        """
        left_s = self._gather_until - time.monotonic()
        if len(self._queue) < self._expected and left_s > 0:
            # nginx and the callers may need this very processor meanwhile
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(left_s, self._link_batch)
        else:
            self._link_batch()

    def _link_batch(self) -> None:
        """Link waiting requests; in a thread where that takes longer than a thread costs."""
        self._gathering = None
        requests = self._next_batch()
        self._begin, self._expected = time.monotonic(), len(requests)
        clients = sum(len(request.records) for request in requests)
        if clients <= SMALL_REQUEST and sum(one.size for one in requests) <= SMALL_BATCH_BYTES:
            self._finish(_decide_batch(requests))
        else:
            self._start(self._link_in_thread(requests))

    async def _link_in_thread(self, requests: list[_Pending]) -> None:
        loop = asyncio.get_running_loop()
        self._finish(await loop.run_in_executor(self._batch_thread, _decide_batch, requests))

    def _finish(self, outcomes: list[_Outcome]) -> None:
        """Give all requests of a batch their results, then link those that wait."""
        for requests, draft in outcomes:
            job = requests[0].job
            if isinstance(draft, Exception):
                _fail(requests, draft)
            elif job.needs_database(draft):
                self._start(_read_back_and_complete(requests, draft))
            else:
                _complete(requests, draft, CurrentRows())
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Link those that wait once the answers of this round are sent, which its end does."""
        now = time.monotonic()
        self._gather_until = now + min(GATHER_S, GATHER_SHARE * (now - self._begin))
        self._expected += len(self._queue) * (self._expected > 1)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._gather)
        else:
            self._is_linking = False

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_batch(self) -> list[_Pending]:
        """Waiting requests of one key, possibly none; the others wait for a later batch."""
        batch: list[_Pending] = []
        size, later = 0, []
        for request in self._queue:
            if request.result.done():
                # its caller has gone
                continue
            fits = not batch or (
                request.job.key == batch[0].job.key and size + len(request.records) <= MAX_BATCH
            )
            if fits:
                batch.append(request)
                size += len(request.records)
            else:
                later.append(request)
        self._queue = later
        return batch


async def _read_back_and_complete(requests: list[_Pending], draft: Draft) -> None:
    try:
        current = await requests[0].job.read_back(draft)
    except Exception as error:
        _fail(requests, error)
    else:
        _complete(requests, draft, current)


def _decide_batch(requests: list[_Pending]) -> list[_Outcome]:
    """Decide on all requests in one call; if that fails for any client, on each by itself."""
    if len(requests) > 1:
        try:
            together = RecordBatch.concatenate([request.records for request in requests])
            draft = requests[0].job.decide(together)
        except RequestError as error:
            return [(requests, error)]
        except Exception:
            # raised here, it would leave `_is_linking` set, and all requests waiting
            _log.exception("a batch of %d requests could not be linked", len(requests))
        else:
            if not draft.failed:
                return [(requests, draft)]
    return [([request], _decide_one(request)) for request in requests]


def _decide_one(request: _Pending) -> Draft | Exception:
    try:
        return request.job.decide(request.records)
    except Exception as error:
        # raised again in the request itself; the others go on
        return error


def _complete(requests: list[_Pending], draft: Draft, current: CurrentRows) -> None:
    """Give every request of a batch its part of the result."""
    try:
        linked = requests[0].job.complete(draft, current, _askers(requests, draft))
    except Exception as error:
        _fail(requests, error)
        return
    begin = 0
    for request in requests:
        end = begin + len(request.records)
        # a caller that has disconnected no longer waits for its result
        if not request.result.done():
            part = linked
            if len(requests) > 1:
                batch = linked.batch.between(begin, end)
                part = LinkResult(batch, linked.stale, linked.database_s)
            request.result.set_result(part)
        begin = end


def _askers(requests: list[_Pending], draft: Draft) -> Askers:
    """Who waits for the decisions of a batch; only a request by itself may lack clients in it."""
    if len(requests) == 1:
        (one,) = requests
        return [(None if one.result.done() else one.origin, len(draft.records))]
    return [(None if one.result.done() else one.origin, len(one.records)) for one in requests]


def _fail(requests: list[_Pending], error: Exception) -> None:
    for request in requests:
        if not request.result.done():
            request.result.set_exception(error)
