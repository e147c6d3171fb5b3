"""Small requests share a call, and a faulty one harms no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from linkage_rl.linker import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.errors import UnavailableError
from serving.scheduler import Lanes, Linked


def clients(*ids: str) -> RecordBatch:
    return RecordBatch(list(ids), {"name": [f"name of {one}" for one in ids]})


def echo(records: RecordBatch) -> Linked:
    """Links each client to a company of its own id."""
    number = len(records)
    return Linked(
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


def within_lanes(act: Callable[[Lanes], Awaitable[None]], most_waiting: int = 100) -> None:
    async def main() -> None:
        lanes = Lanes(most_waiting)
        lanes.start()
        await act(lanes)
        await lanes.close()

    asyncio.run(main())


def test_requests_that_wait_together_share_a_call_and_get_their_own_clients() -> None:
    calls: list[Sequence[str]] = []

    def link(records: RecordBatch) -> Linked:
        calls.append(records.ids)
        return echo(records)

    async def act(lanes: Lanes) -> None:
        asked = [clients("a"), clients("b", "c"), clients("d")]
        found = await asyncio.gather(*(lanes.link("model", link, one) for one in asked))
        assert [one.batch.company_ids for one in found] == [["a"], ["b", "c"], ["d"]]

    within_lanes(act)

    assert calls == [["a", "b", "c", "d"]]


def test_requests_to_other_models_are_linked_by_them() -> None:
    calls: list[tuple[str, Sequence[str]]] = []

    async def act(lanes: Lanes) -> None:
        def of(model: str) -> Callable[[RecordBatch], Linked]:
            def link(records: RecordBatch) -> Linked:
                calls.append((model, records.ids))
                return echo(records)

            return link

        asked = [("x", "a"), ("y", "b"), ("x", "c")]
        await asyncio.gather(*(lanes.link(model, of(model), clients(one)) for model, one in asked))

    within_lanes(act)

    assert calls == [("x", ["a", "c"]), ("y", ["b"])]


def test_a_request_that_fails_does_not_take_others_along() -> None:
    def link(records: RecordBatch) -> Linked:
        if "bad" in records.ids:
            raise ValueError("bad")
        return echo(records)

    async def act(lanes: Lanes) -> None:
        asked = [clients("a"), clients("bad"), clients("b")]
        first, second, third = await asyncio.gather(
            *(lanes.link("model", link, one) for one in asked), return_exceptions=True
        )
        assert isinstance(first, Linked)
        assert isinstance(second, ValueError)
        assert isinstance(third, Linked)

    within_lanes(act)


def test_a_crowd_is_turned_away() -> None:
    async def act(lanes: Lanes) -> None:
        outcomes = await asyncio.gather(
            *(lanes.link("model", echo, clients(str(number))) for number in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, UnavailableError) for one in outcomes) == 2

    within_lanes(act, most_waiting=3)


def test_a_long_list_has_a_lane_of_its_own() -> None:
    async def act(lanes: Lanes) -> None:
        found = await lanes.link("model", echo, clients(*map(str, range(1000))))
        assert len(found.batch) == 1000

    within_lanes(act)


def test_a_request_that_waits_while_the_server_stops_is_answered() -> None:
    async def act(lanes: Lanes) -> None:
        waiting = asyncio.create_task(lanes.link("model", echo, clients("a")))
        assert (await waiting).batch.company_ids == ["a"]

    within_lanes(act)


@pytest.mark.parametrize("size", [1, 32, 33])
def test_every_size_is_answered(size: int) -> None:
    async def act(lanes: Lanes) -> None:
        found = await lanes.link("model", echo, clients(*map(str, range(size))))
        assert len(found.batch) == size

    within_lanes(act)
