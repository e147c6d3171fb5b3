"""Reading goes on when the database has been away."""

import logging
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.retry import Retry
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.pgbouncer_server import PgbouncerServer
from tests.postgres_server import PostgresServer
from tests.stored_table import run_sql

FIRMS = ColumnMapping(table="firms")
URL = make_url("mysql+pymysql://reader@host/crm")


class Failing:
    """A task that fails with these errors, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "rows"


class Clock:
    """A clock that stands still but for the waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def mysql_error(number: int, lost: bool = False) -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception(number, "text"), connection_invalidated=lost)


def unreachable() -> OperationalError:
    return OperationalError(None, {}, Exception("connection refused"))


def retry(clock: Clock, limit_s: float) -> Retry:
    return Retry(URL, limit_s, lambda: clock.now, clock.sleep)


def test_waits_double_to_eight_seconds_and_each_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()

    with caplog.at_level(logging.WARNING):
        found = retry(clock, 60)(Failing(*[mysql_error(1213)] * 7))

    assert found == "rows"
    assert clock.waits == [0.5, 1, 2, 4, 8, 8, 8]
    assert caplog.messages[0] == (
        "mysql+pymysql://reader@host/crm does not answer ((1213, 'text')); trying again in 0.5 s"
    )
    assert len(caplog.messages) == 7


def test_after_the_limit_the_last_failure_is_raised() -> None:
    clock = Clock()

    with pytest.raises(OperationalError):
        retry(clock, 10)(Failing(*[mysql_error(1213)] * 20))

    assert clock.waits == [0.5, 1, 2, 4]


def test_without_a_limit_only_a_lost_connection_is_replaced_and_nothing_waits() -> None:
    clock = Clock()

    assert retry(clock, 0)(Failing(mysql_error(2013, lost=True))) == "rows"
    with pytest.raises(OperationalError):
        retry(clock, 0)(Failing(mysql_error(1213)))
    assert clock.waits == []


def test_a_wrong_statement_and_a_server_that_never_answered_are_not_waited_for() -> None:
    clock = Clock()

    for error in (mysql_error(1064), unreachable()):
        with pytest.raises(OperationalError):
            retry(clock, 60)(Failing(error))
    assert clock.waits == []


def test_a_server_that_has_answered_is_waited_for() -> None:
    clock = Clock()
    keeping = retry(clock, 60)

    keeping(Failing())
    keeping(Failing(mysql_error(2013, lost=True), unreachable(), unreachable()))

    assert clock.waits == [0.5, 1]


def test_a_connection_that_the_server_has_closed_is_replaced_unnoticed(
    postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(connections=2)
    with CompanyStore(postgres_server, FIRMS, read_only=True, limits=limits) as store:
        (server,) = store._read(text("SELECT pg_backend_pid()"))[0]
        run_sql(postgres_server, f"SELECT pg_terminate_backend({server})")

        assert store._read(text("SELECT 1")) == [(1,)]
    assert caplog.messages == []


def test_a_serialisation_failure_is_tried_again_until_it_is_over(
    postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A hot standby cancels statements in the same way: 'conflict with recovery'."""
    run_sql(
        postgres_server,
        "CREATE TABLE conflicts (sqlstate text)",
        "INSERT INTO conflicts VALUES ('40001')",
        "CREATE FUNCTION in_conflict() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM conflicts) THEN RAISE 'conflict with recovery' "
        "USING ERRCODE = '40001'; END IF; RETURN 1; END $$",
    )
    over = threading.Timer(0.2, run_sql, (postgres_server, "DELETE FROM conflicts"))
    with CompanyStore(postgres_server, FIRMS, read_only=True) as store:
        over.start()
        found = store._read(text("SELECT in_conflict()"))
        over.join()
    run_sql(postgres_server, "DROP FUNCTION in_conflict", "DROP TABLE conflicts")

    assert found == [(1,)]
    assert ["conflict with recovery" in line for line in caplog.messages] == [True]


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Two folders that servers of another user can reach."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as first,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as second,
    ):
        yield Path(first), Path(second)


def test_reading_goes_on_when_the_database_behind_a_pooler_is_started_again(
    folders: tuple[Path, Path],
) -> None:
    server = PostgresServer(folders[0])
    pooler = PgbouncerServer(folders[1], server.url)
    try:
        server.start()
        run_sql(server.url, "CREATE TABLE firms AS SELECT '1' AS company_id, 'Apex' AS name")
        pooler.start()
        with (
            CompanyStore(server.url, FIRMS, read_only=True) as direct,
            CompanyStore(pooler.url, FIRMS, read_only=True) as pooled,
        ):
            before = direct.count() + pooled.count()
            server.stop()
            again = threading.Timer(0.3, server.start)
            again.start()
            after = direct.count() + pooled.count()
            again.join()
    finally:
        pooler.stop()
        server.stop()

    assert before == after == 2


def test_a_user_without_an_account_is_refused_at_once(postgres_server: str) -> None:
    wrong = make_url(postgres_server).set(username="nobody")

    with CompanyStore(wrong) as store, pytest.raises(DatabaseError, match="user and the password"):
        store.count()
