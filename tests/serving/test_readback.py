"""Reading companies back: few queries, a limited rate, and nobody waits for a silent database."""

import asyncio
import time

import pytest

from linkage_rl.errors import ConfigError, DatabaseError, SchemaError
from serving.errors import UnavailableError
from serving.live_table import RETRY_S, LiveTable
from serving.readback import read_back
from tests.serving.fake_table import LIST, TIMEOUT_S, Store, with_table


def test_companies_come_from_the_database_while_it_answers() -> None:
    async def act(table: LiveTable) -> None:
        current = await read_back(table, ["goyo"], "stale")
        assert current.rows is not None
        assert current.rows.records.column("name") == ["live"]
        assert not current.stale

    with_table(Store(), act)


def test_while_it_is_down_they_are_stale() -> None:
    async def act(table: LiveTable) -> None:
        current = await read_back(table, ["goyo"], "stale")
        assert (current.rows, current.stale) == (None, True)

    with_table(Store(DatabaseError("cannot read")), act)


def test_while_it_is_down_requests_fail_where_stale_companies_are_not_allowed() -> None:
    async def act(table: LiveTable) -> None:
        with pytest.raises(UnavailableError, match="does not answer just now"):
            await read_back(table, ["goyo"], "fail")

    with_table(Store(DatabaseError("cannot read")), act)


@pytest.mark.parametrize(
    "error",
    [SchemaError("lacks column"), ConfigError("lacks column"), ValueError("lacks column")],
)
def test_any_problem_with_the_table_counts_as_a_database_that_is_down(error: Exception) -> None:
    async def act(table: LiveTable) -> None:
        with pytest.raises(DatabaseError):
            await table.fetch(["c1"])
        assert table.is_down

    with_table(Store(error), act)


@pytest.mark.parametrize("ids", [["goyo"], LIST])
def test_a_silent_database_is_waited_for_once_and_tried_in_the_background(ids: list[str]) -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.answers.clear()
        begin = time.monotonic()
        with pytest.raises(DatabaseError, match=r"no answer within 0.2 s"):
            await table.fetch(ids)
        waited = time.monotonic() - begin
        for _ in range(20):
            with pytest.raises(DatabaseError, match="does not answer"):
                await table.fetch(ids)
        assert time.monotonic() - begin - waited < 0.1
        store.answers.set()
        await asyncio.sleep(2 * RETRY_S)
        assert not table.is_down
        await table.fetch(ids)
        assert 0.15 < waited < TIMEOUT_S

    with_table(store, act)

    assert store.opened > 1


def test_those_who_wait_for_their_turn_are_let_go_with_the_first() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.answers.clear()
        first = [asyncio.create_task(table.fetch(["a"])) for _ in range(2)]
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        with pytest.raises(DatabaseError):
            await table.fetch(["b"])
        assert time.monotonic() - begin < 0.15
        await asyncio.gather(*first, return_exceptions=True)

    with_table(store, act, database_connections=1)


def test_lists_leave_a_connection_to_single_clients() -> None:
    store = Store(slow_lists=True)

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.answers.clear()
        lists = [asyncio.create_task(table.fetch(LIST)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert (await table.fetch(["goyo"])).records.ids == ["goyo"]
        store.answers.set()
        assert [len((await one).records) for one in lists] == [1000, 1000]

    with_table(store, act, database_timeout_s=5.0)


def test_what_is_asked_for_meanwhile_shares_one_query() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        rows = await asyncio.gather(*(table.fetch([str(number)]) for number in range(20)))
        assert all(str(number) in one.records.ids for number, one in enumerate(rows))

    with_table(store, act)

    # the first one sees whether the database answers
    assert list(map(len, store.queries)) == [0, 20]


def test_the_rate_of_queries_is_limited() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        begin = time.monotonic()
        for _ in range(7):
            await table.fetch(["goyo"])
        assert 0.3 < time.monotonic() - begin < 2.0

    # five at once, then one every 200 ms
    with_table(store, act, queries_per_s=5.0, database_timeout_s=2.0)


def test_without_companies_there_is_no_query() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        assert (await read_back(table, [], "fail")).rows is None

    with_table(store, act)

    assert not store.queries
