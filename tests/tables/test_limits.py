"""A store with limits keeps to them, in a real PostgreSQL."""

import psycopg
import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore


def test_a_limited_store_waits_neither_for_a_lock_nor_for_a_connection(
    postgres_server: str,
) -> None:
    limits = Limits(connections=1, timeout_s=0.5)
    with (
        psycopg.connect(postgres_server) as other,
        CompanyStore(postgres_server, ColumnMapping(table="locked")) as store,
        CompanyStore(
            postgres_server, ColumnMapping(table="locked"), read_only=True, limits=limits
        ) as reader,
    ):
        store.create()
        records = RecordBatch(["a", "b"], {"name": ["Apex", "Bell"]})
        store.load([CompanyRows(records, ["", ""], ["", ""])])
        assert reader.count() == 2
        other.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(DatabaseError, match="statement timeout"):
            reader.fetch(["a"])

        other.rollback()
        assert reader.fetch(["a"]).records.ids == ["a"]
        next(reader.chunks())
        # between two pages no connection is held
        assert reader.count() == 2
        other.execute("DROP TABLE locked")
        other.commit()
