"""Several rows of a company, and a table of sites: read, searched and followed as one table."""

from collections.abc import Iterator

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import SchemaError
from linkage_rl.features.matrix import PAIR_FEATURES, pair_features
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.schema import ColumnMapping, SiteColumns
from linkage_rl.tables.store import CompanyStore
from tests.small_table import clients, rows_alive
from tests.stored_table import run_sql

MAPPING = ColumnMapping(
    table="firms",
    company_id="firm_no",
    closed_at="gone",
    sites=SiteColumns(
        table="offices", company_id="firm", address=["place", "lot"], phone="tel", closed_at="shut"
    ),
)
SCHEMA = (
    "CREATE TABLE firms (firm_no bigint PRIMARY KEY, name varchar(80), city text, street text, "
    "phone varchar(20), gone date)",
    "CREATE TABLE offices (firm bigint, office int, name text, place text, lot text, tel bigint, "
    "shut date)",
    "INSERT INTO firms VALUES "
    "(7, '青空商事株式会社', '東京都港区', '芝1-2-3', '03-3222-0001', NULL), "
    "(9, '北海建設', '札幌市中央区', '大通西4-1', '011-221-0007', NULL), "
    "(11, '消えた商店', '長野市', '南千歳1-22', NULL, '2020-01-31')",
    "INSERT INTO offices VALUES (7, 1, NULL, '大阪市北区', '梅田1-1-3', 663450002, NULL), "
    "(7, 2, '青空マート', '名古屋市中区栄3', '5-1', 522410009, NULL), "
    "(9, 1, NULL, '函館市', '本町1-1', NULL, '2021-05-05'), "
    "(11, 1, NULL, '松本市', '中央1-1', NULL, NULL), "
    "(99, 1, NULL, '京都市下京区', '東塩小路町1', NULL, NULL)",
)
ROWS = ColumnMapping(table="joined", several_rows=True, site_number="office")
JOINED = (
    "CREATE TABLE joined (company_id text, office int, name text, city text, phone text)",
    "INSERT INTO joined VALUES ('a', 10, '青空商事', '大阪市北区', NULL), "
    "('a', 9, '青空商事', '東京都港区', '03-3222-0001'), "
    "('b', 1, '北海建設', '札幌市中央区', NULL)",
)


@pytest.fixture
def store(readable_url: str) -> Iterator[CompanyStore]:
    """Firms and their offices."""
    run_sql(readable_url, *SCHEMA)
    with CompanyStore(readable_url, MAPPING, read_only=True) as opened:
        yield opened


def distances(index: CompanyIndex, **client: str) -> dict[str, float]:
    """Features of a client with the firm 7."""
    values = pair_features(index, clients(client), np.array([0]), index.find(["7"]))
    return dict(zip(PAIR_FEATURES, values[0].tolist(), strict=True))


def test_sites_are_rows_after_that_of_their_company(store: CompanyStore) -> None:
    (chunk,) = [page.rows for page in store.pages()]

    assert chunk.records.ids == ["7", "7", "7", "9"]
    assert chunk.records.column("street")[0] == "芝1-2-3"
    assert set(chunk.records.column("street")[1:3]) == {
        "大阪市北区 梅田1-1-3",
        "名古屋市中区栄3 5-1",
    }
    counts = store.check()
    assert (counts.rows, counts.open) == (store.count(), store.open_count()) == (3, 2)


def test_the_read_back_gives_the_head_office(store: CompanyStore) -> None:
    found = store.fetch(["9", "7", "8", "11"])

    assert found.records.ids == ["9", "7", "11"]
    assert found.records.column("street") == ["大通西4-1", "芝1-2-3", "南千歳1-22"]
    assert [bool(closed) for closed in found.closed_at] == [False, False, True]


def test_a_client_at_an_office_is_compared_with_it(store: CompanyStore) -> None:
    index = CompanyIndex.of_table(store)

    assert len(index) == 2
    at_office = distances(index, name="青空商事㈱", street="大阪府大阪市北区梅田1-1-3")
    assert at_office["name_equal"] == at_office["block_equal"] == 1
    assert distances(index, name="青空マート", phone="052-241-0009")["core_equal"] == 1


