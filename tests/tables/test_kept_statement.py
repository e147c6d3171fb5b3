"""Companies are read by id with a statement that the driver sends, as if SQLAlchemy sent it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

TYPED = ColumnMapping(
    table="typed",
    company_id="no",
    name="label",
    postal_code="amount",
    phone="flag",
    url="day",
    updated_at="changed",
    closed_at="ends",
    closed_when="flag=true",
)
LIMITS = Limits(connections=2, timeout_s=5.0)
KINDS = "no {}, label CHAR(8), amount NUMERIC(10, 2), flag BOOLEAN, day DATE, changed TIMESTAMP"


@pytest.fixture(params=["INTEGER", "VARCHAR(20)"])
def typed(readable_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a table with columns of most types, and keys of this one."""
    run_sql(
        readable_url,
        f"CREATE TABLE typed ({KINDS.format(request.param)}, ends VARCHAR(20))",
        "INSERT INTO typed VALUES "
        "(1, 'Apex', 1.50, false, '2025-01-05', '2025-01-06 11:30:00', NULL), "
        "(2, 'Bell', NULL, true, NULL, '2025-01-07 00:00:00', ''), "
        "(3, 'it''s 5%%', -2, false, '2024-02-29', '2025-01-08 00:00:00', '2001-02-03'), "
        "(4, '', 0, NULL, NULL, '2025-01-08 00:00:00', '9999-12-31')",
    )
    yield readable_url
    run_sql(readable_url, "DROP TABLE typed")


@pytest.mark.parametrize("several", [False, True])
def test_rows_are_those_of_a_statement_of_sqlalchemy(typed: str, several: bool) -> None:
    mapping = replace(TYPED, several_rows=several)

    def fetched(read_only: bool, *asked: list[str]) -> list[CompanyRows]:
        with CompanyStore(typed, mapping, read_only=read_only, limits=LIMITS) as store:
            return [store.fetch(ids) for ids in asked]

    asked: tuple[list[str], ...] = (
        ["3"],
        ["1", "4", "2", "9"],
        [],
        ["2", "2"],
        ["4", "3", "2", "1"],
    )
    kept = fetched(True, *asked)

    assert kept == fetched(False, *asked)
    assert [list(rows.records.ids) for rows in kept] == [
        ["3"],
        ["1", "4", "2"],
        [],
        ["2"],
        ["4", "3", "2", "1"],
    ]
    assert kept[0].closed_at == ["2001-02-03"]
    assert kept[1].closed_at == ["", "", "true"]


def test_all_connections_are_replaced_after_one_is_lost(postgres_server: str) -> None:
    run_sql(postgres_server, "CREATE TABLE firms AS SELECT '1' AS company_id, 'Apex' AS name")
    mapping, together = ColumnMapping(table="firms"), Barrier(2)
    with (
        CompanyStore(postgres_server, mapping, read_only=True, limits=LIMITS) as store,
        ThreadPoolExecutor(2) as threads,
    ):

        def server(_: int) -> Any:
            def read() -> Any:
                with store._autocommit.connect() as connection:
                    together.wait(10)
                    return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

            return store._read(read)

        store.fetch([])
        before = set(threads.map(server, range(2)))
        run_sql(postgres_server, *(f"SELECT pg_terminate_backend({one})" for one in before))
        # nothing is waited for: the one other attempt must not meet the other stale connection
        found = store.fetch(["1"])
        after = set(threads.map(server, range(2)))
    run_sql(postgres_server, "DROP TABLE firms")

    assert found.records.column("name") == ["Apex"]
    assert len(before) == len(after) == 2
    assert before.isdisjoint(after)


def test_a_statement_that_takes_too_long_fails_and_the_next_is_answered(
    postgres_server: str,
) -> None:
    run_sql(
        postgres_server,
        "CREATE TABLE waits (seconds float)",
        "INSERT INTO waits VALUES (5)",
        "CREATE VIEW firms AS SELECT '1' AS company_id, 'Apex' || pg_sleep(seconds) AS name "
        "FROM waits",
    )
    mapping, limits = ColumnMapping(table="firms"), Limits(connections=1, timeout_s=0.2)
    with CompanyStore(postgres_server, mapping, read_only=True, limits=limits) as store:
        with pytest.raises(DatabaseError, match=r"statement timeout.*raise table\.timeout_s"):
            store.fetch(["1"])
        run_sql(postgres_server, "UPDATE waits SET seconds = 0")
        found = store.fetch(["1"])
    run_sql(postgres_server, "DROP VIEW firms", "DROP TABLE waits")

    assert found.records.column("name") == ["Apex"]


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with (
        CompanyStore("postgresql://u:secret@127.0.0.1:1/x", read_only=True) as store,
        pytest.raises(DatabaseError, match="cannot read") as raised,
    ):
        store.fetch(["1"])

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "%(ids)s", "'", "\\", "{1,2}", '"'])
def test_an_id_of_any_text_is_found_nowhere_else(postgres_server: str, name: str) -> None:
    run_sql(postgres_server, "CREATE TABLE firms AS SELECT '1' AS company_id, 'Apex' AS name")

    def outcome(read_only: bool) -> object:
        with CompanyStore(
            postgres_server, ColumnMapping(table="firms"), read_only=read_only
        ) as store:
            try:
                return list(store.fetch([name]).records.ids)
            except (DatabaseError, UnicodeError) as error:
                return type(error), list(store.fetch(["1"]).records.ids)

    kept, other = outcome(True), outcome(False)
    run_sql(postgres_server, "DROP TABLE firms")

    assert kept == other
    assert kept in ([], (DatabaseError, ["1"]), (UnicodeEncodeError, ["1"]))


def test_a_row_that_cannot_be_read_leaves_the_file_unlocked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/firms.db"
    run_sql(
        url,
        "CREATE TABLE firms (company_id TEXT PRIMARY KEY, name TEXT)",
        "INSERT INTO firms VALUES ('1', CAST(X'93FA967B' AS TEXT)), ('2', 'Bell')",
    )
    with CompanyStore(url, ColumnMapping(table="firms"), read_only=True) as store:
        store.fetch([])
        with pytest.raises(DatabaseError, match="cannot read") as raised:
            store.fetch(["1", "2"])
        # while the error, and with it the frames of the failed call, is still there
        run_sql(url, "ALTER TABLE firms RENAME TO others", "ALTER TABLE others RENAME TO firms")
        found = store.fetch(["2"])

    assert raised.value is not None
    assert found.records.column("name") == ["Bell"]
