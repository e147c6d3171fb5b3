"""Columns of a user's own table: ids, types and several columns per field, on every database."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from linkage_rl.errors import DatabaseError, SchemaError
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

NOT_TEXTS = [
    *(("sqlite", "JSON", "'{}'"), ("sqlite", "BLOB", "x'00'")),
    *(("postgresql", "jsonb", "'{}'"), ("postgresql", "text[]", "'{a,b}'")),
    *(("postgresql", "bytea", "'x'"), ("postgresql", "point", "'(1,2)'")),
    *(("mysql", "BLOB", "'x'"), ("mysql", "POINT", "POINT(1, 2)")),
]


def own(url: str, **columns: object) -> CompanyStore:
    mapping = ColumnMapping(table="firms", **columns)  # type: ignore[arg-type]
    return CompanyStore(url, mapping, read_only=True)


def kind_of(url: str, sqlite: str, postgresql: str, mysql: str) -> str:
    return {"sqlite": sqlite, "postgresql": postgresql}.get(make_url(url).get_backend_name(), mysql)


class TestIds:
    def test_padding_is_left_out_and_not_needed_to_find_a_company(self, readable_url: str) -> None:
        run_sql(
            readable_url,
            "CREATE TABLE firms (company_id CHAR(20) PRIMARY KEY, name CHAR(30))",
            "INSERT INTO firms VALUES ('c1', '青空'), ('c2', '海商会')",
        )

        with own(readable_url) as store:
            (rows,) = store.chunks()
            assert list(rows.records.ids) == ["c1", "c2"]
            assert list(rows.records.column("name")) == ["青空", "海商会"]
            assert store.fetch(["c2", "c3"]).records.ids == ["c2"]

    def test_rows_without_an_id_are_left_out_and_counted(self, readable_url: str) -> None:
        run_sql(
            readable_url,
            "CREATE TABLE firms (company_id VARCHAR(20), name VARCHAR(30))",
            "INSERT INTO firms VALUES ('c1', '青空'), (NULL, '海商会'), ('', '空商会')",
        )

        with own(readable_url) as store:
            counts = store.check()
            (rows,) = store.chunks()
            assert (counts.rows, counts.open, counts.without_id) == (1, 1, 2)
            assert counts.said_left_out == "2 rows without an id"
            assert list(rows.records.ids) == ["c1"]
            assert len(store.fetch(["", "c1"]).records) == 1

    @pytest.mark.parametrize("key", ["max(no)", "trim(no)", "no"])
    def test_an_expression_of_a_view_is_an_id(self, tmp_path: Path, key: str) -> None:
        url = f"sqlite:///{tmp_path}/firms.db"
        run_sql(
            url,
            "CREATE TABLE base (no INTEGER, name TEXT)",
            "INSERT INTO base VALUES (1, '青空'), (2, '海商会'), ('', '空商会')",
            f"CREATE VIEW firms AS SELECT {key} AS company_id, name FROM base GROUP BY name",
        )

        with own(url) as store:
            (rows,) = store.chunks()
            assert sorted(rows.records.ids) == ["1", "2"]
            assert sorted(store.fetch(["1", "2", ""]).records.ids) == ["1", "2"]

    def test_an_enum_is_an_id(self, readable_url: str) -> None:
        if make_url(readable_url).get_backend_name() == "postgresql":
            run_sql(readable_url, "CREATE TYPE shop AS ENUM ('east', 'west')")
        kind = kind_of(readable_url, "TEXT", "shop", "ENUM('east','west')")
        run_sql(
            readable_url,
            f"CREATE TABLE firms (company_id {kind}, name VARCHAR(30))",
            "INSERT INTO firms VALUES ('east', '青空'), ('west', '海商会'), (NULL, '空商会')",
        )

        with own(readable_url) as store:
            assert store.check().without_id == 1
            (page,) = store.pages()
            assert sorted(page.rows.records.ids) == ["east", "west"]
            assert store.fetch(["west"]).records.ids == ["west"]

    def test_a_table_in_which_no_row_has_an_id_is_refused(self, readable_url: str) -> None:
        run_sql(
            readable_url,
            "CREATE TABLE firms (company_id INTEGER, name VARCHAR(30))",
            "INSERT INTO firms VALUES (NULL, '青空')",
        )

        with (
            own(readable_url) as store,
            pytest.raises(DatabaseError, match="got none but 1 rows without an id"),
        ):
            store.check()


class TestTypes:
    @pytest.mark.parametrize(("database", "kind", "value"), NOT_TEXTS)
    def test_a_column_that_holds_no_texts_is_refused_by_name(
        self, readable_url: str, database: str, kind: str, value: str
    ) -> None:
        if make_url(readable_url).get_backend_name() != database:
            return
        run_sql(
            readable_url,
            f"CREATE TABLE firms (company_id INTEGER, name VARCHAR(30), place {kind})",
            f"INSERT INTO firms VALUES (1, '青空', {value})",
        )

        with (
            own(readable_url, street="place") as store,
            pytest.raises(SchemaError) as error,
        ):
            store.check()
        assert str(error.value).startswith(
            "column 'place' of company table 'firms' is read as street and holds "
        )
        assert str(error.value).endswith("leave it out with table.mapping.street=''")
        with own(readable_url) as store:
            # a column that is not read may hold anything
            assert store.check().rows == 1

    @pytest.mark.parametrize(
        ("kind", "value"), [("INTEGER", "1766674800"), ("FLOAT", "1766674800.5")]
    )
    def test_a_stamp_of_any_type_is_passed_on_as_text(
        self, readable_url: str, kind: str, value: str
    ) -> None:
        run_sql(
            readable_url,
            f"CREATE TABLE firms (company_id INTEGER, name VARCHAR(30), updated_at {kind})",
            f"INSERT INTO firms VALUES (1, '青空', {value})",
        )

        with own(readable_url) as store:
            (rows,) = store.chunks()
            assert rows.updated_at[0].startswith("17666")

    def test_stamps_that_are_no_times_of_python_are_texts(self, readable_url: str) -> None:
        kind = kind_of(readable_url, "DATETIME", "timestamptz", "DATETIME")
        odd = kind_of(readable_url, "someday", "infinity", "9999-12-31 23:59:59")
        run_sql(
            readable_url,
            f"CREATE TABLE firms (company_id INTEGER, name VARCHAR(30), updated_at {kind})",
            f"INSERT INTO firms VALUES (1, '青空', '{odd}'), (2, '海商会', NULL)",
        )

        with own(readable_url) as store:
            (rows,) = store.chunks()
            assert list(rows.updated_at) == [odd, ""]


class TestSeveralColumns:
    def test_a_field_is_read_from_all_of_its_columns(self, readable_url: str) -> None:
        run_sql(
            readable_url,
            "CREATE TABLE firms (company_id INTEGER, name VARCHAR(30), a1 VARCHAR(30), a2 INTEGER,"
            " a3 CHAR(20), tel VARCHAR(20), fax VARCHAR(20))",
            "INSERT INTO firms VALUES (1, '青空', '津市栄町', 3, '星野ビル', '1', '2')",
            "INSERT INTO firms VALUES (2, '海商会', NULL, NULL, '津市', '', '2')",
            "INSERT INTO firms VALUES (3, '空商会', ' ', 4, NULL, NULL, NULL)",
        )

        with own(readable_url, address=["a1", "a2", "a3"], phone=["tel", "fax"]) as store:
            (rows,) = store.chunks()
            assert list(rows.records.column("street")) == ["津市栄町 3 星野ビル", "津市", "4"]
            assert list(rows.records.column("phone")) == ["1|2", "2", ""]
            assert store.fetch(["2"]).records.column("street") == ["津市"]

    def test_a_column_of_the_list_that_is_missing_is_named(self, readable_url: str) -> None:
        run_sql(readable_url, "CREATE TABLE firms (company_id INTEGER, name VARCHAR(9), a1 TEXT)")

        with (
            own(readable_url, address=["a1", "a2"]) as store,
            pytest.raises(SchemaError, match="needs column 'a2', got"),
        ):
            store.check()


def test_a_missing_schema_is_said_and_not_that_it_is_empty(postgres_server: str) -> None:
    mapping = ColumnMapping(table="pblic.companies")

    with (
        CompanyStore(postgres_server, mapping, read_only=True) as store,
        pytest.raises(DatabaseError, match=r"expected schema 'pblic' in .*did you mean 'public'"),
    ):
        store.check()


def test_a_materialised_view_is_among_those_that_may_be_meant(postgres_server: str) -> None:
    run_sql(
        postgres_server,
        "DROP SCHEMA IF EXISTS views CASCADE",
        "CREATE SCHEMA views",
        "CREATE MATERIALIZED VIEW views.firms AS SELECT 1 AS company_id, 'x' AS name",
    )

    with (
        CompanyStore(postgres_server, ColumnMapping(table="views.firm"), read_only=True) as store,
        pytest.raises(DatabaseError, match="did you mean 'firms'"),
    ):
        store.check()


class TestRepeatedIds:
    @pytest.fixture
    def offices(self, readable_url: str) -> str:
        """A table with two rows of company c2."""
        run_sql(
            readable_url,
            "CREATE TABLE firms (company_id VARCHAR(20), name VARCHAR(30), street VARCHAR(30))",
            "INSERT INTO firms VALUES ('c1', '青空', '津市'), ('c2', '海商会', '津市'),"
            " ('c2', '海商会', '桑名市')",
        )
        return readable_url

    def test_they_are_refused_with_an_example(self, offices: str) -> None:
        with own(offices) as store:
            for reading in (store.pages(), store.hashes(""), store.chunks()):
                with pytest.raises(SchemaError, match=r"got 2 rows with the id 'c2'.*several_rows"):
                    list(reading)
            with pytest.raises(SchemaError, match="got 2 rows with the id 'c2'"):
                store.fetch(["c2"])
            assert store.fetch(["c1"]).records.ids == ["c1"]

    def test_they_are_read_where_the_mapping_says_that_they_are_sites(self, offices: str) -> None:
        with own(offices, several_rows=True) as store:
            (rows,) = store.chunks()
            assert sorted(rows.records.column("street")) == ["桑名市", "津市", "津市"]
            assert (store.check().rows, store.check().open) == (2, 2)
