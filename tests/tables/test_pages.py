"""Pages of tables of any key, and the hashes of their rows: SQLite, PostgreSQL and MariaDB."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, literal

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import ConfigError, DatabaseError, SchemaError
from linkage_rl.tables import paged_table
from linkage_rl.tables.paged_table import PagedTable
from linkage_rl.tables.pages import Pace, Paging, bound_of, key_of
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

FIRMS = ColumnMapping(table="firms", company_id="no", name="mei", phone="tel", closed_at="closed")
Opening = Callable[..., CompanyStore]


@pytest.fixture
def opened(readable_url: str) -> Iterator[Opening]:
    """Opens the table `firms` with pages of three rows."""
    with ExitStack() as stores:

        def open_store(rows: int = 3, mapping: ColumnMapping = FIRMS) -> CompanyStore:
            return stores.enter_context(
                CompanyStore(readable_url, mapping, read_only=True, paging=Paging(rows))
            )

        yield open_store


def fill(url: str, key: str, rows: Sequence[str], table: str = "firms") -> None:
    """Make a table with a key of this type and rows of (no, mei, tel, closed)."""
    charset = " CHARACTER SET utf8mb4" if url.startswith("mysql") else ""
    run_sql(
        url,
        f"CREATE TABLE {table} (no {key}, mei VARCHAR(100), tel VARCHAR(20), "
        f"closed VARCHAR(20)){charset}",
        f"INSERT INTO {table} VALUES {', '.join(rows)}",
    )


def read(store: CompanyStore) -> tuple[list[list[str]], int, int]:
    """Ids by page; the number of all rows; the sum of their hashes."""
    pages = list(store.pages())
    hashes = np.concatenate([page.hashes for page in pages])
    ids = [list(page.rows.records.ids) for page in pages]
    return ids, len(hashes), int(hashes.sum(dtype=np.uint64))


@pytest.mark.parametrize(
    "key", ["BIGINT", "NUMERIC(30)", "VARCHAR(20)", "CHAR(20)", "INT PRIMARY KEY"]
)
def test_pages_hold_every_row_once_in_the_order_of_the_keys(
    readable_url: str, opened: Opening, key: str
) -> None:
    if readable_url.startswith("sqlite"):
        key = key.replace("NUMERIC(30)", "INTEGER")  # SQLite has no exact numbers
    quote = "'" if "CHAR" in key else ""
    fill(
        readable_url,
        key,
        [
            f"({quote}{number}{quote}, '社{number}', NULL, NULL)"
            for number in (7, 11, 5, 9, 20, 6, 8)
        ],
    )
    store = opened()

    ids, count, total = read(store)

    wanted = sorted(["7", "11", "5", "9", "20", "6", "8"], key=str if quote else int)
    assert ids == [wanted[:3], wanted[3:6], wanted[6:]]
    bounds = [page.bound for page in store.pages()]
    assert [
        store.summary(after, upto)[0] for after, upto in zip(["", *bounds], bounds, strict=False)
    ] == [3, 3, 1]
    assert store.summary("", "") == (count, total)
    assert store.summary(bounds[-1], "") == (0, 0)
    hashed = list(store.hashes(""))
    assert [list(page.ids) for page in hashed] == ids
    assert np.concatenate([page.hashes for page in hashed]).sum() == total
    keys = [key for page in hashed for key in page.keys]
    again = list(store.rows_of(keys[1:3]))
    assert [list(page.rows.records.ids) for page in again] == [wanted[1:3]]
    assert int(again[0].hashes.sum()) == int(hashed[0].hashes[1:].sum())


def test_a_page_never_ends_inside_a_key(readable_url: str, opened: Opening) -> None:
    fill(
        readable_url,
        "INT",
        [
            "(1, 'a', '1', NULL)",
            *(f"(2, 'b', '{phone}', NULL)" for phone in range(4)),
            "(3, 'c', '', NULL)",
        ],
    )

    sites = replace(FIRMS, several_rows=True)
    ids, count, _ = read(opened(2, sites))

    assert ids == [["1", "2", "2", "2", "2"], ["3"]]
    assert count == 6
    phones = [list(page.rows.records.column("phone")) for page in opened(2, sites).pages()]
    assert phones == [list(page.rows.records.column("phone")) for page in opened(2, sites).pages()]


def test_keys_that_the_database_takes_for_equal_stay_together(
    readable_url: str, opened: Opening
) -> None:
    fill(
        readable_url,
        "VARCHAR(10)",
        [f"('{key}', 'x', '', NULL)" for key in ("a", "B", "A", "b", "C", "c ")],
    )

    ids, count, total = read(opened(1))

    assert sorted(company_id for page in ids for company_id in page) == [
        "A",
        "B",
        "C",
        "a",
        "b",
        "c ",
    ]
    assert opened(1).summary("", "") == (count, total) == (6, total)


def test_rows_of_keys_that_are_equal_to_the_database_come_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/firms.db"
    keys = ["a", "c0", "C0", "d"]
    fill(url, "VARCHAR(10) COLLATE NOCASE", [f"('{key}', 'x', '', NULL)" for key in [*keys, "c0"]])
    monkeypatch.setattr(paged_table, "IDS_PER_STATEMENT", 2)

    with CompanyStore(url, replace(FIRMS, several_rows=True), read_only=True) as store:
        ids = [list(page.rows.records.ids) for page in store.rows_of(keys)]

    assert sorted(ids[0]) == ["C0", "a", "c0", "c0"]
    assert ids[1:] == [["d"]]


def test_a_hash_changes_with_any_field_and_with_nothing_else(
    readable_url: str, opened: Opening
) -> None:
    fill(readable_url, "INT", ["(1, '五洋𠮷', NULL, NULL)", "(2, '青空', '03', '')"])
    before = read(opened())[2]

    def changed(*statements: str) -> bool:
        run_sql(readable_url, *statements)
        return read(opened())[2] != before

    assert not changed("UPDATE firms SET tel = '' WHERE no = 1")
    assert changed("UPDATE firms SET tel = '03', mei = '五洋𠮷' WHERE no = 1")
    assert changed("UPDATE firms SET tel = '五洋𠮷', mei = '' WHERE no = 1")
    assert changed("UPDATE firms SET tel = NULL, mei = '五洋𠮷03' WHERE no = 1")
    assert not changed("UPDATE firms SET tel = NULL, mei = '五洋𠮷' WHERE no = 1")
    # the same texts at other companies are another table
    assert changed("UPDATE firms SET no = 3 - no")
    assert not changed("UPDATE firms SET no = 3 - no")
    assert changed("UPDATE firms SET closed = '2020-01-01' WHERE no = 2")


def test_closed_companies_are_in_no_page_and_in_every_chunk(
    readable_url: str, opened: Opening
) -> None:
    fill(
        readable_url,
        "INT",
        ["(1, 'a', '', NULL)", "(2, 'b', '', '2020-03-31')", "(3, 'c', '', '')"],
    )
    store = opened(1)

    assert read(store)[0] == [["1"], ["3"]]
    assert [list(rows.records.ids) for rows in store.chunks()] == [["1"], ["2"], ["3"]]


def test_an_unclear_closing_is_refused_though_such_rows_are_not_read(
    readable_url: str, opened: Opening
) -> None:
    fill(readable_url, "INT", ["(1, 'a', '', NULL)", "(2, 'b', '', 'active')"])

    with pytest.raises(SchemaError, match="got 'active'; say which of its values mean closed"):
        next(opened().pages())
    with pytest.raises(SchemaError, match="got 'active'"):
        next(opened().hashes(""))


def test_a_view_and_columns_of_other_types_are_hashed(readable_url: str, opened: Opening) -> None:
    fill(readable_url, "INT", ["(1, 'a', '', NULL)", "(2, 'b', '', NULL)"], "base")
    run_sql(
        readable_url,
        "CREATE VIEW firms AS SELECT no + 10 AS no, mei, no * 1000 AS tel, closed FROM base",
    )

    ids, count, total = read(opened(1))

    assert ids == [["11"], ["12"]]
    assert opened().summary("", "") == (count, total)


def test_an_empty_table_has_no_page(readable_url: str, opened: Opening) -> None:
    fill(readable_url, "INT", ["(1, 'a', '', NULL)"])
    run_sql(readable_url, "DELETE FROM firms")

    assert list(opened().pages()) == []
    assert list(opened().hashes("")) == []
    assert opened().summary("", "") == (0, 0)


def test_hashes_of_another_kind_of_key_have_another_name(
    readable_url: str, opened: Opening
) -> None:
    fill(readable_url, "INT", ["(1, 'a', '', NULL)"])
    fill(readable_url, "VARCHAR(9)", ["('1', 'a', '', NULL)"], "others")

    assert opened().hashing != opened(mapping=replace(FIRMS, table="others")).hashing


def test_a_database_of_an_unknown_kind_is_hashed_here(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('other')}/firms.db"
    fill(url, "INTEGER", ["(1, 'a', NULL, NULL)", "(2, 'b', '03', NULL)"])
    with CompanyStore(url, FIRMS) as store:
        of_sqlite = store.hashing
        vars(store)["_layout"] = replace(store._layout, dialect="other")
        vars(store).pop("_paged")

        _, count, total = read(store)

        assert store.summary("", "") == (count, total) == (2, total)
        assert store.hashing != of_sqlite


def test_times_are_hashed_alike_in_every_time_zone(postgres_server: str) -> None:
    run_sql(
        postgres_server,
        "CREATE TABLE timed (no uuid, mei timestamptz, tel date)",
        "INSERT INTO timed VALUES (gen_random_uuid(), now(), now())",
    )
    mapping = ColumnMapping(table="timed", company_id="no", name="mei", phone="tel")
    sums = set()
    for zone in ("UTC", "Asia/Tokyo"):
        run_sql(postgres_server, f"ALTER ROLE tester SET timezone = '{zone}'")
        with CompanyStore(postgres_server, mapping) as store:
            sums.add(store.summary("", ""))
    run_sql(postgres_server, "DROP TABLE timed", "ALTER ROLE tester RESET timezone")

    assert len(sums) == 1


@pytest.mark.parametrize(
    "key",
    [
        7,
        '改行\nと "quote"',
        Decimal("12345678901234567890.5"),
        UUID(int=3),
        1.5,
        b"\x00\xff",
        date(2025, 1, 2),
        datetime(2025, 1, 2, 3, 4, 5),
    ],
)
def test_a_bound_keeps_the_key_and_its_type(key: object) -> None:
    bound = bound_of(key)

    assert "\n" not in bound
    assert key_of(bound) == key
    assert type(key_of(bound)) is type(key)


def test_a_key_of_a_type_without_order_is_refused() -> None:
    with pytest.raises(DatabaseError, match="got one of type dict; map company_id to another"):
        bound_of({})


def test_pages_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 0 and -1"):
        Paging(0, -1)


def test_no_more_rows_per_second_are_read_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    monkeypatch.setattr("linkage_rl.tables.pages.time.monotonic", lambda: now[0])
    monkeypatch.setattr("linkage_rl.tables.pages.time.sleep", sleep)
    pace = Pace(1000)
    for taken in (0.1, 0.1, 3.0, 0.0):
        now[0] += taken
        pace.wait(500)

    assert slept == [0.4, 0.4, 0.0, 0.0]
    assert now[0] >= 4 * 0.5


def test_comparing_and_reading_a_table_keep_the_pace(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('paced')}/firms.db"
    fill(url, "INTEGER", [f"({number}, 'a', NULL, NULL)" for number in range(10)])
    waits: list[int] = []
    monkeypatch.setattr(Pace, "wait", lambda pace, rows: waits.append(rows))

    with CompanyStore(url, FIRMS, paging=Paging(rows=4, rows_per_s=100)) as store:
        bounds = [page.bound for page in store.pages()]
        store.summary("", bounds[0])

    assert waits == [4, 4, 4]


def test_an_unclear_closing_is_looked_for_once_by_a_comparison(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('checked')}/firms.db"
    fill(url, "INTEGER PRIMARY KEY", [f"({number}, 'a', NULL, NULL)" for number in range(12)])
    checks: list[PagedTable] = []
    monkeypatch.setattr(PagedTable, "check_closed_at", lambda table: checks.append(table))

    with CompanyStore(url, FIRMS, paging=Paging(rows=3)) as store:
        index = CompanyIndex.of_table(store)
        checks.clear()
        run_sql(url, "UPDATE firms SET mei = 'b'")
        _, report = index.refresh(store, merge_share=10)

    assert (report.pages, report.changed, len(checks)) == (4, 12, 1)


@pytest.mark.parametrize("kind", ["NUMERIC", "DECIMAL(12,0)", "REAL"])
def test_numbers_of_sqlite_are_read_as_they_are_stored(
    tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('numbers')}/firms.db"
    run_sql(
        url,
        f"CREATE TABLE firms (no {kind} PRIMARY KEY, mei TEXT, tel {kind})",
        "INSERT INTO firms VALUES (7, 'a', 335803311), (8, 'b', NULL)",
    )
    end = ".0" if kind == "REAL" else ""
    mapping = replace(FIRMS, closed_at="")

    with CompanyStore(url, mapping, read_only=True, paging=Paging(rows=1)) as store:
        ids, count, total = read(store)
        assert ids == [[f"7{end}"], [f"8{end}"]]
        assert [list(page.ids) for page in store.hashes("")] == ids
        assert store.summary("", "") == (count, total)
        found = store.fetch([f"8{end}", f"7{end}"])
        assert list(found.records.column("phone")) == ["", f"335803311{end}"]
        assert list(found.records.ids) == [f"8{end}", f"7{end}"]
        index = CompanyIndex.of_table(store)
        run_sql(url, "UPDATE firms SET mei = 'c' WHERE no = 8")
        assert index.refresh(store, merge_share=10)[1].changed == 1


SEPARATED = ("五\n洋", 'a","b', "a\x1fb", 'a"\n["b', "", "\ud7ff𠮷", "a\\", 'b"]\n["c')


def test_texts_that_look_like_the_end_of_a_row_are_summed_as_they_are_hashed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('ends')}/firms.db"
    run_sql(url, "CREATE TABLE firms (no INTEGER PRIMARY KEY, mei, tel, closed)")
    values = ", ".join("(?, ?, NULL)" for _ in SEPARATED)
    path = url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"INSERT INTO firms (mei, tel, closed) VALUES {values}",
            [text for one in SEPARATED for text in (one, one[::-1])],
        )
        connection.execute("INSERT INTO firms (mei, tel) VALUES ('a' || char(0) || 'b', x'61')")
        connection.execute("INSERT INTO firms (mei, tel) VALUES ('a' || char(0) || 'c', 1.5)")

    with CompanyStore(url, FIRMS, read_only=True, paging=Paging(3)) as store:
        hashed = list(store.hashes(""))
        hashes = np.concatenate([page.hashes for page in hashed])

        assert len(set(hashes.tolist())) == len(SEPARATED) + 2
        assert store.summary("", "") == (len(hashes), int(hashes.sum(dtype=np.uint64)))
        for page in hashed:
            only = [store.summary(*ends) for ends in keys_around(page.keys)]
            assert only == [(1, one) for one in page.hashes.tolist()]
    connection.close()


def keys_around(keys: Sequence[int]) -> list[tuple[str, str]]:
    """The range of keys that holds one key alone."""
    return [(bound_of(key - 1), bound_of(key)) for key in keys]


@pytest.mark.parametrize("trouble", ["too long", "hidden ends"])
def test_rows_whose_texts_cannot_be_joined_are_read_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('joined')}/firms.db"
    fill(url, "INTEGER", [f"({number}, '{'社' * 90}', NULL, NULL)" for number in range(12)])

    with CompanyStore(url, FIRMS, read_only=True, paging=Paging(5)) as store:
        wanted = store.summary("", "")
        if trouble == "too long":
            with store._autocommit.connect() as connection:
                driver = connection.connection.dbapi_connection
                assert isinstance(driver, sqlite3.Connection)
                driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)
        else:
            summary = (func.count(), literal(b"one row"))
            monkeypatch.setitem(
                vars(store._paged), "row_hash", replace(store._paged.row_hash, summary=summary)
            )

        assert store._paged._summed("", "") is None
        assert store.summary("", "") == wanted


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_hashes_do_not_depend_on_how_a_file_writes_its_texts(
    tmp_path_factory: pytest.TempPathFactory, encoding: str
) -> None:
    sums = []
    for name in ("UTF-8", encoding):
        path = tmp_path_factory.mktemp("encoded") / "firms.db"
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA encoding = '{name}'")
        connection.execute("CREATE TABLE firms (no INTEGER PRIMARY KEY, mei, tel, closed)")
        connection.execute(
            "INSERT INTO firms VALUES (1, '上海𠮷', 'Ċ', ''), (2, '青空', NULL, NULL)"
        )
        connection.commit()
        connection.close()
        with CompanyStore(f"sqlite:///{path}", FIRMS, read_only=True) as store:
            assert store.summary("", "") == read(store)[1:]
            sums.append(store.summary("", ""))

    assert sums[0] == sums[1]
