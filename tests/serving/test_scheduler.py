"""Small requests share a batch, and one that fails does not affect the others."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.attributes import Askers, Origin
from serving.batch_transform import execution_parameters
from serving.errors import UnavailableError
from serving.linking import NEEDED, Draft, LinkResult, Work
from serving.readback import CurrentRows
from serving.scheduler import CONCURRENT_LISTS, MAX_LIST_CLIENTS, Scheduler
from serving.settings import WorkerSettings


def clients(*ids: str) -> RecordBatch:
    return RecordBatch(list(ids), {"name": [f"name of {one}" for one in ids]})


def nothing(of: object) -> None:
    return


@dataclass(frozen=True)
class Echo:
    """Links each client to a company of its own id."""

    key: object = "model"
    before: Callable[[RecordBatch], None] = nothing
    """Called with the clients on whom a decision is made."""
    database: "asyncio.Event | None" = None
    """Set once the database answers; None where there is no database."""
    asked: Callable[[Askers], None] = nothing
    """Called with those who asked for a batch that is completed."""

    def decide(self, records: RecordBatch, work: Work = NEEDED) -> Draft:
        self.before(records)
        decided: Any = None
        return Draft(records, decided)

    def needs_database(self, draft: Draft) -> bool:
        return self.database is not None

    async def read_back(self, draft: Draft) -> CurrentRows:
        assert self.database is not None
        await self.database.wait()
        return CurrentRows(stale=True)

    def complete(self, draft: Draft, current: CurrentRows, askers: Askers) -> LinkResult:
        self.asked(askers)
        ids, number = list(draft.records.ids), len(draft.records)
        batch = LinkedBatch(
            ids,
            np.ones(number, dtype=np.int8),
            ids,
            np.ones(number, dtype=np.float32),
            RecordBatch(ids, {"name": list(draft.records.column("name"))}),
            [""] * number,
            np.zeros(number, dtype=np.uint16),
        )
        return LinkResult(batch, current.stale, current.seconds)


def with_scheduler(act: Callable[[Scheduler], Awaitable[None]], max_waiting: int = 100) -> None:
    async def main() -> None:
        scheduler = Scheduler(max_waiting)
        await act(scheduler)
        scheduler.close()

    asyncio.run(main())


def test_waiting_requests_share_a_batch_and_get_back_their_own_clients() -> None:
    calls: list[Sequence[str]] = []
    job = Echo(before=lambda records: calls.append(records.ids))

    async def act(scheduler: Scheduler) -> None:
        requests = [clients("a"), clients("b", "c"), clients("d")]
        found = await asyncio.gather(*(scheduler.link(job, one) for one in requests))
        assert [one.batch.company_ids for one in found] == [["a"], ["b", "c"], ["d"]]

    with_scheduler(act)

    assert calls == [["a", "b", "c", "d"]]


def test_the_callers_of_a_busy_worker_come_to_share_all_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # however slow this machine is just now
    monkeypatch.setattr("serving.scheduler.GATHER_S", 0.05)
    monkeypatch.setattr("serving.scheduler.GATHER_SHARE", 1e4)
    sizes: list[int] = []

    def decide(records: RecordBatch) -> None:
        sizes.append(len(records))
        time.sleep(0.002)

    async def act(scheduler: Scheduler) -> None:
        async def caller(number: int) -> None:
            # they begin in two groups, of which one waits for the other
            await asyncio.sleep(0.001 * (number % 2))
            for _ in range(6):
                await scheduler.link(Echo(before=decide), clients(str(number)))

        await asyncio.gather(*map(caller, range(6)))

    with_scheduler(act)

    assert sum(sizes) == 36
    assert sizes.count(6) >= 4


@pytest.mark.parametrize(("callers", "gather_s"), [(6, 60.0), (5, 0.05)])
def test_a_batch_waits_for_the_callers_of_the_last_one_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, callers: int, gather_s: float
) -> None:
    monkeypatch.setattr("serving.scheduler.GATHER_S", gather_s)
    monkeypatch.setattr("serving.scheduler.GATHER_SHARE", 1e6)
    batches: list[int] = []
    job = Echo(before=lambda records: batches.append(len(records)))

    async def act() -> float:
        scheduler = Scheduler(max_waiting=10)
        first = (scheduler.link(job, clients(str(number))) for number in range(6))
        await asyncio.gather(*first)
        begin = time.monotonic()

        async def again(number: int) -> None:
            await asyncio.sleep(0.002 * number)
            await scheduler.link(job, clients(str(number)))

        await asyncio.gather(*map(again, range(callers)))
        return time.monotonic() - begin

    seconds = asyncio.run(act())

    assert batches == [6, callers]
    assert seconds < 10


def test_requests_to_different_models_are_not_in_one_batch() -> None:
    calls: list[tuple[str, Sequence[str]]] = []

    def of(model: str) -> Echo:
        return Echo(model, lambda records: calls.append((model, records.ids)))

    async def act(scheduler: Scheduler) -> None:
        requests = [("x", "a"), ("y", "b"), ("x", "c")]
        await asyncio.gather(*(scheduler.link(of(model), clients(one)) for model, one in requests))

    with_scheduler(act)

    assert calls == [("x", ["a", "c"]), ("y", ["b"])]


@pytest.mark.parametrize("error", [ValueError, MemoryError])
def test_a_request_that_fails_does_not_affect_the_others(error: type[Exception]) -> None:
    def fail(records: RecordBatch) -> None:
        if "bad" in records.ids:
            raise error("bad")

    async def act(scheduler: Scheduler) -> None:
        requests = [clients("a"), clients("bad"), clients("b")]
        first, second, third = await asyncio.gather(
            *(scheduler.link(Echo(before=fail), one) for one in requests), return_exceptions=True
        )
        assert isinstance(first, LinkResult)
        assert isinstance(second, error)
        assert isinstance(third, LinkResult)

    with_scheduler(act)


def test_requests_beyond_the_limit_are_refused() -> None:
    async def act(scheduler: Scheduler) -> None:
        outcomes = await asyncio.gather(
            *(scheduler.link(Echo(), clients(str(number))) for number in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, UnavailableError) for one in outcomes) == 2

    with_scheduler(act, max_waiting=3)


def test_a_batch_that_waits_for_the_database_delays_no_other() -> None:
    async def act(scheduler: Scheduler) -> None:
        database = asyncio.Event()
        waiting = [
            asyncio.create_task(scheduler.link(Echo(database=database), clients(str(number))))
            for number in range(5)
        ]
        await asyncio.sleep(0)
        found = await asyncio.wait_for(scheduler.link(Echo(), clients("a")), timeout=2)
        assert found.batch.company_ids == ["a"]
        assert not any(one.done() for one in waiting)
        database.set()
        assert [(await one).stale for one in waiting] == [True] * 5

    with_scheduler(act)


def test_a_batch_says_once_and_before_any_answer_who_still_waits_for_it() -> None:
    said: list[tuple[Askers, int]] = []
    answered: list[str] = []
    database = asyncio.Event()
    job = Echo(database=database, asked=lambda askers: said.append((askers, len(answered))))

    async def act(scheduler: Scheduler) -> None:
        async def caller(customer: str, *ids: str) -> None:
            await scheduler.link(job, clients(*ids), origin=Origin(customer))
            answered.append(customer)

        asked = [("x", "a"), ("gone", "b", "c"), ("y", "d")]
        callers = [asyncio.create_task(caller(*one)) for one in asked]
        await asyncio.sleep(0.02)
        callers[1].cancel()
        database.set()
        await asyncio.wait(callers)

    with_scheduler(act)

    assert said == [([(Origin("x"), 1), (None, 2), (Origin("y"), 1)], 0)]
    assert answered == ["x", "y"]


def test_slow_loads_leave_the_threads_of_lists_and_of_other_models_free() -> None:
    async def act(scheduler: Scheduler) -> None:
        done = threading.Event()
        loads = [asyncio.create_task(scheduler.run_load(done.wait)) for _ in range(2)]
        await asyncio.sleep(0.01)
        other = asyncio.gather(
            scheduler.run_load(lambda: "model"),
            scheduler.run_in_thread(lambda: "list"),
            scheduler.run_short(lambda: "candidates"),
        )
        found = await asyncio.wait_for(other, timeout=2)
        assert tuple(found) == ("model", "list", "candidates")
        done.set()
        await asyncio.gather(*loads)

    with_scheduler(act)


def test_few_long_lists_are_in_progress_at_once_and_too_many_are_refused() -> None:
    in_progress: set[int] = set()
    at_once: list[int] = []
    finished: list[int] = []

    async def one_list(scheduler: Scheduler, number: int, clients: int) -> None:
        async with scheduler.list_slot(clients):
            in_progress.add(number)
            at_once.append(len(in_progress))
            await asyncio.sleep(0.01)
            in_progress.discard(number)
            finished.append(number)

    async def act(scheduler: Scheduler) -> None:
        size = MAX_LIST_CLIENTS // 5
        lists = [one_list(scheduler, number, size) for number in range(7)]
        outcomes = await asyncio.gather(*lists, return_exceptions=True)
        assert outcomes[:5] == [None] * 5
        assert all(isinstance(outcome, UnavailableError) for outcome in outcomes[5:])
        # with no other list waiting, even a longer one is accepted
        await one_list(scheduler, 7, MAX_LIST_CLIENTS * 2)

    with_scheduler(act)

    assert max(at_once) == CONCURRENT_LISTS
    assert finished == [0, 1, 2, 3, 4, 7]


def test_as_many_lists_as_batch_transform_sends_at_once_are_accepted() -> None:
    advised = execution_parameters(WorkerSettings(max_clients=1_000_000, max_payload_mb=100))
    at_once = advised["MaxConcurrentTransforms"]

    async def one_list(scheduler: Scheduler) -> None:
        async with scheduler.list_slot(1_000_000):
            await asyncio.sleep(0.01)

    async def act(scheduler: Scheduler) -> None:
        for number in (at_once, at_once + 1):
            lists = (one_list(scheduler) for _ in range(number))
            outcomes = await asyncio.gather(*lists, return_exceptions=True)
            assert outcomes[:at_once] == [None] * at_once
            assert all(isinstance(outcome, UnavailableError) for outcome in outcomes[at_once:])

    with_scheduler(act)


def test_lists_that_wait_for_the_database_let_others_go_on() -> None:
    async def act(scheduler: Scheduler) -> None:
        database = asyncio.Event()

        async def waiting() -> None:
            async with scheduler.list_slot(100) as slot:
                await slot.wait_for(database.wait())

        async def other() -> None:
            async with scheduler.list_slot(100):
                return

        lists = [asyncio.create_task(waiting()) for _ in range(CONCURRENT_LISTS + 1)]
        await asyncio.wait_for(other(), timeout=2)
        database.set()
        await asyncio.wait_for(asyncio.gather(*lists), timeout=2)
        # nothing of a list that was given up is left
        lost = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        lost.cancel()
        await asyncio.wait_for(asyncio.gather(other(), other(), other()), timeout=2)

    with_scheduler(act)


@pytest.mark.parametrize("size", [1, 32, 33, 300])
def test_every_size_is_answered(size: int) -> None:
    async def act(scheduler: Scheduler) -> None:
        found = await scheduler.link(Echo(), clients(*map(str, range(size))))
        assert len(found.batch) == size

    with_scheduler(act)


@pytest.mark.parametrize(("clients_each", "bytes_each"), [(1, 100), (1, 20_000), (20, 100)])
def test_larger_batches_are_linked_outside_the_event_loop(
    clients_each: int, bytes_each: int
) -> None:
    threads: set[str] = set()
    job = Echo(before=lambda records: threads.add(threading.current_thread().name))

    async def act(scheduler: Scheduler) -> None:
        ids = [str(number) for number in range(clients_each)]
        await asyncio.gather(*(scheduler.link(job, clients(*ids), bytes_each) for _ in range(2)))

    with_scheduler(act)

    is_small = (clients_each, bytes_each) == (1, 100)
    assert (threads == {"MainThread"}) == is_small
