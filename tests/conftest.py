"""Databases for tests: every test that asks for `database_url` runs on SQLite and PostgreSQL."""

import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.postgres_server import PostgresServer

GIVEN_SERVER = "LINKAGE_RL_TEST_POSTGRES"
_schemas = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/companies.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    schema = f"test_{os.getpid()}_{next(_schemas)}"
    own = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield own.render_as_string(hide_password=False)
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one given by LINKAGE_RL_TEST_POSTGRES, or a private one."""
    if given := os.environ.get(GIVEN_SERVER):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="linkage-rl-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
            yield server.url
        finally:
            server.stop()