def test_a_refresh_follows_both_tables(store: CompanyStore) -> None:
    index = CompanyIndex.of_table(store)
    run_sql(
        store.url,
        "UPDATE offices SET place = '大阪市西区' WHERE firm = 7 AND office = 1",
        "INSERT INTO offices VALUES (9, 2, NULL, '旭川市', '宮下通8-3-1', NULL, NULL)",
    )

    fresh, report = index.refresh(store, merge_share=10)

    assert (report.changed, report.removed, len(fresh)) == (2, 0, 2)
    streets = fresh.records(rows_alive(fresh, ["7", "9"])).column("street")
    assert sorted(streets) == sorted(
        [
            "芝1-2-3",
            "大阪市西区 梅田1-1-3",
            "名古屋市中区栄3 5-1",
            "大通西4-1",
            "旭川市 宮下通8-3-1",
        ]
    )
    assert fresh.fetch(["7"]).records.column("street") == ["芝1-2-3"]

    run_sql(store.url, "UPDATE firms SET gone = '2024-01-01' WHERE firm_no = 7")
    gone, report = fresh.refresh(store, merge_share=10)
    assert (report.removed, len(gone), rows_alive(gone, ["7"]).tolist()) == (1, 1, [])


def test_trade_names_stay_one_row_each_over_refreshes(readable_url: str) -> None:
    run_sql(
        readable_url,
        "CREATE TABLE firms (company_id int, name text, trade_names text, phone text)",
        "INSERT INTO firms VALUES (1, '青空商事', '青空マート|ブルー', NULL)",
        "INSERT INTO firms VALUES (2, '北海建設', NULL, NULL)",
    )

    with CompanyStore(readable_url, ColumnMapping(table="firms"), read_only=True) as opened:
        index = CompanyIndex.of_table(opened)
        for name, phones in (("青空商店", "03-3222-0001|03-3222-0002"), ("青空本店", "")):
            change = f"UPDATE firms SET name = '{name}', phone = '{phones}' WHERE company_id = 1"
            run_sql(readable_url, change)
            index, _ = index.refresh(opened, merge_share=10)
            run_sql(readable_url, f"UPDATE firms SET phone = '{name}' WHERE company_id = 2")
            index, _ = index.refresh(opened, merge_share=10)
            names = index.records(rows_alive(index, ["1"])).column("name")
            expected = [name, *([name] if phones else []), "青空マート", "ブルー"]
            assert sorted(names) == sorted(expected)
            assert len(index) == 2


