"""Fields of any content through the `link` command: formats, workers, resumed and repeated runs."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from linkage_rl.config.link_report import Unlinked
from linkage_rl.tables.csv_text import csv_text
from tests.commands.shop import Run
from tests.commands.test_link import SAME_TIME
from tests.commands.test_link_output import interrupt
from tests.tables.test_any_text import TEXTS

NOTES = [text for text in TEXTS for _ in range(2)]


@pytest.fixture
def odd_list(files: Path) -> Path:
    """A list whose ids, names and notes hold every odd text; each second client has a company."""
    rows = [
        (f"{number}{note}", f"株式会社青空商事{note if number % 2 else ''}", note)
        for number, note in enumerate(NOTES)
    ]
    path = files / "odd.csv"
    path.write_bytes(csv_text([("client_id", "name", "note"), *rows]).encode())
    return path


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a result of any format."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_result_has_every_field_as_the_list_in_resumed_and_repeated_runs(
    run: Run, odd_list: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    output = odd_list.with_name(f"o{ending}")
    words = ("link", f"bundle={bundle}", "clients=odd.csv", f"output={output.name}", "chunk=4")
    with monkeypatch.context() as patch:
        patch.setattr(Unlinked, "add", interrupt)
        assert run(*words).code == 130

    ended = run(*words)

    assert ended.code == 0, ended.err
    assert "going on after 4 finished clients" in ended.err
    rows = read(output)
    assert [row["note"] for row in rows] == NOTES
    assert [row["client_id"] for row in rows] == [f"{n}{one}" for n, one in enumerate(NOTES)]
    again = run(*words, "only=changed")
    assert again.code == 0, again.err
    assert "0 new, 0 changed, 0 whose company changed, 0 not linked before, while the table has "
    assert f"{len(NOTES)} carried over" in again.out
    assert read(output) == rows


def test_workers_write_the_same_and_pandas_reads_it(run: Run, odd_list: Path, bundle: Path) -> None:
    words = ("link", f"bundle={bundle}", "clients=odd.csv", "chunk=20", "run_id=r", SAME_TIME)
    for name, workers in (("one", 1), ("two", 2)):
        ended = run(*words, f"output={name}.csv", f"workers={workers}")
        assert ended.code == 0, ended.err

    one, two = (odd_list.with_name(f"{name}.csv") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    frame = pd.read_csv(one, dtype=str, keep_default_na=False)
    assert frame["note"].tolist() == NOTES


def test_a_file_for_a_spreadsheet_has_no_formulas(run: Run, odd_list: Path, bundle: Path) -> None:
    words = ("link", f"bundle={bundle}", "clients=odd.csv", "bom=true", "output=o.csv")

    assert run(*words).code == 0
    quoted = read(odd_list.with_name("o.csv"))
    again = run(*words, "only=changed")
    kept = run(*words, "csv_injection=keep")
    refused = run(*words[:-1], "csv_injection=quote", "output=o.parquet")

    assert {row["note"] for row in quoted} >= {"'=1+1", "'\tfirst\tsecond", "'\nfirst\n"}
    assert f"{len(NOTES)} carried over" in again.out, again.err
    assert kept.code == 0
    assert "=1+1" in {row["note"] for row in read(odd_list.with_name("o.csv"))}
    assert refused.code == 2
    assert "csv_injection=quote is of CSV files, got output=o.parquet" in refused.last
    assert "csv_injection takes one of" in run(*words, "csv_injection=no").last


@pytest.mark.parametrize("before", ["bom=true", "csv_injection=keep"])
def test_an_earlier_result_is_read_as_it_was_written(
    run: Run, files: Path, bundle: Path, before: str
) -> None:
    rows = [("-A1", "株式会社青空商事", "=note"), ("k2", "無", "'=note"), ("k3", "無", "'note")]
    (files / "c.csv").write_text(csv_text([("client_id", "name", "note"), *rows]))
    words = ("link", f"bundle={bundle}", "clients=c.csv", "only=changed", "output=o.jsonl")
    assert run(*words[:3], "output=s.csv", before).code == 0

    for more in ((words[4], "previous=s.csv"), ("previous=s.csv", "output=o.csv", "bom=true")):
        ended = run(*words[:4], *more)
        assert "3 carried over" in ended.out, ended.err
    again = run(*words, "previous=o.csv")

    assert "3 carried over" in again.out, again.err
    carried = [(row["client_id"], row["note"]) for row in read(files / "o.jsonl")]
    assert carried == [(client_id, note) for client_id, _, note in rows]


def test_a_field_of_200_000_characters_is_linked(run: Run, files: Path, bundle: Path) -> None:
    note = 'a "b",\n(' * 25_000
    rows = [("client_id", "name", "note"), ("1", "株式会社青空商事" + note, note)]
    (files / "long.csv").write_bytes(csv_text(rows).encode())

    ended = run("link", f"bundle={bundle}", "clients=long.csv", "output=o.csv")

    assert ended.code == 0, ended.err
    assert read(files / "o.csv")[0]["note"] == note
