"""A frozen, half-open or moved database: stale answers in time, and nobody else waits for it."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient

from linkage_rl.tables.store import CompanyStore
from tests.commands.shop import company_rows
from tests.pgbouncer_server import PgbouncerServer
from tests.postgres_server import PostgresServer
from tests.serving.conftest import serving
from tests.stored_table import run_sql
from tests.unresponsive import SwallowingProxy, frozen

TIMEOUT_S = 1.0
ONE = {"clients": [{"name": "株式会社青空商事"}]}
LIST = {"clients": [{"name": "株式会社青空商事", "street": "丸の内1-1"}] * 700}
NOBODY = {"clients": [{"name": "株式会社どこにもない"}]}
CANDIDATES = {"mode": "candidates", "clients": [{"name": "株式会社青空商事"}]}


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that a server of another user can reach."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A private server that has the table of `shop`."""
    with folder() as cluster:
        server = PostgresServer(cluster)
        try:
            server.start()
            fill(server.url)
            yield server
        finally:
            server.stop()


def fill(url: str) -> None:
    with CompanyStore(url) as store:
        store.create()
        store.load([company_rows()])


@contextmanager
def answered_from(
    url: str, bundle: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A server that has been answering from this database."""
    monkeypatch.setenv("DATABASE_URL", url)
    limit = {"LINKAGE_DATABASE_TIMEOUT_S": str(TIMEOUT_S)}
    with serving(bundle, run_folder, DATABASE_URL=url, **limit) as client:
        wait_until(lambda: post(client, ONE)["stale"] is False)
        yield client


def post(client: TestClient, content: dict[str, Any]) -> Any:
    response = client.post("/invocations", json=content)
    assert response.status_code == 200, response.text
    return response.json()


def timed(client: TestClient, content: dict[str, Any]) -> tuple[bool, float]:
    """Whether an answer is stale, and the seconds that it took."""
    begin = time.monotonic()
    answer = post(client, content)
    return answer["stale"], time.monotonic() - begin


def wait_until(done: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_given_up_once(client: TestClient) -> None:
    """Check that the first to ask are answered in time, others at once, whatever they ask for."""
    with ThreadPoolExecutor(4) as callers:
        first = [callers.submit(timed, client, what) for what in (ONE, LIST, CANDIDATES)]
        time.sleep(0.2)
        begin = time.monotonic()
        assert timed(client, NOBODY)[0] is False
        assert client.get("/ping").status_code == 200
        assert client.get("/metrics").status_code == 200
        free = time.monotonic() - begin
        assert [one.result()[0] for one in first] == [True] * 3
        assert max(one.result()[1] for one in first) < TIMEOUT_S + 1.0
    assert free < 0.6
    for what in (ONE, LIST, CANDIDATES):
        stale, waited = timed(client, what)
        assert stale
        assert waited < 0.6
    assert post(client, {"mode": "info"})["info"]["database_down"] is True


def test_a_frozen_postgresql(
    postgres: PostgresServer, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answered_from(postgres.url, bundle, tmp_path, monkeypatch) as client:
        with frozen(postgres.pid):
            is_given_up_once(client)
        wait_until(lambda: not post(client, ONE)["stale"])
        assert not post(client, LIST)["stale"]


def test_a_mariadb_behind_a_connection_that_swallows_everything(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mariadb_server: str
) -> None:
    server = make_url(mariadb_server)
    proxy = SwallowingProxy(server.port)
    run_sql(
        mariadb_server,
        "CREATE TABLE companies (company_id VARCHAR(9) PRIMARY KEY, name VARCHAR(99)) "
        "CHARACTER SET utf8mb4",
        "INSERT INTO companies VALUES ('c1', '株式会社青空商事')",
    )
    url = server.set(port=proxy.port).render_as_string(hide_password=False)
    with answered_from(url, bundle, tmp_path, monkeypatch) as client:
        proxy.swallows = True
        is_given_up_once(client)
        proxy.swallows = False
        wait_until(lambda: not post(client, ONE)["stale"], limit_s=15.0)
    proxy.close()
    run_sql(mariadb_server, "DROP TABLE companies")


def test_a_connection_that_swallows_everything_and_a_database_that_has_moved(
    postgres: PostgresServer, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = SwallowingProxy(postgres.port)
    url = postgres.url.replace(f":{postgres.port}/", f":{proxy.port}/")
    with folder() as cluster, answered_from(url, bundle, tmp_path, monkeypatch) as client:
        other = PostgresServer(cluster)
        try:
            other.start()
            fill(other.url)
            run_sql(other.url, "UPDATE companies SET street = '大手町9-9'")
            proxy.swallows = True
            is_given_up_once(client)
            # the address leads to another server now; old connections stay silent
            proxy.move(other.port)
            wait_until(lambda: not post(client, ONE)["stale"])
            company = post(client, ONE)["results"][0]["company"]
        finally:
            other.stop()
    proxy.close()

    assert company["street"] == "大手町9-9"


def test_a_frozen_database_behind_a_pooler(
    postgres: PostgresServer, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder() as place:
        pooler = PgbouncerServer(place, postgres.url)
        try:
            pooler.start()
            with answered_from(pooler.url, bundle, tmp_path, monkeypatch) as client:
                with frozen(postgres.pid):
                    is_given_up_once(client)
                wait_until(lambda: not post(client, ONE)["stale"])
                with frozen(pooler.pid):
                    is_given_up_once(client)
                wait_until(lambda: not post(client, ONE)["stale"])
        finally:
            pooler.stop()


def test_a_database_that_is_started_again_is_used_again(
    postgres: PostgresServer, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answered_from(postgres.url, bundle, tmp_path, monkeypatch) as client:
        postgres.stop()
        assert post(client, ONE)["stale"]
        postgres.start()
        wait_until(lambda: not post(client, ONE)["stale"])


def test_a_database_that_is_silent_from_the_start_delays_no_start(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = SwallowingProxy(None)
    url = f"postgresql://someone@127.0.0.1:{proxy.port}/companies"
    monkeypatch.setenv("DATABASE_URL", url)
    with serving(bundle, tmp_path, DATABASE_URL=url, LINKAGE_DATABASE_TIMEOUT_S="1") as client:
        stale, waited = timed(client, ONE)
        assert (stale, waited < TIMEOUT_S + 0.6) == (True, True)
        stale, waited = timed(client, LIST)
        assert (stale, waited < 0.6) == (True, True)
    proxy.close()
