"""Tables of MariaDB: read as those of the other databases, read-only, and limited in time."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

KAISHA = ColumnMapping(table="kaisha", company_id="no", name="mei", updated_at="hi")


@pytest.fixture
def kaisha(mariadb_server: str) -> Iterator[str]:
    """URL of a database whose table `kaisha` has three companies."""
    run_sql(
        mariadb_server,
        "CREATE DATABASE crm",
        "CREATE TABLE crm.kaisha (no BIGINT PRIMARY KEY, mei VARCHAR(200), hi DATETIME) "
        "CHARACTER SET utf8mb4",
        "INSERT INTO crm.kaisha VALUES (7, '株式会社七', '2025-01-05 10:00:00'), "
        "(11, '𠮷野家', '2025-01-06 11:30:00'), (100, '百', NULL)",
    )
    yield make_url(mariadb_server).set(database="crm").render_as_string(hide_password=False)
    run_sql(mariadb_server, "DROP DATABASE crm")


def test_a_table_is_read_in_the_order_of_its_keys_and_by_id(kaisha: str) -> None:
    with CompanyStore(kaisha, KAISHA, read_only=True, paging=Paging(rows=2)) as store:
        chunks = list(store.chunks())
        found = store.fetch(["100", "7", "8"])

        assert [list(chunk.records.ids) for chunk in chunks] == [["7", "11"], ["100"]]
        assert list(chunks[0].records.column("name")) == ["株式会社七", "𠮷野家"]
        assert list(chunks[0].updated_at) == ["2025-01-05 10:00:00", "2025-01-06 11:30:00"]
        assert list(found.records.ids) == ["100", "7"]
        assert store.count() == store.open_count() == 3


def test_a_reader_cannot_write_and_its_statements_are_limited_in_time(kaisha: str) -> None:
    with CompanyStore(kaisha, KAISHA, read_only=True, limits=Limits(timeout_s=0.2)) as store:
        with pytest.raises(DatabaseError, match="READ ONLY transaction"):
            store._read(text("DELETE FROM kaisha"))
        with pytest.raises(DatabaseError, match="max_statement_time"):
            store._read(text("SELECT count(*) FROM kaisha a, seq_1_to_1000000000"))
        assert store.count() == 3


def test_a_connection_that_was_killed_is_replaced(kaisha: str) -> None:
    limits = Limits(connections=1)
    with CompanyStore(kaisha, KAISHA, read_only=True, limits=limits) as store:
        (thread,) = store._read(text("SELECT connection_id()"))[0]
        run_sql(kaisha, f"KILL {thread}")

        assert store.count() == 3


def test_a_read_back_is_one_round_trip(kaisha: str) -> None:
    asked = text("SHOW SESSION STATUS LIKE 'Questions'")
    with CompanyStore(kaisha, KAISHA, read_only=True) as store:
        store.fetch(["7"])
        before = store._read(asked)[0][1]
        for _ in range(3):
            store.fetch(["7", "11"])
        after = store._read(asked)[0][1]

    # one of them asked how many
    assert int(after) - int(before) == 3 + 1


def test_writing_is_refused_in_a_sentence(kaisha: str) -> None:
    with (
        CompanyStore(kaisha) as store,
        pytest.raises(DatabaseError, match="companies are written to"),
    ):
        store.create()