def test_a_page_never_ends_within_a_company(readable_url: str) -> None:
    numbers = ", ".join(f"({office % 5}, {office}, 'N')" for office in range(100))
    run_sql(
        readable_url,
        "CREATE TABLE joined (company_id int, office int, name text)",
        f"INSERT INTO joined VALUES {numbers}",
    )

    with CompanyStore(readable_url, ROWS, read_only=True) as opened:
        (ids,) = [page.rows.records.ids for page in opened.pages()]
        assert ids == [str(row // 20) for row in range(100)]
        assert opened.count() == 5


def test_rows_of_one_table_come_by_their_number(readable_url: str) -> None:
    run_sql(readable_url, *JOINED)

    with CompanyStore(readable_url, ROWS, read_only=True) as opened:
        index = CompanyIndex.of_table(opened)
        fetched = opened.fetch(["b", "a"])

    assert fetched.records.column("city") == ["札幌市中央区", "東京都港区"]
    assert fetched.records.column("phone") == ["", "03-3222-0001"]
    assert index.fetch(["a"]).records.column("city") == ["東京都港区"]
    assert len(index) == 2


def test_without_a_number_index_and_read_back_take_the_same_row(readable_url: str) -> None:
    run_sql(readable_url, *JOINED)

    with CompanyStore(
        readable_url, ColumnMapping(table="joined", several_rows=True), read_only=True
    ) as opened:
        index = CompanyIndex.of_table(opened)
        assert opened.fetch(["a"]).records.column("city") == index.fetch(["a"]).records.column(
            "city"
        )


def test_repeated_ids_are_refused_unless_they_are_said_to_be_sites(readable_url: str) -> None:
    run_sql(readable_url, *JOINED)

    with (
        CompanyStore(readable_url, ColumnMapping(table="joined"), read_only=True) as opened,
        pytest.raises(SchemaError, match=r"2 rows with the id 'a'.*several_rows=true"),
    ):
        list(opened.pages())


def test_a_table_of_sites_needs_the_key_of_the_company(readable_url: str) -> None:
    run_sql(readable_url, *SCHEMA)
    mapping = ColumnMapping(table="firms", company_id="firm_no", sites=SiteColumns(table="offices"))

    with (
        CompanyStore(readable_url, mapping, read_only=True) as opened,
        pytest.raises(SchemaError, match="company table 'offices' needs column 'company_id'"),
    ):
        opened.count()


def test_the_mapping_takes_sites_as_a_dict() -> None:
    mapping = ColumnMapping(sites={"table": "offices", "address": ["a", "b"]})  # type: ignore[arg-type]

    assert mapping.sites == SiteColumns(table="offices", address=["a", "b"])
    assert mapping.sites.mapping().address == "a+b"
    assert not mapping.is_canonical()


@pytest.mark.parametrize("whose", ["firms", "offices"])
def test_a_status_of_companies_or_sites_is_refused_by_its_own_table(
    readable_url: str, whose: str
) -> None:
    run_sql(
        readable_url,
        "CREATE TABLE firms (company_id int PRIMARY KEY, name text, gone varchar(9))",
        "CREATE TABLE offices (company_id int, phone text, shut varchar(9))",
        "INSERT INTO firms VALUES (1, '青空商事', NULL), (2, '北海建設', NULL)",
        "INSERT INTO offices VALUES (1, '03-3222-0001', NULL)",
        f"UPDATE {whose} SET {'gone' if whose == 'firms' else 'shut'} = 'active' "
        "WHERE company_id = 1",
    )
    sites = SiteColumns(table="offices", closed_at="shut")
    mapping = ColumnMapping(table="firms", closed_at="gone", sites=sites)

    with CompanyStore(readable_url, mapping, read_only=True) as opened:
        for read in (opened.check, lambda: list(opened.pages()), lambda: list(opened.chunks())):
            with pytest.raises(
                SchemaError, match=f"of company table '{whose}'.*got 'active'"
            ) as error:
                read()
            setting = "closed_when='gone=" if whose == "firms" else "sites.closed_when='shut="
            assert f"table.mapping.{setting}VALUE" in str(error.value)


def test_the_id_of_a_site_is_that_of_its_company_in_its_spelling(readable_url: str) -> None:
    if readable_url.startswith("postgresql"):
        run_sql(
            readable_url,
            "CREATE COLLATION folded "
            "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        )
    key = "varchar(9) COLLATE " + {"s": "NOCASE", "p": "folded"}.get(
        readable_url[0], "utf8mb4_general_ci"
    )
    run_sql(
        readable_url,
        f"CREATE TABLE firms (company_id {key} PRIMARY KEY, name varchar(20))",
        f"CREATE TABLE offices (company_id {key}, phone varchar(20))",
        "INSERT INTO firms VALUES ('abc', 'A'), ('B2', 'B'), ('c3', 'C')",
        "INSERT INTO offices VALUES ('ABC', '1'), ('b2', '2'), ('C3', '3'), ('aBc', '4')",
    )
    mapping = ColumnMapping(table="firms", sites=SiteColumns(table="offices"))

    with CompanyStore(readable_url, mapping, read_only=True, paging=Paging(rows=1)) as opened:
        pages = [list(page.rows.records.ids) for page in opened.pages()]
        assert pages == [["abc"] * 3, ["B2"] * 2, ["c3"] * 2]
        keys = [key for page in opened.hashes("") for key in page.keys]
        (found,) = opened.rows_of(keys[-1:])
        assert list(found.rows.records.column("phone")) == ["", "3"]
        assert opened.summary("", "")[0] == 7


def test_conditions_of_companies_and_of_sites_are_said(readable_url: str) -> None:
    run_sql(
        readable_url,
        "CREATE TABLE firms (company_id int PRIMARY KEY, name text, state varchar(9))",
        "CREATE TABLE offices (company_id int, phone text, state varchar(9))",
        "INSERT INTO firms VALUES (1, '青空商事', 'live'), (2, '北海建設', 'left')",
        "INSERT INTO offices VALUES (1, '03-3222-0001', 'shut'), (1, '03-3222-0002', 'shut')",
    )
    sites = SiteColumns(table="offices", closed_when="state=shut")
    mapping = ColumnMapping(table="firms", closed_when="state=left", sites=sites)

    with CompanyStore(readable_url, mapping, read_only=True) as opened:
        assert opened.said_conditions() == [
            "state: left 1 closed, live 1",
            "sites: state: shut 2 closed",
        ]
        assert [page.rows.records.ids for page in opened.pages()] == [["1"]]
