"""What holds for every writer of results: files of each format, and tables of databases."""

import csv
import errno
import fcntl
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from linkage_rl.errors import DatabaseError, InputFileError, OutputError
from linkage_rl.tables import parquet_writer
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.jsonl_writer import JsonLinesWriter
from linkage_rl.tables.parquet_writer import ParquetWriter
from linkage_rl.tables.partial_file import only_writer
from linkage_rl.tables.result_store import ResultStore, read_result
from linkage_rl.tables.table_writer import TableWriter
from linkage_rl.tables.writer import (
    NestedColumn,
    NestedValues,
    ResultColumns,
    ResultRows,
    ResultWriter,
)
from tests.conftest import _own_database as own_database
from tests.full_disk import disk_with_room_for
from tests.postgres_server import PostgresServer
from tests.stored_table import run_sql

COLUMNS = ResultColumns(
    ("client_id", "decision", "confidence", "run_id", "linked_at"),
    ("売上(%)", "note: it's"),
    (NestedColumn("candidates", "candidate", ("id", "share"), 2),),
    frozenset({"confidence", "share"}),
)
Opener = Callable[[Path, ResultColumns, str, str], ResultWriter]
FILES: dict[str, Opener] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".parquet": ParquetWriter,
}


def rows(*client_ids: str, linked_at: str = "monday") -> ResultRows:
    """Each client is linked; its candidates are as many as its id has characters."""
    n = len(client_ids)
    counts = np.array([len(one) for one in client_ids])
    ids = [f"{one}{place}" for one in client_ids for place in range(len(one))]
    return ResultRows(
        {
            "client_id": client_ids,
            "decision": ["link"] * n,
            "confidence": ["0.5000"] * n,
            "run_id": ["r"] * n,
            "linked_at": [linked_at] * n,
            "売上(%)": [""] * n,
            "note: it's": ['a "b"\n\\c'] * n,
        },
        {"candidates": NestedValues(counts, {"id": ids, "share": ["0.2500"] * len(ids)})},
    )


class Place:
    """Where a writer writes to: the ending of a file, or the URL of a database."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.path, self.kind = folder / f"o{kind}", kind

    def open(self, mark: str = "same input", started: str = "monday") -> ResultWriter:
        if self.kind in FILES:
            return FILES[self.kind](self.path, COLUMNS, mark, started)
        return TableWriter(parse_url(self.kind), "linked", COLUMNS, mark, started)

    def rows(self) -> list[Mapping[str, Any]]:
        """What was written, by the names of the columns."""
        if self.kind == ".csv":
            with self.path.open(newline="", encoding="utf-8") as stream:
                return list(csv.DictReader(stream))
        if self.kind == ".jsonl":
            # not `splitlines`, which also splits at characters that JSON allows within texts
            return [json.loads(line) for line in self.path.read_bytes().split(b"\n") if line]
        if self.kind == ".parquet":
            return list(pq.read_table(self.path).to_pylist())
        return query(self.kind, "SELECT * FROM linked ORDER BY client_id")


def query(url: str, statement: str) -> list[Mapping[str, Any]]:
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(text(statement)).mappings()]
    engine.dispose()
    return list(found)


@pytest.fixture(params=[*FILES, "sqlite", "postgresql", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place of each kind."""
    if request.param in FILES:
        yield Place(tmp_path, request.param)
        return
    with own_database(request, tmp_path) as url:
        yield Place(tmp_path, url)


def test_an_interrupted_run_goes_on_with_the_time_and_counts_of_its_beginning(place: Place) -> None:
    with place.open() as writer:
        writer.write(rows("a", "bb"))
    if place.kind in FILES:
        with Path(f"{place.path}.partial").open("ab") as stream:
            stream.write(b"half a row")

    with place.open(started="tuesday") as writer:
        kept = (writer.finished, dict(writer.counts), writer.started)
        writer.write(rows("c"))
        writer.complete()

    assert kept == (2, {"link": 2}, "monday")
    assert writer.counts == {"link": 3}
    assert [row["client_id"] for row in place.rows()] == ["a", "bb", "c"]


def test_values_come_back_as_they_were(place: Place) -> None:
    with place.open() as writer:
        writer.write(rows("a", "bb"))
        writer.complete()

    one, two = place.rows()
    assert one["note: it's"] == 'a "b"\n\\c'
    assert float(one["confidence"]) == 0.5
    missing = "" if place.kind == ".csv" else None
    assert one["売上(%)"] == missing
    if place.kind in (".jsonl", ".parquet"):
        assert two["candidates"] == [{"id": "bb0", "share": 0.25}, {"id": "bb1", "share": 0.25}]
        assert one["candidates"] == [{"id": "a0", "share": 0.25}]
    else:
        assert (two["candidate_1_id"], two["candidate_2_id"]) == ("bb0", "bb1")
        assert (one["candidate_1_id"], one["candidate_2_id"]) == ("a0", missing)


def test_another_input_starts_again_and_a_finished_run_is_not_continued(place: Place) -> None:
    with place.open("old") as writer:
        writer.write(rows("a"))
    with place.open("new", "tuesday") as writer:
        assert (writer.finished, writer.started) == (0, "tuesday")
        writer.write(rows("bb", linked_at="tuesday"))
        writer.complete()

    with place.open("new", "wednesday") as writer:
        assert (writer.finished, writer.started) == (0, "wednesday")


