"""Snapshots: a file that is complete replaces the table."""

from collections.abc import Iterator

import pytest

from linkage_rl.errors import DatabaseError, InputFileError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore


def rows(*ids: str, name: str = "社") -> CompanyRows:
    nothing = [""] * len(ids)
    return CompanyRows(RecordBatch(ids, {"name": [name] * len(ids)}), nothing, nothing)


@pytest.fixture
def store(database_url: str) -> Iterator[CompanyStore]:
    """A table of the companies 0 to 9."""
    with CompanyStore(database_url) as opened:
        opened.create()
        opened.load([rows(*map(str, range(10)))])
        yield opened


def ids_of(store: CompanyStore) -> str:
    return "".join(one for chunk in store.chunks() for one in chunk.records.ids)


def test_companies_that_a_snapshot_lacks_are_removed(store: CompanyStore) -> None:
    read, removed = store.replace([rows(*"01234"), rows(*"5678"), rows("x", "8")], limit=0.1)

    assert (read, removed) == (11, 1)
    assert ids_of(store) == "012345678x"


def test_a_snapshot_that_lacks_too_many_changes_nothing(store: CompanyStore) -> None:
    with pytest.raises(DatabaseError) as error:
        store.replace([rows(*"01234567x", name="新")], limit=0.1)

    assert "lacks at most 10.0% of the companies of table 'companies', got one that lacks 2 of" in (
        str(error.value)
    )
    assert ids_of(store) == "0123456789"
    assert store.fetch(["0"]).records.column("name") == ["社"]
    assert store.replace([rows(*"01234567")], limit=0.2) == (8, 2)


def test_a_snapshot_that_breaks_off_changes_nothing(store: CompanyStore) -> None:
    def breaking() -> Iterator[CompanyRows]:
        yield rows("0")
        raise InputFileError("line 3 is ragged")

    with pytest.raises(InputFileError):
        store.replace(breaking(), limit=1.0)

    assert ids_of(store) == "0123456789"


def test_an_empty_table_takes_a_snapshot_and_a_table_takes_several(store: CompanyStore) -> None:
    assert store.replace([rows("a")], limit=1.0) == (1, 10)
    assert store.replace([rows("a", "b\\t")], limit=0.0) == (2, 0)
    assert store.replace([rows("b\\t")], limit=0.5) == (1, 1)


def test_the_limit_is_a_share_of_the_companies_before(store: CompanyStore) -> None:
    with pytest.raises(DatabaseError, match="lacks 10 of 10"):
        store.replace([rows(*(f"new{number}" for number in range(1000)))], limit=0.1)

    assert ids_of(store) == "0123456789"
