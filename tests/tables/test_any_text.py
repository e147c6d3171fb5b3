"""Fields of any content and any size go through readers and writers unchanged, in linear time."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkage_rl.errors import ConfigError, InputFileError, SchemaError
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.csv_text import (
    as_written,
    csv_text,
    spreadsheet_lines,
    with_formulas,
    without_formulas,
)
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.readers import count_clients, open_clients, read_clients
from linkage_rl.tables.result_store import read_result
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.table_writer import TableWriter
from linkage_rl.tables.writer import NestedValues, ResultColumns, ResultRows
from tests.tables.test_result_writers import COLUMNS, Place, place

__all__ = ["place"]

ODD = {
    "cr": "first\rsecond",
    "crlf": "first\r\nsecond",
    "cr at the end": "first\r",
    "lf": "\nfirst\n",
    "vt": "first\vsecond",
    "ff": "first\fsecond",
    "separators of files": "a\x1cb\x1db\x1ec",
    "nel": "first\x85second",
    "line separators": "first\u2028second\u2029third",
    "nul": "first\0second",
    "quotes": '"first" ""second"',
    "tab": "\tfirst\tsecond",
    "separators": "a,b;c|d",
    "mark": "\ufefffirst",
    "ctrl-z": "first\x1a",
    "formula": "=1+1",
    "blanks": " first ",
}
"""Texts that some reader takes for the end of a line, of a field or of the file."""
TEXTS = list(ODD.values())


def rows_of(texts: Sequence[str], begin: int = 0) -> ResultRows:
    """A row for each text, in the columns of `Place`, with its number as the id."""
    n = len(texts)
    return ResultRows(
        {
            "client_id": [f"{number:02}" for number in range(begin, begin + n)],
            "decision": ["link"] * n,
            "confidence": ["0.5000"] * n,
            "run_id": ["r"] * n,
            "linked_at": ["monday"] * n,
            "売上(%)": ["x"] * n,
            "note: it's": texts,
        },
        {"candidates": NestedValues(np.ones(n, dtype=np.int64), {"id": texts, "share": [""] * n})},
    )


def test_every_writer_keeps_every_text_in_a_resumed_run_too(place: Place) -> None:
    with place.open() as writer:
        writer.write(rows_of(TEXTS[:5]))
    with place.open() as writer:
        writer.write(rows_of(TEXTS[writer.finished :], writer.finished))
        writer.complete()

    found = place.rows()
    # a text of PostgreSQL holds no NUL
    nul = "\ufffd" if place.kind.startswith("postgresql") else "\0"
    expected = [text.replace("\0", nul) for text in TEXTS]
    assert [row["note: it's"] for row in found] == expected
    ids = [
        row["candidates"][0]["id"] if "candidates" in row else row["candidate_1_id"]
        for row in found
    ]
    assert ids == expected


def test_a_lone_surrogate_stops_no_writer(place: Place) -> None:
    with place.open() as writer:
        writer.write(rows_of(["a\ud800b", "青空"]))
        writer.complete()

    first, second = (row["note: it's"] for row in place.rows())
    assert first == ("a\ufffdb" if place.kind != ".jsonl" else "a" + chr(0xD800) + "b")
    assert second == "青空"


@pytest.mark.parametrize("bom", [False, True])
def test_csv_is_read_back_by_every_reader(tmp_path: Path, bom: bool) -> None:
    path = tmp_path / "o.csv"
    columns = ResultColumns(("client_id", "decision", "table_state"), ("note",))
    with CsvWriter(path, columns, "input", bom=bom, quotes_formulas=bom) as writer:
        ids = [str(number) for number in range(len(TEXTS))]
        same = ["x"] * len(TEXTS)
        writer.write(
            ResultRows(dict(zip(columns.flat_names(), (ids, same, same, TEXTS), strict=True)))
        )
        writer.complete()

    with path.open(newline="", encoding="utf-8-sig") as stream:
        by_csv = [row["note"] for row in csv.DictReader(stream)]
    by_pandas = pd.read_csv(path, dtype=str, keep_default_na=False)["note"].tolist()
    by_us = [row["note"] for row in read_result(path)]
    as_list = read_clients(path, ColumnMapping(name="note"))
    assert by_csv == by_pandas == list(as_list.records.column("name"))
    assert by_csv == (list(without_formulas(TEXTS)) if bom else TEXTS)
    assert by_us == TEXTS


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_each_row_says_whether_it_got_an_apostrophe(ending: str) -> None:
    rows = [["1", "'=1", "x"], ["2", "=2", 'a,"b'], ["'=", "3", ""], ["4", "", "4"]]
    columns = list(zip(*rows, strict=True))
    text = (csv_text(rows) + spreadsheet_lines(columns).decode()).replace("\n", ending)

    assert list(as_written(text.splitlines(keepends=True))) == rows * 2
    assert spreadsheet_lines(columns).count(b'"') == 3 * 6 + 2
    assert spreadsheet_lines([["a"], ["-5"]]).decode() == csv_text([["a", "-5"]])


def written(folder: Path, ending: str, texts: Sequence[str]) -> Path:
    """A list of these names and notes."""
    path, ids = folder / f"list{ending}", [str(number) for number in range(len(texts))]
    if ending == ".parquet":
        pq.write_table(pa.table({"client_id": ids, "name": texts, "note": texts}), path)
    else:
        rows = zip(ids, texts, texts, strict=True)
        path.write_bytes(csv_text([("client_id", "name", "note"), *rows]).encode())
    return path


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_every_reader_keeps_every_text(tmp_path: Path, ending: str, size: int) -> None:
    clients = read_clients(written(tmp_path, ending, [*TEXTS, "last"]), size=size)

    assert list(clients.records.column("name")) == [*TEXTS, "last"]
    assert list(clients.extra["note"]) == [*TEXTS, "last"]


FORMULAS = (
    *("=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"),
    *("+81-3-3580-3311", "'=1", "=", "-x", "-1-2"),
)
NO_FORMULAS = (
    *("-5", "+81335803311", "-1.5e-3", "-1,000", "-", "--", "青空", "a=1", "'90s", "", "0120"),
)


def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe() -> None:
    quoted = [f"'{text}" for text in FORMULAS]

    assert without_formulas([*FORMULAS, *NO_FORMULAS]) == [*quoted, *NO_FORMULAS]
    assert with_formulas([*quoted, *NO_FORMULAS]) == [*FORMULAS, *NO_FORMULAS]


def test_a_list_of_100_000_columns_costs_a_few_seconds(tmp_path: Path) -> None:
    names = ["client_id", "name", *(f"column_{number}" for number in range(99_998))]
    path = tmp_path / "wide.csv"
    path.write_text(csv_text([names, ["1", "青空", *names[2:]]]))
    begin = time.process_time()

    clients = read_clients(path)

    assert list(clients.extra["column_99997"]) == ["column_99997"]
    assert time.process_time() - begin < 15


def test_messages_about_a_list_of_many_columns_are_short_and_true(tmp_path: Path) -> None:
    names = ["client_id", "name", *(f"column_{number}" for number in range(2_998))]
    path = tmp_path / "wide.csv"

    path.write_text(csv_text([names, names]))
    with pytest.raises(SchemaError, match=r"column 'nosuch', got .* and 2,960 more; rename"):
        read_clients(path, ColumnMapping(name="nosuch"))
    path.write_text(csv_text([[*names, "column_7"], [*names, ""]]))
    with pytest.raises(InputFileError, match=r"columns \['column_7'\] occur twice"):
        open_clients(path)
    path.write_text(csv_text([names]) + csv_text([names[1:]]))
    with pytest.raises(InputFileError, match="line 2: expected 3000 fields as in the header"):
        count_clients(path)
    columns = ResultColumns(COLUMNS.decision, tuple(names[2:]))
    with pytest.raises(ConfigError, match="sqlite has 2,000 columns at most, and the result 3,003"):
        TableWriter(parse_url(f"sqlite:///{tmp_path}/o.db"), "linked", columns, "input", "monday")


def test_a_field_of_a_million_characters_is_a_field(tmp_path: Path) -> None:
    long = 'a "b",\n' * 150_000
    path = written(tmp_path, ".csv", [long, "青空"])

    begin = time.process_time()
    clients = read_clients(path)

    assert list(clients.records.column("name")) == [long, "青空"]
    assert time.process_time() - begin < 5
