"""Changes of a company table, and the answers of the server on it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from experiments.cost.caller import drive, request
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore
from tests.image.callers import send
from tests.image.containers import Container
from tests.postgres_server import PostgresServer
from tests.serving.http_client import HttpResponse

COMPANY = "株式会社三日月天文台製作所"
"""Unlike any name in the sample; inserted before it is requested."""


def execute(postgres: PostgresServer, *statements: str) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def row(company_id: str, name: str, closed_at: str = "") -> CompanyRows:
    return CompanyRows(RecordBatch([company_id], {"name": [name]}), [""], [closed_at])


def change(postgres: PostgresServer, rows: CompanyRows) -> None:
    with CompanyStore(postgres.url) as store:
        store.apply(rows)


def wait_until(holds: Callable[[], bool], within_s: float = 20) -> None:
    """Wait until it holds six times in a row, since either worker may answer."""
    deadline = time.monotonic() + within_s
    while not all(holds() for _ in range(6)):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.2)


def info(server: Container) -> Any:
    return send(server.url, body={"mode": "info"}).json["info"]


def link(server: Container, name: str = COMPANY) -> HttpResponse:
    return send(server.url, body={"clients": [{"name": name}]})


def linked_to(server: Container, name: str) -> tuple[str | None, str | None]:
    """Id and current name of the company that a name is linked to."""
    (result,) = link(server, name).json["results"]
    return result["company_id"], (result["company"] or {}).get("name")


def selects(postgres: PostgresServer) -> int:
    """Number of queries for companies by id so far; those of the refresher look different."""
    log = postgres.log.read_text(encoding="utf-8", errors="replace")
    return log.count("companies.company_id = ANY")


def crowd(server: Container, clients: Sequence[str], connections: int, seconds: float) -> Any:
    path = f"{server.url}/invocations"
    requests = [
        request(path, f'{{"clients":[{{"name":"{name}"}}]}}'.encode(), 1) for name in clients
    ]
    return drive(server.url, requests, connections, seconds)
