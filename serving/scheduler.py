"""Two lanes to the linker: small requests are linked together, large ones each for itself.

Linking costs about as much for thirty clients as for ten, so requests that wait at the same time
share one call, one look at the database included. A large list does not stand in their way.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from linkage_rl.linker import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.errors import RequestError, UnavailableError

SMALL: Final = 32
"""Clients up to which a request is small."""
TOGETHER: Final = 256
"""Clients that are linked together at most."""
LISTS: Final = 2
"""Long lists that are worked on at once; while one is linked another is read or written."""
MOST_CLIENTS: Final = 100_000
"""Clients of long lists that may be under way at once: up to half a minute of work."""

_log = logging.getLogger("serving")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Linked:
    """What a request gets of a call."""

    batch: LinkedBatch
    """Decisions on the clients that could be linked."""
    stale: bool
    database_s: float
    failed: tuple[int, ...] = ()
    """Rows of the clients that could not."""


@dataclass(frozen=True)
class _Waiting:
    key: object
    link: Callable[[RecordBatch], Linked]
    records: RecordBatch
    result: "asyncio.Future[Linked]"


class Lanes:
    """The threads of one worker that link; made within its event loop."""

    def __init__(self, most_waiting: int, in_loop: bool = False) -> None:
        """No lane serves yet.

        Args:
            most_waiting: Requests that may be under way at once.
            in_loop: Link small requests in the event loop itself: a thread of their own costs half
                a millisecond, and pays only where linking waits for a database.
        """
        self._most_waiting = most_waiting
        self._in_loop = in_loop
        self._under_way = 0
        self._clients = 0
        self._turns = asyncio.Semaphore(LISTS)
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._small = ThreadPoolExecutor(1, thread_name_prefix="small")
        self._large = ThreadPoolExecutor(LISTS, thread_name_prefix="large")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve the small lane."""
        self._task = asyncio.create_task(self._serve_small())

    async def close(self) -> None:
        """End both lanes; nothing may wait in them any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._small.shutdown()
        self._large.shutdown()

    async def link(
        self, key: object, link: Callable[[RecordBatch], Linked], records: RecordBatch
    ) -> Linked:
        """Link a request's clients, a small one perhaps together with others of the same key.

        Args:
            key: Requests of equal keys may share a call; they have the same model and index.
            link: Links N clients.
            records: The clients.

        Raises:
            UnavailableError: Too many requests wait.
        """
        if len(records) > SMALL:
            return await self.run(lambda: link(records))
        self._refuse_crowd()
        result: asyncio.Future[Linked] = asyncio.get_running_loop().create_future()
        self._under_way += 1
        try:
            self._queue.put_nowait(_Waiting(key, link, records, result))
            return await result
        finally:
            self._under_way -= 1

    @asynccontextmanager
    async def turn(self, clients: int) -> AsyncIterator[None]:
        """Wait for the turn of a list of so many clients; it keeps it until the end.

        So lists are answered one after the other, not all of them at the end of all.

        Raises:
            UnavailableError: Others take it up, and the list would be answered too late.
        """
        if self._clients and self._clients + clients > MOST_CLIENTS:
            raise UnavailableError(
                f"expected lists of at most {MOST_CLIENTS} clients at once, got more; try again"
            )
        self._clients += clients
        try:
            async with self._turns:
                yield
        finally:
            self._clients -= clients

    async def run(self, act: Callable[[], _T]) -> _T:
        """Do something long in the large lane.

        Raises:
            UnavailableError: Too many requests wait.
        """
        self._refuse_crowd()
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._large, act)
        finally:
            self._under_way -= 1

    def _refuse_crowd(self) -> None:
        if self._under_way >= self._most_waiting:
            raise UnavailableError(
                f"expected at most {self._most_waiting} requests at once, got more; try again"
            )

    async def _serve_small(self) -> None:
        kept: list[_Waiting] = []
        while True:
            first = kept.pop(0) if kept else await self._queue.get()
            waiting = [*kept]
            while not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            group, size, kept = [first], len(first.records), []
            for other in waiting:
                if other.key == first.key and size + len(other.records) <= TOGETHER:
                    group.append(other)
                    size += len(other.records)
                else:
                    kept.append(other)
            for one, outcome in zip(group, await self._linked(group), strict=True):
                if one.result.done():
                    continue
                if isinstance(outcome, Linked):
                    one.result.set_result(outcome)
                else:
                    one.result.set_exception(outcome)
            # those answers go out before the next are begun
            await asyncio.sleep(0)

    async def _linked(self, group: list[_Waiting]) -> list[Linked | Exception]:
        if self._in_loop:
            return _link_together(group)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._small, _link_together, group)


def _link_together(group: list[_Waiting]) -> list[Linked | Exception]:
    """One call for all; where some client fails in it, each request is tried for itself."""
    if len(group) > 1:
        try:
            linked = group[0].link(_joined([one.records for one in group]))
        except RequestError as error:
            return [error] * len(group)
        except Exception:
            # whatever it was, raised here it would end the lane and leave all requests waiting
            _log.exception("%d requests could not be linked together", len(group))
        else:
            if not linked.failed:
                return _shares(group, linked)
    outcomes: list[Linked | Exception] = []
    for one in group:
        try:
            outcomes.append(one.link(one.records))
        except Exception as error:
            # it is raised in the request that asked; the lane goes on
            outcomes.append(error)
    return outcomes


def _shares(group: list[_Waiting], linked: Linked) -> list[Linked | Exception]:
    shares: list[Linked | Exception] = []
    begin = 0
    for one in group:
        end = begin + len(one.records)
        shares.append(Linked(linked.batch.between(begin, end), linked.stale, linked.database_s))
        begin = end
    return shares


def _joined(parts: list[RecordBatch]) -> RecordBatch:
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return RecordBatch(
        [client_id for part in parts for client_id in part.ids],
        {name: [text for part in parts for text in part.column(name)] for name in names},
    )
