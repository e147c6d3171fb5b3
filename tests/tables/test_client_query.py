"""A client list from a database becomes a file, with texts as a file of clients has them."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from linkage_rl.errors import DatabaseError, InputFileError, SchemaError
from linkage_rl.tables.client_query import write_clients
from linkage_rl.tables.credentials import parse_url

ROWS = """
CREATE TABLE customers (
  id integer PRIMARY KEY, name varchar(40), revenue decimal(10, 2), since date, note varchar(40)
)
"""


def filled(url: str) -> str:
    """A database with three customers."""
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql(ROWS)
        for row in (
            {
                "id": 1,
                "name": "㈱青空商事",
                "revenue": 7,
                "since": "2026-01-31",
                "note": "50 %: 'a'",
            },
            {"id": 2, "name": 'b, "c"', "revenue": 1.25, "since": None, "note": None},
            {"id": 3, "name": None, "revenue": None, "since": None, "note": "x\ny"},
        ):
            connection.execute(
                text("INSERT INTO customers VALUES (:id, :name, :revenue, :since, :note)"), row
            )
    engine.dispose()
    return url


def test_rows_of_a_query_become_texts(readable_url: str, tmp_path: Path) -> None:
    query = "SELECT id AS client_id, name, revenue, since, note FROM customers ORDER BY id;"

    rows = write_clients(parse_url(filled(readable_url)), query, tmp_path / "c.csv")

    assert rows == 3
    assert (tmp_path / "c.csv").read_text() == (
        "client_id,name,revenue,since,note\n"
        "1,㈱青空商事,7,2026-01-31,50 %: 'a'\n"
        '2,"b, ""c""",1.25,,\n'
        '3,,,,"x\ny"\n'
    )
    assert [left.name for left in tmp_path.glob("*c.csv*")] == ["c.csv"]


def test_a_table_is_read_by_its_name(readable_url: str, tmp_path: Path) -> None:
    assert write_clients(parse_url(filled(readable_url)), "customers", tmp_path / "c.csv") == 3


@pytest.mark.parametrize(
    "query",
    [
        "-- note\nSELECT name FROM customers",
        " /* a\n -- note */\n--\n-- and, another\nwith a AS (SELECT name FROM customers) "
        "SELECT * FROM a",
    ],
)
def test_a_statement_may_begin_with_comments(tmp_path: Path, query: str) -> None:
    url = parse_url(filled(f"sqlite:///{tmp_path / 'crm.db'}"))

    assert write_clients(url, query, tmp_path / "c.csv") == 3


def test_a_table_may_begin_as_a_statement_does(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE withdrawals AS SELECT 'a' AS name")
    engine.dispose()

    url = parse_url(f"sqlite:///{tmp_path / 'crm.db'}")
    assert write_clients(url, "withdrawals", tmp_path / "c.csv") == 1


def test_what_cannot_be_read_is_named(readable_url: str, tmp_path: Path) -> None:
    url, path = parse_url(filled(readable_url)), tmp_path / "c.csv"
    with pytest.raises(InputFileError, match="got no row of"):
        write_clients(url, "SELECT * FROM customers WHERE id > 5", path)
    with pytest.raises(SchemaError, match=r"several columns of .* are called name; give each"):
        write_clients(url, "SELECT name, name FROM customers", path)
    with pytest.raises(DatabaseError, match=r"cannot read the clients \(nothing\)"):
        write_clients(url, "nothing", path)
    with pytest.raises(DatabaseError, match="cannot read the clients"):
        write_clients(url, "WITH gone AS (SELECT 1) DELETE FROM customers", path)
    assert not path.exists()
    assert write_clients(url, "customers", path) == 3


@pytest.mark.parametrize("value", ["'{\"a\": 1}'::jsonb", "ARRAY[1, 2]", "'a'::bytea"])
def test_values_that_are_no_texts_are_refused_by_their_column(
    postgres_server: str, tmp_path: Path, value: str
) -> None:
    with pytest.raises(SchemaError, match=r"column 'odd' of .* holds .*, expected texts"):
        write_clients(parse_url(postgres_server), f"SELECT {value} AS odd", tmp_path / "c.csv")
