"""The company table in a real PostgreSQL: its changes show, and its failures are survived."""

import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from linkage_rl.tables.sample import SampleConfig, generate_companies
from linkage_rl.tables.store import CompanyStore
from tests.image.callers import send, sentence
from tests.image.containers import Container, run_container
from tests.image.live_table import (
    COMPANY,
    change,
    crowd,
    execute,
    info,
    link,
    linked_to,
    row,
    selects,
    wait_until,
)
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.image

PASSWORD = "planted-password"
CONNECTIONS = 2
"""Connections of each of the two workers; the refresher has one more."""
TIMEOUT_S = 1.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server with the sample's table, and a user who may only read it."""
    logging = ["log_statement=all", "log_line_prefix=%u|", "log_min_duration_statement=-1"]
    with tempfile.TemporaryDirectory(prefix="linkage-rl-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder), logging)
        server.start()
        with CompanyStore(server.url) as store:
            store.create()
            store.load(generate_companies(SampleConfig()))
        execute(
            server,
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
            "GRANT SELECT ON companies TO reader",
        )
        yield server
        server.stop()


@pytest.fixture(scope="module")
def environment(postgres: PostgresServer) -> dict[str, Any]:
    return {
        "DATABASE_URL": f"postgresql://reader:{PASSWORD}@127.0.0.1:{postgres.port}/postgres",
        "LINKAGE_REFRESH_S": "1",
        "LINKAGE_DATABASE_CONNECTIONS": str(CONNECTIONS),
        "LINKAGE_DATABASE_TIMEOUT_S": str(TIMEOUT_S),
    }


@pytest.fixture(scope="module")
def server(image: str, sample_bundle: Path, environment: dict[str, Any]) -> Iterator[Container]:
    with run_container(image, sample_bundle, **environment) as running:
        wait_until(lambda: info(running)["index_age_s"] is not None)
        yield running


@pytest.fixture(autouse=True)
def recovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the server must soon answer from the database again."""
    yield
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        wait_until(lambda: not any(link(running).json["stale"] for _ in range(10)))


@pytest.fixture
def company(postgres: PostgresServer, server: Container) -> str:
    change(postgres, row("t1", COMPANY))
    wait_until(lambda: linked_to(server, COMPANY) == ("t1", COMPANY))
    return "t1"


def test_a_new_name_is_returned_at_once_and_found_after_a_refresh(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    renamed = "株式会社満月天文台製作所"
    try:
        change(postgres, row(company, renamed))

        assert linked_to(server, COMPANY) == (company, renamed)
        wait_until(lambda: linked_to(server, renamed) == (company, renamed))
    finally:
        change(postgres, row(company, COMPANY))


def test_a_closed_company_is_no_longer_linked(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    try:
        change(postgres, row(company, COMPANY, closed_at="2026-01-01"))

        assert linked_to(server, COMPANY) == (None, None)
    finally:
        change(postgres, row(company, COMPANY))


def test_an_inserted_company_is_found_after_a_refresh(
    postgres: PostgresServer, server: Container
) -> None:
    name = "合同会社薄明光線研究所"
    before = linked_to(server, name)
    change(postgres, row("t2", name))

    wait_until(lambda: linked_to(server, name) == ("t2", name))
    assert before == (None, None)


def test_a_list_needs_one_query_for_every_two_thousand_companies(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    with CompanyStore(postgres.url) as store:
        known = next(store.chunks()).records.column("name")
    before = selects(postgres)

    answer = send(server.url, body={"clients": [{"name": name} for name in known]})

    linked = {one["company_id"] for one in answer.json["results"] if one["decision"] == "link"}
    assert len(linked) > 1_000
    assert selects(postgres) - before == math.ceil(len(linked) / 2_000)


def test_connections_stay_limited_under_load(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    limit = 2 * CONNECTIONS + 1
    execute(postgres, f"ALTER ROLE reader CONNECTION LIMIT {limit}")
    try:
        load = crowd(server, [COMPANY], connections=16, seconds=3)
    finally:
        execute(postgres, "ALTER ROLE reader CONNECTION LIMIT -1")

    assert not load.failures
    assert "too many connections for role" not in postgres.log.read_text()


def test_the_database_refuses_a_transaction_that_writes(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    """Reading the table leaves a trace here, as far as the reader's transactions may write."""
    execute(
        postgres,
        "CREATE TABLE traces (at timestamptz)",
        "CREATE FUNCTION trace() RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER "
        "AS 'INSERT INTO traces VALUES (now()); SELECT true'",
        "ALTER TABLE companies RENAME TO companies_itself",
        "CREATE VIEW companies AS SELECT * FROM companies_itself WHERE trace()",
        "GRANT SELECT ON companies TO reader",
    )
    try:
        answer = link(server)
        with psycopg.connect(postgres.url) as connection:
            traces = connection.execute("SELECT count(*) FROM traces").fetchone()
    finally:
        execute(
            postgres,
            "DROP VIEW companies",
            "ALTER TABLE companies_itself RENAME TO companies",
            "DROP FUNCTION trace",
            "DROP TABLE traces",
        )

    assert answer.json["stale"] is True
    assert traces == (0,)
    assert "cannot execute INSERT in a read-only transaction" in postgres.log.read_text()


@contextmanager
def locked(postgres: PostgresServer) -> Iterator[None]:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("LOCK TABLE companies IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def test_a_locked_table_delays_answers_by_at_most_the_timeout(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    with locked(postgres):
        begin = time.monotonic()
        first = link(server)
        took_s = time.monotonic() - begin
        load = crowd(server, [COMPANY], connections=8, seconds=3)

    assert (first.status, first.json["stale"]) == (200, True)
    assert took_s < TIMEOUT_S + 1.5
    assert not load.failures
    # one query per second tries the database, and the others do not wait for it
    assert load.quantile_ms(0.5) < 500
    assert "canceling statement due to statement timeout" in postgres.log.read_text()


def test_answers_are_stale_while_the_database_is_down_and_fresh_afterwards(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    postgres.stop()
    try:
        stale = [link(server) for _ in range(10)]
        load = crowd(server, [COMPANY], connections=8, seconds=2)
        down = info(server)
    finally:
        postgres.start()
    renamed = "株式会社有明天文台製作所"
    change(postgres, row(company, renamed))

    assert [answer.status for answer in stale] == [200] * 10
    assert all(answer.json["stale"] for answer in stale)
    assert stale[0].json["results"][0]["company_id"] == company
    assert not load.failures
    assert down["database_down"] or info(server)["companies_from"] == "database"
    wait_until(lambda: linked_to(server, COMPANY)[1] == renamed)
    change(postgres, row(company, COMPANY))
    wait_until(lambda: linked_to(server, COMPANY) == (company, COMPANY))


def test_a_changed_password_makes_answers_stale_until_it_works_again(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'"
    execute(postgres, "ALTER ROLE reader PASSWORD 'another'", end_sessions)
    try:
        wait_until(lambda: link(server).json["stale"] is True)
        log = server.logs()
    finally:
        execute(postgres, f"ALTER ROLE reader PASSWORD '{PASSWORD}'")

    assert "check the user and the password" in log
    assert PASSWORD not in log


def test_a_renamed_column_makes_answers_stale(
    postgres: PostgresServer, server: Container, company: str
) -> None:
    execute(postgres, "ALTER TABLE companies RENAME COLUMN name TO naem")
    try:
        answers = [link(server) for _ in range(10)]
    finally:
        execute(postgres, "ALTER TABLE companies RENAME COLUMN naem TO name")

    assert all(answer.json["stale"] for answer in answers)
    assert {answer.json["results"][0]["company_id"] for answer in answers} == {company}


def test_with_a_limited_rate_of_queries_all_requests_are_answered(
    image: str,
    sample_bundle: Path,
    environment: dict[str, Any],
    postgres: PostgresServer,
) -> None:
    rate, seconds, workers = 10, 2.0, 2
    limited = {**environment, "LINKAGE_DATABASE_QPS": str(rate), "LINKAGE_REFRESH_S": "300"}
    with run_container(image, sample_bundle, **limited) as server:
        wait_until(lambda: info(server)["index_age_s"] is not None)
        before = selects(postgres)
        load = crowd(server, [COMPANY], connections=16, seconds=seconds)
        queries = selects(postgres) - before

    assert not load.failures
    # a full token bucket, and the tokens that are added during the load
    assert 0 < queries <= workers * rate * (1 + load.seconds)
    assert len(load.latencies_s) > queries


def test_a_server_without_stale_answers_fails_while_the_database_is_down(
    image: str,
    sample_bundle: Path,
    environment: dict[str, Any],
    postgres: PostgresServer,
    company: str,
) -> None:
    strict = {**environment, "LINKAGE_ON_DATABASE_DOWN": "fail"}
    with run_container(image, sample_bundle, **strict) as server:
        wait_until(lambda: is_linked(server, company))
        postgres.stop()
        try:
            refused = link(server)
            alive = send(server.url, "/ping", method="GET")
        finally:
            postgres.start()
        wait_until(lambda: is_linked(server, company))

    assert refused.status == 503
    assert refused.headers["retry-after"].isdecimal()
    assert "the company database does not answer" in sentence(refused)
    assert alive.status == 200


def is_linked(server: Container, company: str) -> bool:
    answer = link(server)
    return answer.status == 200 and answer.json["results"][0]["company_id"] == company


def test_a_server_starts_without_its_database_and_finds_it_later(
    image: str,
    sample_bundle: Path,
    environment: dict[str, Any],
    postgres: PostgresServer,
) -> None:
    postgres.stop()
    try:
        with run_container(image, sample_bundle, **environment) as server:
            early = link(server)
            postgres.start()
            wait_until(lambda: link(server).json["stale"] is False)
            wait_until(lambda: info(server)["index_age_s"] is not None)
    finally:
        postgres.start()

    assert early.status == 200
