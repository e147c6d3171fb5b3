"""The company table in SQLite and PostgreSQL: one suite for both."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from linkage_rl.errors import DatabaseError, SchemaError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

Opening = Callable[..., CompanyStore]


def rows(
    *companies: tuple[str, str], updated_at: str = "", closed_at: str = "", **fields: Sequence[str]
) -> CompanyRows:
    ids, names = zip(*companies, strict=True)
    records = RecordBatch(ids, {"name": names, **fields})
    return CompanyRows(records, [updated_at] * len(ids), [closed_at] * len(ids))


def names_of(chunks: Iterator[CompanyRows]) -> dict[str, str]:
    return {
        company_id: name
        for chunk in chunks
        for company_id, name in zip(chunk.records.ids, chunk.records.column("name"), strict=True)
    }


@pytest.fixture
def reading(database_url: str) -> Iterator[Opening]:
    """Opens a second, read-only store on the same database."""
    with ExitStack() as stores:
        yield lambda mapping=CANONICAL: stores.enter_context(
            CompanyStore(database_url, mapping, read_only=True)
        )


@pytest.fixture
def store(database_url: str) -> Iterator[CompanyStore]:
    with CompanyStore(database_url) as opened:
        opened.create()
        yield opened


def test_loaded_companies_come_back_in_chunks_ordered_by_id(
    store: CompanyStore, database_url: str
) -> None:
    loaded = store.load([rows(("3", "三"), ("1", "一")), rows(("2", "二"))])

    with CompanyStore(database_url, paging=Paging(rows=2)) as reader:
        chunks = list(reader.chunks())
    assert loaded == store.count() == 3
    assert [list(chunk.records.ids) for chunk in chunks] == [["1", "2"], ["3"]]
    assert names_of(iter(chunks)) == {"1": "一", "2": "二", "3": "三"}


def test_every_field_survives_whatever_characters_it_holds(store: CompanyStore) -> None:
    odd = 'tab\tnewline\nbackslash\\N quote" 株式会社髙﨑 𠮷 %s :name'

    store.load([rows(("1", odd), street=[odd], phone=["03-0000-0000"], closed_at="2025-01-02")])

    found = store.fetch(["1"])
    assert found.records.column("name") == [odd]
    assert found.records.column("street") == [odd]
    assert found.records.column("phone") == ["03-0000-0000"]
    assert found.records.column("url") == [""]
    assert found.closed_at == ["2025-01-02"]


def test_fetch_keeps_the_given_order_and_leaves_out_deleted_ids(store: CompanyStore) -> None:
    store.load([rows(("1", "一"), ("2", "二"), ("3", "三"))])

    found = store.fetch(["3", "9", "1", "3"])

    assert found.records.ids == ["3", "1"]
    assert found.records.column("name") == ["三", "一"]
    assert store.fetch([]).records.ids == []


def test_fetch_takes_more_ids_than_a_statement_may_have_parameters(store: CompanyStore) -> None:
    ids = [f"{number:06}" for number in range(70_000)]
    store.load([rows(*((company_id, "社") for company_id in ids[::100]))])

    found = store.fetch(ids)

    assert found.records.ids == ids[::100]


def test_loading_again_replaces_rows_and_only_changed_ones_get_a_new_time(
    store: CompanyStore,
) -> None:
    store.load([rows(("1", "一"), ("2", "旧"), updated_at="2025-01-01")])

    store.load([rows(("1", "一"), ("2", "新"), updated_at="2025-01-01")])

    found = store.fetch(["1", "2"])
    assert found.records.column("name") == ["一", "新"]
    assert found.updated_at[0] == "2025-01-01"
    assert found.updated_at[1] > "2025-01-01"


def test_of_rows_with_one_id_in_a_chunk_the_last_wins(store: CompanyStore) -> None:
    store.apply(rows(("1", "first"), ("1", "last")))

    assert names_of(store.chunks()) == {"1": "last"}


def test_a_load_that_fails_midway_leaves_the_table_as_it_was(store: CompanyStore) -> None:
    def breaking() -> Iterator[CompanyRows]:
        yield rows(("2", "二"))
        raise SchemaError("line 3 is ragged")

    store.load([rows(("1", "一"))])
    with pytest.raises(SchemaError):
        store.load(breaking())

    assert names_of(store.chunks()) == {"1": "一"}


def former_names(store: CompanyStore, company_id: str) -> str:
    return store.fetch([company_id]).records.column("former_names")[0]


def test_a_renamed_company_keeps_its_old_names(store: CompanyStore) -> None:
    store.load([rows(("1", "株式会社一"), ("2", "二"))])

    store.apply(rows(("1", "壱商事"), ("2", "二")))
    store.apply(rows(("1", "壱物産")))
    store.apply(rows(("1", "壱物産"), phone=["03-0000-0000"]))

    assert former_names(store, "1") == "株式会社一|壱商事"
    assert former_names(store, "2") == ""


def test_a_company_that_takes_an_old_name_again_loses_it_as_a_former_name(
    store: CompanyStore,
) -> None:
    for name in ("一", "壱", "一", "弐"):
        store.apply(rows(("1", name)))

    assert former_names(store, "1") == "壱|一"


def test_former_names_of_a_file_join_those_in_the_table(store: CompanyStore) -> None:
    store.apply(rows(("1", "今"), former_names=["甲|今|甲||乙"]))
    stated = former_names(store, "1")

    store.apply(rows(("1", "新"), former_names=["丙|乙"]))

    assert stated == "甲|乙"
    assert former_names(store, "1") == "甲|乙|丙|今"


def test_former_names_that_are_known_change_no_time(store: CompanyStore) -> None:
    store.apply(rows(("1", "今"), updated_at="2025-01-01", former_names=["甲|乙"]))

    store.apply(rows(("1", "今"), former_names=["甲|乙"]))
    store.apply(rows(("1", "今"), former_names=["乙|今"]))
    store.apply(rows(("1", "今")))

    assert store.watermark() == "2025-01-01"


@pytest.mark.parametrize("name", ['"quoted"', "back\\slash|bar", "tab\tand\nnewline", "%s :x ?"])
def test_an_old_name_is_kept_whatever_characters_it_holds(store: CompanyStore, name: str) -> None:
    store.apply(rows(("1", name)))

    store.apply(rows(("1", "新")))

    assert former_names(store, "1") == name.replace("|", "｜")


def test_a_table_of_an_older_version_is_read_and_gets_its_column_when_loaded(
    store: CompanyStore, database_url: str
) -> None:
    store.load([rows(("1", "旧"), ("2", "二"), updated_at="2025-01-01")])
    run_sql(database_url, "ALTER TABLE companies DROP COLUMN former_names")

    with CompanyStore(database_url) as older:
        before = older.fetch(["1"]).records.column("former_names")
        older.apply(rows(("1", "新")))
        after = older.fetch(["1", "2"])

    assert list(before) == [""]
    assert after.records.column("former_names") == ["旧", ""]
    assert after.updated_at[1] == "2025-01-01"


def test_changed_and_written_rows_have_a_later_time(store: CompanyStore) -> None:
    store.load([rows(("1", "一"), ("2", "二"), ("3", "三"), updated_at="2025-01-02")])
    store.apply(rows(("0", "昔"), updated_at="2025-02-01"))

    store.apply(rows(("2", "弐")))
    store.apply(rows(("3", "三"), closed_at="2025-03-01"))
    store.apply(rows(("4", "四"), updated_at="2024-01-01"))

    found = store.fetch(["0", "1", "2", "3", "4"])
    assert [when > "2025-02-01" for when in found.updated_at] == [False, False, True, True, True]
    assert found.closed_at == ["", "", "", "2025-03-01", ""]


def test_a_row_written_by_hand_gets_its_time_from_the_database(
    store: CompanyStore, database_url: str
) -> None:
    store.load([rows(("1", "一"), ("2", "二"), ("3", "三"), updated_at="2025-01-01")])
    store.apply(rows(("0", "印"), updated_at="2025-01-02"))

    run_sql(
        database_url,
        "UPDATE companies SET name = '壱' WHERE company_id = '1'",
        "INSERT INTO companies (company_id, name) VALUES ('4', '四')",
        "DELETE FROM companies WHERE company_id = '3'",
    )

    found = store.fetch(["0", "1", "2", "3", "4"])
    assert found.records.ids == ["0", "1", "2", "4"]
    assert [when > "2025-01-02" for when in found.updated_at] == [False, True, False, True]


def test_a_table_with_other_columns_is_read_through_a_mapping(
    store: CompanyStore, database_url: str, reading: Opening
) -> None:
    run_sql(
        database_url,
        "CREATE TABLE kaisha (no INTEGER, mei TEXT, jusho TEXT, kanri TEXT, hi DATE)",
        "INSERT INTO kaisha VALUES (7, '株式会社七', '東京都港区', 'x', '2025-01-05')",
        "INSERT INTO kaisha VALUES (11, '株式会社十一', NULL, 'y', '2025-01-06')",
    )
    mapping = ColumnMapping(
        table="kaisha", company_id="no", name="mei", address="jusho", updated_at="hi"
    )
    own = reading(mapping)

    chunk = next(own.chunks())

    assert chunk.records.ids == ["7", "11"]
    assert {field: list(texts) for field, texts in chunk.records.columns.items()} == {
        "name": ["株式会社七", "株式会社十一"],
        "street": ["東京都港区", ""],
    }
    assert own.fetch(["11", "7"]).records.ids == ["11", "7"]
    assert own.watermark() == "2025-01-06"


def test_a_mapped_table_is_never_written(store: CompanyStore, database_url: str) -> None:
    with (
        CompanyStore(database_url, ColumnMapping(name="mei")) as own,
        pytest.raises(DatabaseError, match="has a column mapping and is only read"),
    ):
        own.apply(rows(("1", "一")))


def test_a_table_with_a_column_missing_names_the_one_that_is_meant(
    store: CompanyStore, database_url: str, reading: Opening
) -> None:
    run_sql(database_url, "CREATE TABLE firms (company_id TEXT, naem TEXT)")

    with pytest.raises(SchemaError) as error:
        reading(ColumnMapping(table="firms")).count()
    assert str(error.value) == (
        "company table 'firms' needs column 'name', got ['company_id', 'naem']; "
        "did you mean to rename 'naem'?"
    )


def test_a_missing_table_names_those_that_are_there(store: CompanyStore, reading: Opening) -> None:
    with pytest.raises(DatabaseError, match="did you mean 'companies'"):
        reading(ColumnMapping(table="company")).count()


def test_an_empty_table_is_refused_where_companies_are_needed(store: CompanyStore) -> None:
    assert store.count() == 0
    assert store.watermark() == ""
    assert list(store.chunks()) == []
    with pytest.raises(DatabaseError, match=r"expected companies in table 'companies'.*got none"):
        store.check()


def test_a_read_only_store_cannot_write(store: CompanyStore, reading: Opening) -> None:
    reader = reading()

    assert reader.count() == 0
    with pytest.raises(DatabaseError, match="opened read-only"):
        reader.apply(rows(("1", "一")))


def test_the_wrong_password_is_refused_and_not_shown(postgres_server: str) -> None:
    wrong = make_url(postgres_server).set(password="hunter2-secret")
    store = CompanyStore(wrong)

    with pytest.raises(DatabaseError, match="check the user and the password") as error:
        store.count()
    assert "hunter2" not in str(error.value) + repr(error.value) + repr(store)
    assert error.value.__cause__ is None


def test_an_unreachable_server_is_named(postgres_server: str) -> None:
    nowhere = make_url(postgres_server).set(port=1)

    with pytest.raises(DatabaseError, match=r"port 1 failed.*check that the database exists"):
        CompanyStore(nowhere).count()


def test_a_sqlite_file_that_does_not_exist_is_not_created_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "typo.db"

    with pytest.raises(DatabaseError, match="unable to open"):
        CompanyStore(f"sqlite:///{path}").count()
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("company_id,name\n" * 100)

    with pytest.raises(DatabaseError, match="is no SQLite database; load it"):
        CompanyStore(f"sqlite:///{path}").count()


def test_an_unknown_kind_of_database_is_refused() -> None:
    with pytest.raises(DatabaseError, match="use sqlite"):
        CompanyStore("oracel://host/name")
