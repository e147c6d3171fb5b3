"""Queries of the live table: unreadable rows, lists in parts, their rate and their connections."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.store import CompanyStore
from serving.database_threads import DatabaseThreads
from serving.live_table import RETRY_S, LiveTable
from serving.settings import WorkerSettings
from tests.commands.shop import company_rows
from tests.serving.fake_table import LIST, Store, with_table
from tests.stored_table import run_sql


def test_an_unreadable_row_concerns_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.unreadable = "bad"
        wanted = ["bad", *map(str, range(20))]
        for _ in range(2):
            found = await asyncio.gather(
                *(table.fetch([one]) for one in wanted), return_exceptions=True
            )
            assert isinstance(found[0], DatabaseError)
            assert all(
                isinstance(one, CompanyRows) and name in one.records.ids
                for name, one in zip(wanted[1:], found[1:], strict=True)
            )
            assert not table.is_down

    with_table(store, act, database_timeout_s=2.0)

    assert store.opened == 1
    assert "(bad)" in caplog.text
    assert "secret" not in caplog.text


def test_a_database_that_was_silent_is_used_again_whatever_the_row_was() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.unreadable = "bad"
        store.answers.clear()
        with pytest.raises(DatabaseError, match="no answer"):
            await table.fetch(["bad"])
        store.answers.set()
        await asyncio.sleep(2 * RETRY_S)
        assert not table.is_down

    with_table(store, act)


def test_a_text_of_another_encoding_in_sqlite_spoils_its_own_company_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/companies.db"
    with CompanyStore(url) as store:
        store.create()
        store.load([company_rows()])
    run_sql(url, "UPDATE companies SET name = CAST(X'93FA967B' AS TEXT) WHERE company_id = 'c1'")

    async def main() -> None:
        table = LiveTable(
            WorkerSettings(), lambda: CompanyStore(url, read_only=True, limits=Limits())
        )
        with pytest.raises(DatabaseError, match="which answers for others"):
            await table.fetch(["c1"])
        assert (await table.fetch(["c2"])).records.ids == ["c2"]
        run_sql(url, "ALTER TABLE companies RENAME TO others")
        with pytest.raises(DatabaseError, match="cannot read table"):
            await table.fetch(["c2"])
        assert table.is_down
        table.close()

    asyncio.run(main())


def test_a_list_may_take_longer_than_one_query() -> None:
    store = Store(s_per_company=2e-5)
    ids = [str(number) for number in range(20_000)]

    async def act(table: LiveTable) -> None:
        whole = asyncio.create_task(table.fetch(ids))
        await asyncio.sleep(0.1)
        await table.fetch(["goyo"])
        assert not whole.done()
        assert (await whole).records.ids == ids
        assert not table.is_down

    with_table(store, act)

    assert store.opened == 1


def test_a_list_that_never_ends_is_given_up_by_itself() -> None:
    store = Store()

    async def act(table: LiveTable) -> None:
        store.s_per_company = 1e-4
        with pytest.raises(DatabaseError, match="50000 companies could not be read in 1 s"):
            await table.fetch([str(number) for number in range(50_000)])
        assert not table.is_down

    with_table(store, act, timeout_s=3.0, database_timeout_s=1.0)


def test_a_slow_list_is_no_silent_database() -> None:
    store = Store(slow_lists=True)

    async def act(table: LiveTable) -> None:
        await table.fetch(["goyo"])
        store.answers.clear()
        whole = asyncio.create_task(table.fetch(LIST))
        await asyncio.sleep(0.02)
        await table.fetch(["goyo"])
        with pytest.raises(DatabaseError, match="no answer within"):
            await whole
        assert not table.is_down
        await table.fetch(["goyo"])

    with_table(store, act)

    assert store.opened == 1


def test_one_timer_wakes_all_who_wait_for_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def act(table: LiveTable) -> None:
        for _ in range(5):
            await table.fetch(["goyo"])
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def counted(pause_s: float, *act: Any) -> asyncio.TimerHandle:
            pauses.append(pause_s)
            return call_later(pause_s, *act)

        monkeypatch.setattr(loop, "call_later", counted)
        await asyncio.gather(*(table.fetch([str(number)]) for number in range(50)))

    with_table(Store(), act, queries_per_s=5.0, database_timeout_s=2.0)

    assert len(pauses) == 1


def test_connections_that_were_given_up_refuse_queries_at_once() -> None:
    opened: Any = Store
    threads = DatabaseThreads(opened, 2)
    assert threads.submit(lambda store: store.columns).result(timeout=2) == ("name",)

    threads.give_up()

    with pytest.raises(DatabaseError, match="given up"):
        threads.submit(lambda store: store.columns).result(timeout=2)
