"""A finished list is looked at on the same page, read-only, from every format."""

import json
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.errors import LinkageError
from linkage_rl.reviewing.finished_list import open_finished_list
from linkage_rl.tables.schema import CANONICAL
from tests.reviewing.logged import log_in, make_table, page_of

ROWS: list[dict[str, Any]] = [
    {
        "client_id": "k1",
        "decision": "link",
        "company_id": "goyo",
        "confidence": 0.91,
        "company_name": "五洋建設株式会社",
        "reason": "same name",
        "run_id": "r",
        "candidates": [
            {"id": "goyo", "share": 0.9, "reason": "same name", "name": "五洋建設株式会社"},
            {"id": "acme", "share": 0.05, "reason": "", "name": "アクメ"},
        ],
        "会社名": "五洋建設",
        "memo": "<b>",
    },
    {
        "client_id": "k2",
        "decision": "no_match",
        "company_id": "",
        "confidence": 0.2,
        "company_name": "",
        "reason": "",
        "run_id": "r",
        "candidates": [],
        "会社名": "なし商会",
        "memo": "",
    },
]
CSV = (
    "client_id,decision,company_id,confidence,company_name,reason,run_id,"
    "candidate_1_id,candidate_1_share,candidate_2_id,candidate_2_share,会社名,memo\n"
    "k1,link,goyo,0.9100,五洋建設株式会社,same name,r,goyo,0.9,acme,0.05,五洋建設,<b>\n"
    "k2,no_match,,0.2000,,,r,,,,,なし商会,\n"
)


def written(folder: Path, ending: str) -> Path:
    path = folder / f"linked{ending}"
    if ending == ".csv":
        path.write_text(CSV, encoding="utf-8")
    elif ending == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) for row in ROWS)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        pa = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pa.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_rows_are_decisions_with_candidates_and_the_clients_fields(
    tmp_path: Path, ending: str
) -> None:
    with open_finished_list(str(written(tmp_path, ending)), CANONICAL) as log:
        [rows] = log.decisions()

    assert list(rows.client_id) == ["k1", "k2"]
    assert list(rows.action) == ["link", "no_match"]
    assert json.loads(rows.shown[0]) == [["goyo", 0.9], ["acme", 0.05]]
    assert json.loads(rows.client[0]) == {"name": "五洋建設", "memo": "<b>"}
    assert json.loads(rows.client[1]) == {"name": "なし商会"}


def test_a_list_is_looked_at_and_not_judged(tmp_path: Path) -> None:
    make_table(tmp_path / "companies.db")
    path = written(tmp_path, ".jsonl")

    with page_of(tmp_path, log="", linked=str(path)) as page:
        listed = log_in(page).get("/").text
        row = page.get(f"/list/{1:032}").text
        refused = page.post(f"/decisions/{1:032}/answer", data={"answer": "accept"})

    assert "Read-only" in listed
    assert "なし商会" in listed
    assert "Linked with 1" in row
    assert 'name="answer"' not in row
    assert "&lt;b&gt;" in row
    assert refused.status_code == 403


def test_a_list_without_candidates_shows_the_linked_company(tmp_path: Path) -> None:
    path = tmp_path / "linked.csv"
    path.write_text(
        "client_id,decision,company_id,confidence,name\nk1,link,goyo,0.9,五洋建設\n", "utf-8"
    )

    with open_finished_list(str(path), CANONICAL) as log:
        [rows] = log.decisions()

    assert json.loads(rows.shown[0]) == [["goyo", 0.9]]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "id,name\n1,x\n", "without the columns"),
        ("a.csv", "client_id,decision,company_id,confidence,name\n1,maybe,,0.5,x\n", "in row 1"),
        ("a.jsonl", "{\n", "expected a JSON object in line 1"),
        ("a.jsonl", "[]\n", "expected a JSON object in line 1"),
        ("a.parquet", "no", "as Parquet"),
        ("a.xlsx", "no", "a .csv, .jsonl or .parquet file"),
    ],
)
def test_what_is_no_result_is_refused(
    tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")

    with pytest.raises(LinkageError, match=sentence), open_finished_list(str(path), CANONICAL):
        pass


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    path = str(tmp_path / "none.jsonl")

    with pytest.raises(LinkageError, match="check the path"), open_finished_list(path, CANONICAL):
        pass
