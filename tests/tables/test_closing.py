"""Which companies of a user's own table are closed: columns of every kind, on every database."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from linkage_rl.errors import DatabaseError, SchemaError
from linkage_rl.tables.closing import closed_in_texts, is_closed, read_closed_when
from linkage_rl.tables.readers import read_companies
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

OPEN, CLOSED = "o", "c"
MYSQL_FLAGS = ("TINYINT(1)", "BIT(1)")


def table_of(url: str, kind: str, *values: tuple[str, str]) -> None:
    """A table whose column `gone` has this type; each value beside whether it means open."""
    rows = ", ".join(
        f"('{state}{row}', '株式会社', {value})" for row, (state, value) in enumerate(values)
    )
    run_sql(
        url,
        "DROP TABLE IF EXISTS firms",
        f"CREATE TABLE firms (company_id VARCHAR(20) PRIMARY KEY, name VARCHAR(50), gone {kind})",
        f"INSERT INTO firms VALUES {rows}",
    )


def closed_ids(url: str, closed_at: str = "gone", closed_when: object = "") -> str:
    """First letters of the ids of closed companies: SQL and what is read must agree."""
    mapping = ColumnMapping(table="firms", closed_at=closed_at, closed_when=closed_when)
    with CompanyStore(url, mapping, read_only=True) as store:
        store.check()
        (rows,) = store.chunks()
        closed = [one for one, when in zip(rows.records.ids, rows.closed_at, strict=True) if when]
        assert store.open_count() == store.count() - len(closed)
    return "".join(one[0] for one in closed)


def kind_of(url: str, sqlite: str, postgresql: str, mysql: str) -> str:
    return {"sqlite": sqlite, "postgresql": postgresql}.get(make_url(url).get_backend_name(), mysql)


class TestColumnsReadAsClosedAt:
    def test_a_flag_closes_where_it_is_true(self, readable_url: str) -> None:
        kinds = {kind_of(readable_url, "BOOLEAN", "boolean", mysql) for mysql in MYSQL_FLAGS}
        for kind in kinds:
            table_of(readable_url, kind, (OPEN, "false"), (CLOSED, "true"), (OPEN, "NULL"))

            assert closed_ids(readable_url) == "c"

    def test_a_whole_number_closes_unless_it_is_zero(self, readable_url: str) -> None:
        values = [(OPEN, "0"), (CLOSED, "1"), (OPEN, "NULL"), (CLOSED, "1766674800")]
        table_of(readable_url, "INTEGER", *values)

        assert closed_ids(readable_url) == "cc"

    def test_a_date_closes_from_its_day_on(self, readable_url: str) -> None:
        values = [(OPEN, "NULL"), (CLOSED, "'2001-03-31'"), (OPEN, "'2999-12-31'")]
        table_of(readable_url, "DATE", *values)

        assert closed_ids(readable_url) == "c"

    def test_a_time_closes_from_then_on(self, readable_url: str) -> None:
        kind = kind_of(readable_url, "TEXT", "timestamptz", "DATETIME")
        values = [(CLOSED, "'2001-03-31 12:00:00'"), (OPEN, "NULL"), (OPEN, "'2999-01-01 00:00'")]
        table_of(readable_url, kind, *values)

        assert closed_ids(readable_url) == "c"

    def test_a_text_closes_where_it_is_a_date_that_has_come(self, readable_url: str) -> None:
        opened = ("''", "' '", "NULL", "'0000-00-00'", "'false'", "'F'", "'0'", "'9999-12-31'")
        closed = ("'2001-03-31'", "'2001/3/31'", "'平成13年3月31日'", "'TRUE'", "'1'")
        values = [*((OPEN, one) for one in opened), *((CLOSED, one) for one in closed)]
        table_of(readable_url, "VARCHAR(30)", *values)

        assert closed_ids(readable_url) == "c" * len(closed)

    def test_a_status_is_refused_by_name_instead_of_closing_every_company(
        self, readable_url: str
    ) -> None:
        table_of(readable_url, "VARCHAR(30)", (OPEN, "'active'"), (CLOSED, "'closed'"))

        with pytest.raises(SchemaError) as error:
            closed_ids(readable_url)
        assert "column 'gone' of company table 'firms' is read as closed_at" in str(error.value)
        assert "table.mapping.closed_when='gone=VALUE|VALUE'" in str(error.value)

    def test_an_enum_is_refused_by_name_as_a_text_is(self, readable_url: str) -> None:
        if kind_of(readable_url, "", "postgresql", "") == "postgresql":
            run_sql(readable_url, "CREATE TYPE state AS ENUM ('live', 'dead')")
        kind = kind_of(readable_url, "TEXT", "state", "ENUM('live','dead')")
        table_of(readable_url, kind, (OPEN, "'live'"), (CLOSED, "'dead'"), (OPEN, "NULL"))

        with pytest.raises(SchemaError, match="closed_when='gone=VALUE"):
            closed_ids(readable_url)

    def test_a_number_with_places_is_a_flag(self, readable_url: str) -> None:
        for kind in (kind_of(readable_url, "REAL", "real", "DOUBLE"), "VARCHAR(5)"):
            table_of(readable_url, kind, (OPEN, "'0.0'"), (CLOSED, "'1.0'"), (OPEN, "NULL"))

            assert closed_ids(readable_url) == "c"
            assert closed_ids(readable_url, "", "gone=1") == "c"
            assert closed_ids(readable_url, "", {"gone": False}) == "o"
        assert (is_closed("0.0"), is_closed("1.0")) == (False, True)

    def test_a_status_in_numbers_is_refused(self, readable_url: str) -> None:
        table_of(readable_url, "INTEGER", (OPEN, "1"), (CLOSED, "9"))

        with pytest.raises(SchemaError, match="got '9'"):
            closed_ids(readable_url)


class TestClosedWhen:
    def test_a_status_closes_by_the_values_that_are_named(self, readable_url: str) -> None:
        values = [(OPEN, "'active'"), (CLOSED, "'Closed'"), (OPEN, "NULL"), (CLOSED, "'解散 '")]
        table_of(readable_url, "VARCHAR(30)", *values)

        assert closed_ids(readable_url, "", "gone=closed|解散") == "cc"
        assert closed_ids(readable_url, "", {"gone": ["closed", "解散"]}) == "cc"
        # a column that is named in both is read as closed_when says
        assert closed_ids(readable_url, "gone", "gone=closed|解散") == "cc"

    def test_a_flag_of_any_type_is_meant_by_true(self, readable_url: str) -> None:
        flag = kind_of(readable_url, "BOOLEAN", "boolean", "BIT(1)")
        for kind, true, false in ((flag, "true", "false"), ("CHAR(1)", "'t'", "'f'")):
            table_of(readable_url, kind, (CLOSED, true), (OPEN, false), (OPEN, "NULL"))

            assert closed_ids(readable_url, "", {"gone": True}) == "c"
            assert closed_ids(readable_url, "", "gone=false") == "o"

    def test_an_enum_closes_by_the_values_that_are_named(self, readable_url: str) -> None:
        if kind_of(readable_url, "", "postgresql", "") == "postgresql":
            run_sql(readable_url, "CREATE TYPE state AS ENUM ('live', 'dead')")
        kind = kind_of(readable_url, "TEXT", "state", "ENUM('live','dead')")
        table_of(readable_url, kind, (OPEN, "'live'"), (CLOSED, "'dead'"))

        assert closed_ids(readable_url, "", "gone=dead") == "c"

    def test_a_company_is_closed_by_a_date_or_a_condition(self, readable_url: str) -> None:
        table_of(
            readable_url, "VARCHAR(30)", (CLOSED, "'2001-03-31'"), (CLOSED, "''"), (OPEN, "''")
        )
        run_sql(
            readable_url,
            "ALTER TABLE firms ADD COLUMN status VARCHAR(10)",
            "UPDATE firms SET status = 'left' WHERE company_id = 'c1'",
        )

        assert closed_ids(readable_url, "gone", "status=left") == "cc"
        assert closed_ids(readable_url, "", "status=left or gone=2001-03-31") == "cc"

    def test_a_column_that_is_not_there_is_refused(self, readable_url: str) -> None:
        table_of(readable_url, "VARCHAR(30)", (OPEN, "''"))

        with pytest.raises(SchemaError, match="closed_when of company table 'firms' needs column"):
            closed_ids(readable_url, "", "state=closed")

    @pytest.mark.parametrize("text", ["closed", "=closed", "status=", "status=a||b"])
    def test_a_condition_of_another_form_is_refused(self, text: str) -> None:
        with pytest.raises(SchemaError, match="closed_when needs a column and its values"):
            read_closed_when(text)

    def test_blanks_and_capital_letters_around_a_value_do_not_count(
        self, readable_url: str
    ) -> None:
        values = [(CLOSED, "'廃業\u3000'"), (CLOSED, "'\t廃業\r\n'"), (CLOSED, "' FERMÉ'")]
        values += [(CLOSED, "'Été'"), (OPEN, "'廃業中'"), (OPEN, "'live'")]
        table_of(readable_url, "VARCHAR(30)", *values)
        when = "gone=廃業|fermé|été"

        assert closed_ids(readable_url, "", when) == "cccc"
        mapping = ColumnMapping(table="firms", closed_at="", closed_when=when)
        with CompanyStore(readable_url, mapping, read_only=True) as store:
            (line,) = store.said_conditions()
        assert line.count(" closed") == 4
        assert "live 1" in line
        (condition,) = read_closed_when(when)
        texts = [value.strip("'") for _, value in values]
        assert closed_in_texts(None, [(condition, texts)], 6) == ["true"] * 4 + ["", ""]

    def test_a_condition_closes_before_a_date_in_the_future_does(self, readable_url: str) -> None:
        values = [(CLOSED, "'2999-12-31'"), (OPEN, "'2998-12-31'"), (CLOSED, "'2001-03-31'")]
        table_of(readable_url, "VARCHAR(30)", *values)
        run_sql(
            readable_url,
            "ALTER TABLE firms ADD COLUMN status VARCHAR(10)",
            "UPDATE firms SET status = 'left' WHERE gone = '2999-12-31'",
        )

        assert closed_ids(readable_url, "gone", "status=left") == "cc"
        (left,) = read_closed_when("status=left")
        texts = [value.strip("'") for _, value in values]
        closed = closed_in_texts(texts, [(left, ["left", "", ""])], 3)
        assert closed == ["true", "2998-12-31", "2001-03-31"]
        assert [is_closed(one) for one in closed] == [True, False, True]


def test_a_closing_of_blanks_is_none(readable_url: str) -> None:
    blanks = ("'\u3000'", "'\n'", "' \t\u3000\r\n'", "'\u3000FALSE\t'", "'\u30009999-12-31'")
    values = [*((OPEN, one) for one in blanks), (CLOSED, "'\u30002001-03-31\n'")]
    table_of(readable_url, "VARCHAR(30)", *values)

    assert closed_ids(readable_url) == "c"
    assert [is_closed(value.strip("'")) for _, value in values] == [False] * 5 + [True]


def test_a_table_in_which_every_company_is_closed_is_refused(readable_url: str) -> None:
    table_of(readable_url, "INTEGER", (CLOSED, "1"), (CLOSED, "1"))
    mapping = ColumnMapping(table="firms", closed_at="gone")

    with (
        CompanyStore(readable_url, mapping, read_only=True) as store,
        pytest.raises(DatabaseError, match=r"expected open companies in table 'firms'.*got 2"),
    ):
        store.check()


def test_a_date_means_closed_from_its_day_on() -> None:
    assert [is_closed(one) for one in ("2001-03-31", "true", "2001")] == [True] * 3
    assert [is_closed(one) for one in ("", "0000-00-00", "false", "2999-01-01")] == [False] * 4


def test_a_file_says_which_companies_are_closed_as_a_table_does(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv"
    path.write_text("company_id,name,gone,state\n1,一,0,\n2,二,2001-03-31,\n3,三,,X\n4,四,no,y\n")

    def closed(closed_at: str, closed_when: object) -> list[str]:
        mapping = ColumnMapping(closed_at=closed_at, closed_when=closed_when)
        (rows,) = read_companies(path, mapping)
        return list(rows.closed_at)

    assert closed("gone", "") == ["", "2001-03-31", "", ""]
    assert closed("gone", {"state": ["x"]}) == ["", "2001-03-31", "true", ""]
    with pytest.raises(SchemaError, match=r"column 'state' of company file .* got '(X|y)'"):
        closed("state", "")


@pytest.mark.parametrize("given", [["status"], True, 3])
def test_conditions_that_are_no_mapping_are_refused(given: object) -> None:
    with pytest.raises(SchemaError, match=r"expected closed_when as \{column"):
        ColumnMapping(closed_when=given)
