import sqlite3
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from linkage_rl.candidates.blockers import KeyBlocker
from linkage_rl.candidates.storage import load_index
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore
from tests.commands.shop import Run, write_csv
from tests.commands.test_link import rows_of
from tests.small_table import clients


def linked_to(run: Run, folder: Path, bundle: Path, database: str) -> list[str]:
    """Which company each client of `clients.csv` is linked to now, '' where none."""
    ended = run(
        "link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", f"database={database}"
    )
    assert ended.code == 0, ended.err
    return [row["company_id"] for row in rows_of(folder / "o.csv")]


def test_a_file_becomes_a_table_with_its_index_beside_it(run: Run, files: Path) -> None:
    ended = run("companies", "source=companies.csv", "database=c.db")

    assert ended.code == 0, ended.err
    assert "loaded   3 rows of companies.csv" in ended.out
    assert "3 companies, 3 of them open, in sqlite:///c.db" in ended.out
    assert (files / "c.db.index" / "manifest.json").is_file()


def test_without_a_database_the_usual_place_is_taken(run: Run, files: Path) -> None:
    assert run("companies", "source=companies.csv").code == 0

    assert (files / "outputs" / "companies.db").is_file()


def test_the_environment_names_the_database(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///from_environment.db")

    ended = run("companies", "source=companies.csv", "index=elsewhere")

    assert ended.code == 0, ended.err
    assert (files / "from_environment.db").is_file()
    assert (files / "elsewhere" / "manifest.json").is_file()


def test_what_changes_in_the_database_is_linked_so_after_a_refresh(
    run: Run, files: Path, bundle: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKAGE_RL_CACHE", str(files / "cache"))
    run("companies", "source=companies.csv", f"database={database_url}")
    assert linked_to(run, files, bundle, database_url) == ["c1", "c2", "", "c3"]
    renamed_closed_inserted = RecordBatch(
        ["c1", "c2", "c4"],
        {"name": ["株式会社改名商事", "有限会社山田製作所", "株式会社どこにもない"]},
    )
    with CompanyStore(database_url) as store:
        store.load([CompanyRows(renamed_closed_inserted, [""] * 3, ["", "2026-01-31", ""])])

    ended = run("companies", "refresh=true", f"database={database_url}")

    assert ended.code == 0, ended.err
    assert "4 companies, 3 of them open" in ended.out
    assert linked_to(run, files, bundle, database_url) == ["", "", "c4", "c3"]
    write_csv(files / "clients.csv", [("client_id", "name"), ("k", "改名商事（株）")])
    assert linked_to(run, files, bundle, database_url) == ["c1"]
    assert rows_of(files / "o.csv")[0]["company_former_names"] == "株式会社青空商事"


def test_a_table_of_the_users_own_is_linked_through_its_mapping_and_not_written(
    run: Run, files: Path, bundle: Path
) -> None:
    with closing(sqlite3.connect(files / "crm.db")) as connection, connection:
        connection.execute("CREATE TABLE 得意先 (code INTEGER PRIMARY KEY, 会社名 TEXT)")
        connection.execute("INSERT INTO 得意先 VALUES (7, '株式会社青空商事'), (8, '海商会')")
    before = (files / "crm.db").read_bytes()
    mapping = ("table=得意先", "company_id=code", "name=会社名")
    own = ("database=crm.db", *(f"table.mapping.{one}" for one in mapping))

    ended = run("companies", *own)

    assert ended.code == 0, ended.err
    assert "2 companies" in ended.out
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", *own)
    assert [row["company_id"] for row in rows_of(files / "o.csv")] == ["7", "", "", ""]
    assert (files / "crm.db").read_bytes() == before


def own_table(path: Path, columns: str, *rows: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE firms ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO firms VALUES ({row})")


FIRMS = ("database=crm.db", "table.mapping.table=firms")


def test_a_status_says_which_companies_are_closed(run: Run, files: Path, bundle: Path) -> None:
    own_table(
        files / "crm.db",
        "company_id TEXT, name TEXT, 状態 TEXT, deleted INTEGER",
        "'c1', '株式会社青空商事', '営業', 0",
        "'c2', '有限会社山田製作所', '廃業', 0",
        "'c3', '合同会社はるか', '営業', 1",
        "NULL, '海商会', '営業', 0",
    )
    closed = "table.mapping.closed_when=状態=廃業|解散 or deleted=true"

    refused = run("companies", *FIRMS, "table.mapping.closed_at=状態")
    ended = run("companies", *FIRMS, closed)

    assert refused.code == 1
    assert "column '状態' of company table 'firms' is read as closed_at" in refused.last
    assert "table.mapping.closed_when='状態=VALUE|VALUE'" in refused.last
    assert ended.code == 0, ended.err
    assert "3 companies, 1 of them open" in ended.out
    assert "left out 2 closed companies, 1 rows without an id" in ended.out
    assert "closed   状態: 営業 2, 廃業 1 closed" in ended.out
    assert "closed   deleted: 0 2, 1 1 closed" in ended.out
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", *FIRMS, closed)
    assert [row["company_id"] for row in rows_of(files / "o.csv")] == ["c1", "", "", ""]


def test_closed_when_may_be_a_mapping(run: Run, files: Path) -> None:
    own_table(files / "crm.db", "company_id, name, gone", "1, '青空', 0", "2, '海商会', 1")

    ended = run("companies", *FIRMS, "table.mapping.closed_when={gone:[true]}")

    assert "2 companies, 1 of them open" in ended.out, ended.err


def test_values_that_no_company_has_are_said(run: Run, files: Path) -> None:
    own_table(files / "crm.db", "company_id, name, state", "1, '青空', 'live'", "2, '海', NULL")

    ended = run("companies", *FIRMS, "table.mapping.closed_when=state=shut")

    assert ended.code == 0, ended.err
    said = "closed   state: (empty) 1, live 1; closed means shut, which none of these is"
    assert said in ended.out


def test_a_table_whose_companies_are_all_closed_links_nobody_and_says_so(
    run: Run, files: Path, bundle: Path
) -> None:
    own_table(files / "crm.db", "company_id, name, closed_at", "1, '青空', 1", "2, '海商会', 1")
    words = (f"bundle={bundle}", "clients=clients.csv", "output=out", *FIRMS)

    for command in ("companies", "link", "evaluate"):
        ended = run(command, *(FIRMS if command == "companies" else words))

        assert ended.code == 1
        assert "expected open companies in table 'firms'" in ended.last
        assert "closed_when=COLUMN=VALUE" in ended.last


def test_an_address_in_two_columns_is_named_as_a_list(run: Run, files: Path) -> None:
    own_table(files / "crm.db", "company_id, name, 住所1, 住所2", "1, '青空', '津市', '栄町3'")

    ended = run("companies", *FIRMS, "table.mapping.address=[住所1,住所2]", "index=index")

    assert ended.code == 0, ended.err
    assert load_index(files / "index").records(np.arange(1)).column("street") == ["津市 栄町3"]


def test_a_snapshot_removes_what_it_lacks(run: Run, files: Path) -> None:
    assert run("companies", "source=companies.csv", "database=c.db").code == 0
    write_csv(files / "today.csv", [("company_id", "name"), ("c1", "青空"), ("c9", "海商会")])
    words = ("source=today.csv", "database=c.db", "replace=true")

    refused = run("companies", *words)
    ended = run("companies", *words, "replace_limit=0.7", "refresh=true")

    assert refused.code == 1
    assert "lacks 2 of 3 (66.7%); nothing was changed" in refused.last
    assert ended.code == 0, ended.err
    assert "removed  2 companies that today.csv lacks" in ended.out
    assert "2 companies, 2 of them open" in ended.out


def test_what_replace_cannot_do_is_refused(run: Run, files: Path) -> None:
    day = tax_agency_line("2120001000002", "海商会")
    (files / "diff_20260131.csv").write_text(day, encoding="utf-8")
    with ZipFile(files / "day.zip", "w") as archive:
        archive.writestr("diff_20260131.csv", day)
    with ZipFile(files / "full.zip", "w") as archive:
        archive.writestr("00_zenkoku_all_20260131.csv", day)

    for words in (("source=diff_20260131.csv", "nta=true"), ("source=day.zip",)):
        ended = run("companies", *words, "database=c.db", "replace=true")
        assert ended.code == 2
        assert "a daily difference of the tax agency" in ended.last
    assert "replace=true needs source=" in run("companies", "replace=true").last
    assert run("companies", "replace_limit=2").code == 2
    assert run("companies", "source=full.zip", "database=c.db", "replace=true").code == 0


def tax_agency_line(
    number: str, name: str, process: str = "01", closed: str = "", latest: str = "1"
) -> str:
    fields = ["1", number, process, "0", "2026-01-31", "2026-01-31", name, "", "301"]
    fields += ["東京都", "千代田区", "丸の内１丁目", "", "13", "101", "1000005", "", "", closed]
    fields += ["01" if closed else "", "", "", "2015-10-05", latest, "", "", "", "", "", "0"]
    return ",".join(f'"{field}"' for field in fields) + "\n"


def test_a_daily_difference_of_the_tax_agency_changes_only_its_rows(run: Run, files: Path) -> None:
    full = tax_agency_line("6010001000001", "株式会社青空") + tax_agency_line(
        "2120001000002", "海商会"
    )
    (files / "full.csv").write_text(full, encoding="utf-8")
    day = tax_agency_line("2120001000002", "海商会", "21", closed="2026-01-30")
    (files / "day.csv").write_text(day, encoding="utf-8")
    assert run("companies", "source=full.csv", "nta=true", "database=c.db").code == 0

    ended = run("companies", "source=day.csv", "nta=true", "database=c.db", "refresh=true")

    assert ended.code == 0, ended.err
    assert "2 companies, 1 of them open" in ended.out
    assert "refreshed" in ended.out


def test_a_company_is_found_under_the_name_that_a_daily_difference_took_from_it(
    run: Run, files: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKAGE_RL_CACHE", str(files / "cache"))
    others = "".join(tax_agency_line(f"{row:013}", f"株式会社他{row}") for row in range(20))
    lines = {
        "full": tax_agency_line("6010001000001", "株式会社青空")
        + tax_agency_line("2120001000002", "海商会")
        + others,
        "day": tax_agency_line("6010001000001", "株式会社大空", "11")
        + tax_agency_line("2120001000002", "株式会社旧海商会", "11", latest="0"),
    }
    for name, text in lines.items():
        with ZipFile(files / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}.csv", text)
    arguments = (f"database={database_url}", "index=index")
    assert run("companies", "source=full.zip", *arguments).code == 0

    ended = run("companies", "source=day.zip", "refresh=true", *arguments)

    assert ended.code == 0, ended.err
    assert "refreshed" in ended.out
    index, asking = load_index(files / "index"), clients({"name": "青空"}, {"name": "㈱旧海商会"})
    found = index.propose(KeyBlocker("former_name"), asking, np.arange(2), 1).rows[:, 0]
    assert index.company_ids(found) == ["6010001000001", "2120001000002"]
    assert index.records(found).column("name") == ["株式会社大空", "海商会"]
