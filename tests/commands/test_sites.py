"""Tables with several sites per company, from the command line."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.shop import Run, write_csv
from tests.commands.test_link import rows_of

FIRMS = (
    "CREATE TABLE firms "
    "(firm_no INTEGER PRIMARY KEY, name TEXT, city TEXT, street TEXT, shop TEXT)",
    "INSERT INTO firms VALUES (7, '青空商事株式会社', '港区', '芝1-2-3', ''), "
    "(9, '北海建設株式会社', '札幌市中央区', '大通西4-1', 'ほっかい工房|ホッカイ')",
)
OFFICES = (
    "CREATE TABLE offices (firm INTEGER, place TEXT, tel TEXT)",
    "INSERT INTO offices VALUES (7, '大阪市北区梅田1-1-3', '06-6345-0002'), "
    "(7, '名古屋市中区栄3-5-1', '052-241-0009')",
)
ONE_TABLE = (
    "CREATE TABLE rows AS "
    "SELECT firm_no, name, city, street, shop, 1 AS office, '' AS tel FROM firms",
    "INSERT INTO rows SELECT firm, '', '', place, '', 2, tel FROM offices",
)
NAMED = ("table.mapping.company_id=firm_no", "table.mapping.trade_names=shop")
WAYS = {
    "sites": (
        "table.mapping.table=firms",
        "table.mapping.sites.table=offices",
        "table.mapping.sites.company_id=firm",
        "table.mapping.sites.address=place",
        "table.mapping.sites.phone=tel",
    ),
    "rows": (
        "table.mapping.table=rows",
        "table.mapping.several_rows=true",
        "table.mapping.site_number=office",
        "table.mapping.phone=tel",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_clients_at_an_office_are_linked_to_the_head_office(
    run: Run, files: Path, bundle: Path, way: str
) -> None:
    with closing(sqlite3.connect(files / "crm.db")) as connection, connection:
        for statement in (*FIRMS, *OFFICES, *ONE_TABLE):
            connection.execute(statement)
    write_csv(
        files / "clients.csv",
        [
            ("client_id", "name", "street", "phone"),
            ("a", "青空商事", "大阪市北区梅田1-1-3", "06-6345-0002"),
            ("b", "青空商事", "名古屋市中区栄3-5-1", "0522410009"),
            ("c", "ほっかい工房", "札幌市中央区大通西4-1", ""),
        ],
    )
    mapping: Sequence[str] = (*NAMED, *WAYS[way])

    built = run("companies", "database=crm.db", *mapping)
    linked = run(
        "link",
        f"bundle={bundle}",
        "clients=clients.csv",
        "output=o.csv",
        "database=crm.db",
        *mapping,
    )

    assert built.code == linked.code == 0, built.err + linked.err
    assert "2 companies, 2 of them open" in built.out
    rows = rows_of(files / "o.csv")
    assert [row["company_id"] for row in rows] == ["7", "7", "9"]
    assert [row["company_street"] for row in rows] == ["芝1-2-3", "芝1-2-3", "大通西4-1"]
    assert [row["company_site"] for row in rows[:2]] == [
        "大阪市北区梅田1-1-3 06-6345-0002",
        "名古屋市中区栄3-5-1 052-241-0009",
    ]
    assert "trade name of the company" in rows[2]["reason"]
