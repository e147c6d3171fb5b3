"""Reading within limits: behind a pooler in transaction mode, in PostgreSQL and in MariaDB."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

FIRMS = ColumnMapping(table="firms")


@pytest.fixture
def firms(pgbouncer: str, postgres_server: str) -> Iterator[str]:
    """URL of a pooler; 300 companies are in the table `firms` behind it."""
    run_sql(
        postgres_server,
        "CREATE TABLE firms AS SELECT n::text AS company_id, 'Firm ' || n AS name "
        "FROM generate_series(101, 400) AS n",
    )
    yield pgbouncer
    run_sql(postgres_server, "DROP TABLE firms")


def test_many_threads_read_through_two_connections_of_a_pooler(firms: str) -> None:
    def read(first: int) -> list[str]:
        with CompanyStore(firms, FIRMS, read_only=True, paging=Paging(rows=100)) as store:
            for _ in range(10):  # psycopg prepares a statement at its fifth execution
                found = store.fetch([str(first), str(first + 1)])
            streamed = sum(len(chunk.records) for chunk in store.chunks())
            assert store.count() == streamed == 300
            return list(found.records.ids)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(read, range(101, 113)))

    assert found == [[str(first), str(first + 1)] for first in range(101, 113)]


def test_companies_are_loaded_through_a_pooler(pgbouncer: str, postgres_server: str) -> None:
    records = RecordBatch(["1", "2"], {"name": ["Apex", "Bell"]})
    with CompanyStore(pgbouncer, ColumnMapping(table="pooled")) as store:
        store.create()
        for _ in range(3):  # the staging table of one transaction is gone in the next
            store.load([CompanyRows(records, ["", ""], ["", ""])])

        assert store.count() == 2
    run_sql(postgres_server, "DROP TABLE pooled")


def test_limits_hold_for_every_transaction_and_reach_no_other_client(
    firms: str,
) -> None:
    state = text(
        "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
    )
    with CompanyStore(firms, FIRMS, read_only=True) as store:
        inside = store._read(state)
    other = create_engine(parse_url(firms))
    with other.connect() as connection:
        outside = connection.execute(state).all()
    other.dispose()

    assert inside == [("on", "5min")]
    assert outside == [("off", "0")]


def test_a_single_statement_is_read_only_and_limited_in_time(firms: str) -> None:
    with CompanyStore(firms, FIRMS, read_only=True, limits=Limits(timeout_s=0.2)) as store:
        with pytest.raises(DatabaseError, match="statement timeout"):
            store._read(text("SELECT pg_sleep(5)"))
        with pytest.raises(DatabaseError, match="read-only transaction"):
            store._read(text("CREATE TABLE other (a int)"))
        assert store._read(text("SELECT 1")) == [(1,)]


def test_the_start_up_packet_asks_for_nothing_that_a_pooler_refuses() -> None:
    """RDS Proxy and PgBouncer close a connection that asks for `options`."""
    packets: list[bytes] = []

    def record() -> None:
        peer, _address = listener.accept()
        with peer:
            packets.append(peer.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        recorded = threads.submit(record)
        address = f"127.0.0.1:{listener.getsockname()[1]}/name"
        plain = "sslmode=disable&gssencmode=disable"
        with (
            CompanyStore(f"postgresql://u:p@{address}?{plain}", read_only=True) as store,
            pytest.raises(DatabaseError, match="cannot read"),
        ):
            store.count()
        recorded.result()
    # length and version, then names and values
    names = packets[0][8:].split(b"\0")[:-2:2]

    assert names == [b"user", b"database"]
