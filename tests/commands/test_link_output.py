"""What `link` writes: the same rows as CSV, JSON Lines, Parquet and in tables of databases."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from sqlalchemy import create_engine, text

from linkage_rl.config.command import hydra_words
from linkage_rl.config.link_output import LinkOutput
from linkage_rl.config.link_report import Unlinked
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.partial_file import PartialFile, only_writer
from tests.commands.shop import CLIENTS, Run, write_csv
from tests.commands.test_link import SAME_TIME, rows_of

Row = dict[str, Any]
CANDIDATE = ("id", "share", "reason", "name")


def table_rows(url: str, table: str = "linked", order: str = "client_id") -> list[Row]:
    """The rows of a table of a database."""
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).mappings().all()
    engine.dispose()
    return [dict(row) for row in rows]


def flat(row: Row) -> dict[str, str]:
    """A row of any format as texts, its candidates as columns of their own."""
    flat: Row = {}
    for name, value in row.items():
        if name != "candidates":
            flat[name] = value
            continue
        for place, entry in enumerate(value, start=1):
            flat |= {f"candidate_{place}_{field}": entry[field] for field in CANDIDATE}
    return {name: as_text(name, value) for name, value in flat.items() if value not in (None, "")}


def as_text(name: str, value: object) -> str:
    number = name == "confidence" or name.endswith("_share")
    return f"{float(str(value)):.4f}" if number else str(value)


def test_every_format_holds_the_same_rows(
    run: Run, files: Path, bundle: Path, database_url: str
) -> None:
    words = (f"bundle={bundle}", "clients=clients.csv", "candidates=2", SAME_TIME, "run_id=monday")
    for output in ("o.csv", "o.jsonl", "o.parquet", database_url):
        ended = run("link", *words, f"output={output}")
        assert ended.code == 0, ended.err
        assert "4 clients, 75.0% linked" in ended.out

    rows = [flat(row) for row in rows_of(files / "o.csv")]
    lines = [json.loads(line) for line in (files / "o.jsonl").read_text().splitlines()]
    parquet = pq.read_table(files / "o.parquet").to_pylist()
    assert [flat(row) for row in lines] == rows
    assert [flat(row) for row in parquet] == rows
    assert [flat(row) for row in table_rows(database_url)] == rows
    assert lines == parquet
    assert lines[2]["company_id"] is None
    assert lines[0]["confidence"] > 0.99
    assert list(lines[0]) == pq.read_schema(files / "o.parquet").names
    assert rows[0]["run_id"] == "monday"
    assert rows[0]["linked_at"] == "2026-01-01T00:00:00.000Z"
    assert len({row["bundle"] for row in rows}) == len({row["table_state"] for row in rows}) == 1


def test_the_best_candidates_come_with_every_decision(run: Run, files: Path, bundle: Path) -> None:
    write_csv(
        files / "two.csv",
        [
            ("client_id", "name", "phone"),
            ("1", "株式会社青空商事", "052-241-0002"),
            ("2", "どこにもない店", "052-241-0002"),
            ("3", "どこにもない店", ""),
        ],
    )

    ended = run("link", f"bundle={bundle}", "clients=two.csv", "output=o.csv", "candidates=3")

    assert ended.code == 0, ended.err
    both, declined, unknown = rows_of(files / "o.csv")
    assert (both["candidate_1_id"], both["candidate_2_id"]) == ("c1", "c2")
    assert float(both["candidate_1_share"]) > float(both["candidate_2_share"])
    assert both["candidate_2_name"] == "有限会社山田製作所"
    assert both["candidate_2_reason"] == "name differs; same phone; legal form differs"
    assert both["candidate_3_id"] == ""
    assert (declined["decision"], declined["candidate_1_id"]) == ("no_match", "c2")
    assert (declined["company_id"], declined["company_name"]) == ("", "")
    assert (unknown["decision"], unknown["candidate_1_id"]) == ("no_match", "")


def test_a_list_that_is_decided_as_a_whole_has_candidates_too(
    run: Run, files: Path, list_bundle: Path
) -> None:
    tokyo = ("東京都", "千代田区", "丸の内1-1")
    write_csv(
        files / "list.csv",
        [
            ("client_id", "name", "prefecture", "city", "street"),
            ("1", "青空の新しい名", *tokyo),
            ("2", "株式会社青空商事", *tokyo),
        ],
    )

    words = (f"bundle={list_bundle}", "clients=list.csv", "candidates=5")
    ended = run("link", *words, "output=o.csv", "chunk=1")

    assert ended.code == 0, ended.err
    assert "candidates=5: the list is decided as a whole, for which 4 candidates" in ended.err
    for row in rows_of(files / "o.csv"):
        assert row["company_id"] == row["candidate_1_id"] == "c1"
        assert row["candidate_1_reason"] == row["reason"]
        assert row["candidate_2_id"] in ("", "c2", "c3")


def test_a_run_of_the_same_name_replaces_its_rows_and_another_adds_its_own(
    run: Run, files: Path, bundle: Path, database_url: str
) -> None:
    words = (f"bundle={bundle}", "clients=clients.csv", f"output={database_url}")
    for run_id in ("daily", "daily", "other"):
        assert run("link", *words, f"run_id={run_id}", "output_table=found").code == 0

    rows = table_rows(database_url, "found", "run_id, client_id")
    assert [(row["run_id"], row["client_id"]) for row in rows] == [
        (run_id, client_id)
        for run_id in ("daily", "other")
        for client_id in ("k1", "k2", "k3", "k4")
    ]
    runs = table_rows(database_url, "found_runs", "started")
    assert [row["run_id"] for row in runs] == ["daily", "daily", "other"]
    assert all(row["finished"] == 4 and row["link"] == 3 and row["completed_at"] for row in runs)


def test_a_table_without_the_columns_is_refused(
    run: Run, files: Path, bundle: Path, database_url: str
) -> None:
    words = (f"bundle={bundle}", "clients=clients.csv", f"output={database_url}")
    assert run("link", *words).code == 0
    write_csv(files / "clients.csv", [(*CLIENTS[0], "売上"), (*CLIENTS[1], "100")])

    ended = run("link", *words)

    assert ended.code == 1
    assert (
        "lacks the columns 売上; add them, or choose another one with output_table=" in ended.last
    )


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("folder", "output=folder is a folder, which a result would replace"),
        ("/dev/null", "output=/dev/null is a device"),
        ("/dev/stdout", "output=/dev/stdout is a"),
        ("pipe", "output=pipe is a pipe"),
        ("to-null.csv", "output=to-null.csv is a device"),
        ("hard.csv", "output=hard.csv would replace the client list"),
        ("soft.csv", "output=soft.csv would replace the client list"),
        ("shop.db", "write output=sqlite:///shop.db for a table of it"),
        ("o.csv.gz", "link writes no .gz file, got output=o.csv.gz"),
        ("sqlite://", "output=sqlite:// is a database in memory"),
        ("o.xlsx", "link writes no workbook, got output=o.xlsx; name a .csv file with bom=true"),
    ],
)
def test_what_a_result_must_not_replace_is_refused(
    run: Run, files: Path, bundle: Path, output: str, sentence: str
) -> None:
    (files / "folder").mkdir()
    os.mkfifo(files / "pipe")
    (files / "to-null.csv").symlink_to("/dev/null")
    (files / "hard.csv").hardlink_to(files / "clients.csv")
    (files / "soft.csv").symlink_to(files / "clients.csv")
    before = (files / "clients.csv").read_bytes()

    ended = run("link", f"bundle={bundle}", "clients=clients.csv", f"output={output}")

    assert ended.code == 2
    assert sentence in ended.last
    assert (files / "clients.csv").read_bytes() == before


def test_the_file_behind_a_symbolic_link_is_written(run: Run, files: Path, bundle: Path) -> None:
    (files / "there").mkdir()
    (files / "o.csv").symlink_to(files / "there" / "real.csv")

    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv")

    assert ended.code == 0, ended.err
    assert (files / "o.csv").is_symlink()
    assert len(rows_of(files / "there" / "real.csv")) == 4


def test_clients_of_a_query_are_linked_and_an_interrupted_run_goes_on_with_them(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(f"sqlite:///{files / 'crm.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customers (会社名 text)")
        for name in ("㈱青空商事", "どこにもない店", "合同会社はるか"):
            connection.exec_driver_sql("INSERT INTO customers VALUES (?)", (name,))
    query = "query=SELECT 会社名, 'x' AS 印 FROM customers ORDER BY rowid"
    words = (f"bundle={bundle}", "clients=sqlite:///crm.db", query, "output=o.csv", "chunk=2")

    with monkeypatch.context() as patch:
        patch.setattr(CsvWriter, "complete", interrupt)
        assert run("link", *words).code == 130
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM customers")
    engine.dispose()
    ended = run("link", *words)

    assert ended.code == 0, ended.err
    assert "clients  going on with those that were read at 20" in ended.out
    linked = rows_of(files / "o.csv")
    assert [row["client_id"] for row in linked] == ["1", "2", "3"]
    assert [row["company_id"] for row in linked] == ["c1", "", "c3"]
    assert linked[0]["会社名"] == "㈱青空商事"
    assert sorted(left.name for left in files.glob("o.csv*")) == ["o.csv"]
    assert run("link", *words).last.startswith("error: expected clients from sqlite:///crm.db, got")


def test_clients_of_a_query_are_kept_only_for_a_run_that_has_begun(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(f"sqlite:///{files / 'crm.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customers (会社名 text)")
        connection.exec_driver_sql("INSERT INTO customers VALUES ('㈱青空商事'), ('はるか')")
    engine.dispose()
    source = ("clients=sqlite:///crm.db", "query=customers", "chunk=1")
    words = ("link", *source, "output=sqlite:///r.db", f"bundle={bundle}")

    assert run(*words, "columns.name=nosuch").code == 1
    assert not list(files.glob("link-*"))
    with monkeypatch.context() as patch:
        patch.setattr(Unlinked, "add", interrupt)
        assert run(*words).code == 130
    assert run(*words, "bundle=nosuch").code == 1
    assert len(list(files.glob("link-*.clients.csv"))) == 1
    ended = run(*words)

    assert ended.code == 0, ended.err
    assert "clients  going on with those" in ended.out
    assert "going on after 1 finished clients" in ended.err
    assert not list(files.glob("link-*"))


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_commas_in_a_query_are_no_sweep(run: Run, files: Path, bundle: Path) -> None:
    words = ("link", f"bundle={bundle}", "clients=sqlite:///crm.db", "output=o.csv")
    create_engine(f"sqlite:///{files / 'crm.db'}").connect().close()

    ended = run(*words, "query=SELECT client_id, name FROM nosuch")

    assert ended.code == 1
    assert "cannot read the clients (SELECT client_id, name FROM nosuch)" in ended.last


@pytest.mark.parametrize(
    "query",
    [
        *("SELECT a, b FROM t", "-- one, two\nSELECT a", "[a, b]", "{a: b}", "1,2", "null", ""),
        *("x LIKE 'a\\_b'", "it's", "a\\", "a\\\\'b", "'a' = 'b'", '"a"."b"', " t "),
    ],
)
def test_a_query_is_the_text_that_it_is(query: str) -> None:
    (word,) = hydra_words([f"query={query}"])

    assert OverridesParser.create().parse_override(word).value() == query
    assert hydra_words([word]) == [word]


def test_a_query_and_a_database_go_together(run: Run, files: Path) -> None:
    for words in (("clients=sqlite:///crm.db",), ("clients=clients.csv", "query=customers")):
        ended = run("link", *words, "output=o.csv")
        assert ended.code == 2
        assert "clients=URL and query= go together" in ended.last


def test_a_password_in_the_output_is_in_no_message(run: Run, files: Path, bundle: Path) -> None:
    words = ("link", f"bundle={bundle}", "clients=clients.csv")

    for more in (
        ("output=postgresql://u:S3CRET@h/db", "explain=true"),
        ("output=o.csv", "dedupe=true", "database=postgresql://u:S3CRET@h/db"),
    ):
        ended = run(*words, *more)

        assert ended.code == 2
        assert "S3CRET" not in ended.err + ended.out


@pytest.mark.parametrize("output", ["o.jsonl", "sqlite:///r.db"])
def test_the_files_beside_an_output_are_of_one_command(
    run: Run, files: Path, bundle: Path, output: str
) -> None:
    words = ("link", f"bundle={bundle}", "clients=clients.csv", f"output={output}")
    assert run(*words).code == 0
    place = LinkOutput.of(LinkSettings(clients="clients.csv", output=output))
    before = sorted(files.iterdir())

    with only_writer(place.beside("lock"), place):
        ended = run(*words, "only=changed")
        left = sorted(files.iterdir())

    assert ended.code == 1
    assert f"another command is writing {place}; wait until" in ended.last
    assert left == sorted([*before, place.beside("lock").absolute()])
    assert run(*words, "only=changed").code == 0
    assert not list(files.glob("*.lock"))


def test_two_commands_do_not_write_one_output(run: Run, files: Path, bundle: Path) -> None:
    with PartialFile(files / "o.csv", "another run"):
        ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv")

    assert ended.code == 1
    assert "another command is writing o.csv" in ended.last
    assert run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv").code == 0
