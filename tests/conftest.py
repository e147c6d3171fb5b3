"""Databases for tests.

Every test that asks for `database_url` runs on SQLite and PostgreSQL, which are written to; every
test that asks for `readable_url` runs on MariaDB, too.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from tests.mariadb_server import MariadbServer
from tests.pgbouncer_server import PgbouncerServer
from tests.postgres_server import PostgresServer

GIVEN_SERVER = "LINKAGE_RL_TEST_POSTGRES"
_schemas = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    with _own_database(request, tmp_path) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def readable_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of this test's own, whose tables another program makes."""
    with _own_database(request, tmp_path) as url:
        yield url


@contextmanager
def _own_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/companies.db"
        return
    schema = f"test_{os.getpid()}_{next(_schemas)}"
    if request.param == "mariadb":
        server = make_url(request.getfixturevalue("mariadb_server"))
        engine = create_engine(server)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {schema}")
            yield server.set(database=schema).render_as_string(hide_password=False)
            connection.exec_driver_sql(f"DROP DATABASE {schema}")
        engine.dispose()
        return
    server = make_url(request.getfixturevalue("postgres_server"))
    own = server.update_query_dict({"options": f"-csearch_path={schema}"})
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
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


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """URL of a private MariaDB server, as a user who may do everything."""
    with tempfile.TemporaryDirectory(prefix="linkage-rl-db-", ignore_cleanup_errors=True) as folder:
        server = MariadbServer(Path(folder))
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: str) -> Iterator[str]:
    """URL of a private PgBouncer in transaction mode before `postgres_server`."""
    with tempfile.TemporaryDirectory(prefix="linkage-rl-pb-", ignore_cleanup_errors=True) as folder:
        server = PgbouncerServer(Path(folder), postgres_server)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()