@pytest.mark.parametrize("ending", FILES)
def test_a_full_disk_keeps_what_is_finished_and_an_older_result(
    tmp_path: Path, ending: str
) -> None:
    place = Place(tmp_path, ending)
    place.path.write_text("older result")
    ids = [f"{number:02}" for number in range(100)]
    with place.open() as writer:
        writer.write(rows(*ids[:50]))
        size = Path(f"{place.path}.partial").stat().st_size
        with disk_with_room_for(size + 10), pytest.raises(OutputError, match="50 finished clients"):
            writer.write(rows(*ids[50:]))
    assert place.path.read_text() == "older result"

    with place.open() as writer:
        writer.write(rows(*ids[50:]))
        writer.complete()
    assert [row["client_id"] for row in place.rows()] == ids
    assert [left.name for left in tmp_path.iterdir()] == [place.path.name]


def test_a_disk_that_is_full_for_the_parquet_file_itself_loses_no_row(tmp_path: Path) -> None:
    place = Place(tmp_path, ".parquet")
    with place.open() as writer:
        writer.write(rows("a", "b"))
        with disk_with_room_for(500), pytest.raises(OutputError, match="2 finished clients"):
            writer.complete()
    assert not place.path.exists()

    with place.open() as writer:
        assert writer.finished == 2
        writer.complete()
    assert len(place.rows()) == 2


def test_a_parquet_file_does_not_depend_on_the_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_writer, "ROW_GROUP", 4)
    ids = [f"{number:02}" for number in range(10)]
    for name, size in (("one", 10), ("three", 3), ("seven", 7)):
        with ParquetWriter(tmp_path / f"{name}.parquet", COLUMNS, "input") as writer:
            for begin in range(0, 10, size):
                writer.write(rows(*ids[begin : begin + size]))
            writer.complete()

    whole = (tmp_path / "one.parquet").read_bytes()
    assert (tmp_path / "three.parquet").read_bytes() == whole
    assert (tmp_path / "seven.parquet").read_bytes() == whole
    assert pq.ParquetFile(tmp_path / "one.parquet").num_row_groups == 3


def test_where_there_are_no_locks_no_file_of_one_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "flock", refuse)

    with only_writer(tmp_path / "o.csv.lock", "o.csv"):
        assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_ids_that_a_database_takes_for_equal_are_refused_at_the_end(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    request.param = "mariadb"
    with own_database(request, tmp_path) as url, Place(tmp_path, url).open() as writer:
        writer.write(rows("a", "A"))
        writer.write(rows("a "))
        with pytest.raises(OutputError, match=r"expected 3 rows of run r in linked, got 2"):
            writer.complete()


def test_a_restart_of_the_database_is_waited_for(tmp_path: Path) -> None:
    # not below `tmp_path`, which the server's own user cannot enter
    folder = Path(tempfile.mkdtemp(prefix="linkage-rl-pg-"))
    server = PostgresServer(folder)
    server.start()
    try:
        with Place(tmp_path, server.url).open() as writer:
            writer.write(rows("a"))
            server.stop()
            again = threading.Timer(1.0, server.start)
            again.start()
            writer.write(rows("b"))
            again.join()
            writer.complete()
        found = query(server.url, "SELECT client_id FROM linked ORDER BY client_id")
        assert [row["client_id"] for row in found] == ["a", "b"]
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://writer:s3cret@127.0.0.1:1/results"
    begin = time.monotonic()

    with pytest.raises(DatabaseError, match="cannot create the table linked") as error:
        Place(tmp_path, url).open()

    assert "s3cret" not in str(error.value)
    assert time.monotonic() - begin < 20


def test_a_pooler_in_transaction_mode_is_written_through(pgbouncer: str) -> None:
    with TableWriter(parse_url(pgbouncer), "results", COLUMNS, "input", "monday") as writer:
        writer.write(rows("a", "b"))
    with TableWriter(parse_url(pgbouncer), "results", COLUMNS, "input", "monday") as writer:
        assert writer.finished == 2
        writer.write(rows("c"))
        writer.complete()
    found = query(pgbouncer, "SELECT client_id FROM results ORDER BY client_id")
    run_sql(pgbouncer, "DROP TABLE results")
    assert [row["client_id"] for row in found] == ["a", "b", "c"]


def test_a_full_disk_names_the_file_of_the_earlier_result(tmp_path: Path) -> None:
    earlier = ({"client_id": str(n), "decision": "x", "note: it's": "x" * 500} for n in range(999))

    with (
        ResultStore(tmp_path / "o.csv.only.db", COLUMNS) as store,
        disk_with_room_for(50_000),
        pytest.raises(OutputError, match=r"result in .*o\.csv\.only\.db: .*; free some space"),
    ):
        store.add(earlier)


RESULT = "client_id,decision,table_state,confidence"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("list.csv", "client_id,name\n1,a\n", "there is no column decision, table_state"),
        ("empty.csv", "", "there is no column client_id, decision, table_state"),
        ("other.csv", f"id{RESULT}\n1,link,s,\n", "there is no column client_id"),
        ("cut.csv", f"{RESULT}\n1,link,s,0.5\n2,li\n", "row 2 has no table_state"),
        ("odd.csv", f"{RESULT}\n1,link,s,high\n", "of client 1 could not convert"),
        ("array.jsonl", "[1]\n", "row 1 has no client_id, decision, table_state"),
        (
            "odd.jsonl",
            '{"client_id": "1", "decision": "link", "table_state": "s", "candidates": 5}',
            "of client 1 'int' object is not iterable",
        ),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, name: str, content: str, found: str) -> None:
    (tmp_path / name).write_text(content)

    with ResultStore(tmp_path / "store.db", COLUMNS) as store:
        with pytest.raises(InputFileError, match=f"expected the earlier result .* {found}"):
            store.add(read_result(tmp_path / name))
        assert store.find(["1"]) == [None]
