"""Commands on lists as people have them."""

import csv
import json
from pathlib import Path

from tests.commands.shop import CLIENTS, COMPANIES, Run, write_csv
from tests.tables.workbook import write_workbook

ROWS: list[list[object]] = [
    ["お得意様一覧"],
    [],
    ["会社名", "市区町村", "担当"],
    ["㈱青空商事", "千代田区", "佐藤"],
    [],
    ["合同会社はるか", "京都市", "田中"],
]


def test_a_workbook_without_ids_is_linked_and_a_line_says_how_it_was_read(
    run: Run, files: Path, bundle: Path
) -> None:
    write_workbook(files / "名簿.xlsx", {"得意先": ROWS})

    ended = run("link", f"bundle={bundle}", "clients=名簿.xlsx", "output=linked.csv")

    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[1] == (
        "名簿.xlsx: sheet '得意先', header in row 3; 会社名 -> name, 市区町村 -> city, "
        "row numbers as client_id"
    )
    with (files / "linked.csv").open(newline="", encoding="utf-8") as stream:
        linked = list(csv.DictReader(stream))
    assert [row["client_id"] for row in linked] == ["1", "2"]
    assert [row["company_id"] for row in linked] == ["c1", "c3"]
    assert [row["担当"] for row in linked] == ["佐藤", "田中"]


def test_the_output_begins_with_a_mark_for_excel_if_it_is_asked_for(
    run: Run, files: Path, bundle: Path
) -> None:
    words = (
        f"bundle={bundle}",
        "clients=clients.csv",
        "linked_at=2026-01-31T09:00:00Z",
        "run_id=1",
    )

    assert run("link", *words, "output=plain.csv").code == 0
    ended = run("link", *words, "output=marked.csv", "bom=true")

    plain = (files / "plain.csv").read_bytes()
    assert plain.startswith(b"client_id,")
    assert (files / "marked.csv").read_bytes() == b"\xef\xbb\xbf" + plain
    assert ended.out.splitlines()[1].startswith("4 clients, 75.0% linked")


def test_two_processes_number_the_rows_as_one_does(run: Run, files: Path, bundle: Path) -> None:
    names = [(CLIENTS[1 + place % 4][1],) for place in range(60)]
    write_csv(files / "names.csv", [("企業名",), *names])
    words = (f"bundle={bundle}", "clients=names.csv", "linked_at=2026-01-31T09:00:00Z", "run_id=1")

    assert run("link", *words, "output=one.csv", "chunk=7").code == 0
    assert run("link", *words, "output=two.csv", "chunk=9", "workers=2").code == 0

    assert (files / "one.csv").read_bytes() == (files / "two.csv").read_bytes()
    assert (files / "one.csv").read_text().splitlines()[60].startswith("60,")


def test_a_list_with_a_fault_leaves_no_output(run: Run, files: Path, bundle: Path) -> None:
    for name, content in (
        ("ragged.tsv", "会社名\tTEL\na\t1\nb\t2\t3\n"),
        ("header.csv", "備考,担当\na,b\n"),
        ("text.xlsx", "会社名\na\n"),
    ):
        (files / name).write_text(content, encoding="utf-8")

        ended = run("link", f"bundle={bundle}", f"clients={name}", "output=linked.csv")

        assert ended.code == 1
        assert name in ended.last
        assert len(ended.err.strip().splitlines()) == 1
        assert not list(files.glob("linked.csv*"))


def test_a_company_file_under_the_usual_headers_is_loaded_and_said(
    run: Run, files: Path, bundle: Path
) -> None:
    header = ("取引先コード", "取引先名", "都道府県", "市区町村", "町名番地", "TEL")
    write_workbook(files / "会社.xlsx", {"Sheet1": [header, *COMPANIES[1:]]})

    ended = run("companies", "source=会社.xlsx", "database=mine.db")

    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[1].startswith(
        "会社.xlsx: sheet 'Sheet1'; 取引先コード -> company_id, 取引先名 -> "
    )
    linked = run(
        "link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "database=mine.db"
    )
    assert linked.out.splitlines()[1].startswith("4 clients, 75.0% linked")


def test_truths_that_are_no_ids_are_refused_before_anything_is_written(
    run: Run, files: Path, bundle: Path
) -> None:
    write_csv(files / "wrong.csv", [CLIENTS[0], ("k1", "㈱青空商事", "", "7001", "")])

    ended = run("evaluate", f"bundle={bundle}", "clients=wrong.csv", "output=measured")

    assert ended.code == 1
    assert "wrong.csv: 1 of 1 truths are no ids of open companies of the table" in ended.last
    assert "such as '7001', while it has 'c1'" in ended.last
    assert not (files / "measured").exists()


def test_a_word_for_no_row_counts_as_none_and_an_unknown_truth_is_said(
    run: Run, files: Path, bundle: Path
) -> None:
    rows = [list(row) for row in CLIENTS]
    rows[3][3], rows[4][3] = "該当なし", "7001"
    write_csv(files / "words.csv", rows)

    ended = run("evaluate", f"bundle={bundle}", "clients=words.csv", "output=measured")

    assert ended.code == 0, ended.err
    assert "1 of 3 truths are no ids of open companies of the table, such as '7001'" in ended.out
    metrics = json.loads((files / "measured" / "metrics.json").read_text())
    assert metrics["systems"]["bundle"]["metrics"]["linked"] == 3


def test_a_negative_header_row_is_refused(run: Run, files: Path, bundle: Path) -> None:
    for command in ("link", "evaluate"):
        words = (f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "header_row=-1")
        ended = run(command, *words)
        assert ended.code == 2
        assert "header_row must be at least 0, got -1" in ended.last
