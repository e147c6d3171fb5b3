"""Commands and servers do not wait for ever for a database that has stopped answering."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.mariadb_server import MariadbServer
from tests.postgres_server import PostgresServer
from tests.stored_table import run_sql
from tests.unresponsive import SwallowingProxy, frozen

FIRMS = ColumnMapping(table="firms")
LIMITS = Limits(connections=1, timeout_s=0.4)
TABLE = "CREATE TABLE firms AS SELECT 'c1' AS company_id, 'Apex' AS name"


@pytest.fixture(scope="module", params=[PostgresServer, MariadbServer])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer | MariadbServer]:
    """A private server with a table of one company, which a test may freeze."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one = request.param(Path(folder))
        try:
            one.start()
            run_sql(one.url, TABLE)
            yield one
        finally:
            one.stop()


def test_a_statement_is_given_up_while_the_server_is_frozen_and_read_again_later(
    server: PostgresServer | MariadbServer,
) -> None:
    with CompanyStore(server.url, FIRMS, read_only=True, limits=LIMITS) as store:
        assert store.fetch(["c1"]).records.column("name") == ["Apex"]
        with frozen(server.pid):
            begin = time.monotonic()
            with pytest.raises(DatabaseError, match="lost"):
                store.fetch(["c1"])
            waited = time.monotonic() - begin

        assert store.fetch(["c1"]).records.column("name") == ["Apex"]
    assert 0.4 < waited < 2.0


def test_a_statement_is_given_up_where_its_connection_is_half_open(
    server: PostgresServer | MariadbServer,
) -> None:
    proxy = SwallowingProxy(server.port)
    url = server.url.replace(f":{server.port}/", f":{proxy.port}/")
    with CompanyStore(url, FIRMS, read_only=True, limits=LIMITS) as store:
        assert store.fetch(["c1"]).records.ids == ["c1"]
        proxy.swallows = True
        begin = time.monotonic()
        with pytest.raises(DatabaseError, match="lost"):
            store.fetch(["c1"])
        waited = time.monotonic() - begin
    proxy.close()

    assert 0.4 < waited < 2.0
