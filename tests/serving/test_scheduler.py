"""Small requests share a batch, and one that fails does not affect the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.errors import UnavailableError
from serving.scheduler import LinkResult, Scheduler


def clients(*ids: str) -> RecordBatch:
    return RecordBatch(list(ids), {"name": [f"name of {one}" for one in ids]})


def echo(records: RecordBatch) -> LinkResult:
    """Links each client to a company of its own id."""
    number = len(records)
    return LinkResult(
        LinkedBatch(
            records.ids,
            np.ones(number, dtype=np.int8),
            list(records.ids),
            np.ones(number, dtype=np.float32),
            RecordBatch(list(records.ids), {"name": list(records.column("name"))}),
            [""] * number,
            np.zeros(number, dtype=np.uint16),
        ),
        stale=False,
        database_s=0.0,
    )


def with_scheduler(act: Callable[[Scheduler], Awaitable[None]], max_waiting: int = 100) -> None:
    async def main() -> None:
        scheduler = Scheduler(max_waiting)
        scheduler.start()
        await act(scheduler)
        await scheduler.close()

    asyncio.run(main())


def test_waiting_requests_share_a_batch_and_get_back_their_own_clients() -> None:
    calls: list[Sequence[str]] = []

    def link(records: RecordBatch) -> LinkResult:
        calls.append(records.ids)
        return echo(records)

    async def act(scheduler: Scheduler) -> None:
        requests = [clients("a"), clients("b", "c"), clients("d")]
        found = await asyncio.gather(*(scheduler.link("model", link, one) for one in requests))
        assert [one.batch.company_ids for one in found] == [["a"], ["b", "c"], ["d"]]

    with_scheduler(act)

    assert calls == [["a", "b", "c", "d"]]


def test_requests_to_different_models_are_not_in_one_batch() -> None:
    calls: list[tuple[str, Sequence[str]]] = []

    async def act(scheduler: Scheduler) -> None:
        def of(model: str) -> Callable[[RecordBatch], LinkResult]:
            def link(records: RecordBatch) -> LinkResult:
                calls.append((model, records.ids))
                return echo(records)

            return link

        requests = [("x", "a"), ("y", "b"), ("x", "c")]
        await asyncio.gather(
            *(scheduler.link(model, of(model), clients(one)) for model, one in requests)
        )

    with_scheduler(act)

    assert calls == [("x", ["a", "c"]), ("y", ["b"])]


def test_a_request_that_fails_does_not_affect_the_others() -> None:
    def link(records: RecordBatch) -> LinkResult:
        if "bad" in records.ids:
            raise ValueError("bad")
        return echo(records)

    async def act(scheduler: Scheduler) -> None:
        requests = [clients("a"), clients("bad"), clients("b")]
        first, second, third = await asyncio.gather(
            *(scheduler.link("model", link, one) for one in requests), return_exceptions=True
        )
        assert isinstance(first, LinkResult)
        assert isinstance(second, ValueError)
        assert isinstance(third, LinkResult)

    with_scheduler(act)


def test_requests_beyond_the_limit_are_refused() -> None:
    async def act(scheduler: Scheduler) -> None:
        outcomes = await asyncio.gather(
            *(scheduler.link("model", echo, clients(str(number))) for number in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, UnavailableError) for one in outcomes) == 2

    with_scheduler(act, max_waiting=3)


def test_a_long_list_is_linked_outside_the_batches() -> None:
    async def act(scheduler: Scheduler) -> None:
        found = await scheduler.link("model", echo, clients(*map(str, range(1000))))
        assert len(found.batch) == 1000

    with_scheduler(act)


def test_a_request_in_progress_is_answered_before_the_scheduler_closes() -> None:
    async def act(scheduler: Scheduler) -> None:
        waiting = asyncio.create_task(scheduler.link("model", echo, clients("a")))
        assert (await waiting).batch.company_ids == ["a"]

    with_scheduler(act)


@pytest.mark.parametrize("size", [1, 32, 33])
def test_every_size_is_answered(size: int) -> None:
    async def act(scheduler: Scheduler) -> None:
        found = await scheduler.link("model", echo, clients(*map(str, range(size))))
        assert len(found.batch) == size

    with_scheduler(act)
