"""Reads results that were written before, and looks up their rows by client."""

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Self, TextIO

import numpy as np
from sqlalchemy.engine import URL

from linkage_rl.errors import ConfigError, InputFileError, OutputError
from linkage_rl.tables.arrow import has_parquet, pq
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.csv_text import as_written
from linkage_rl.tables.ddl import split_name
from linkage_rl.tables.engine import database_errors, open_engine
from linkage_rl.tables.streaming import BLOCK, streamed
from linkage_rl.tables.writer import NestedColumn, NestedValues, ResultColumns, ResultRows

Stored = Mapping[str, Any]
"""Name of each column to its text, of nested ones to a list of entries, of texts, too."""

REQUIRED: Final = ("client_id", "decision", "table_state")
"""Columns that every row of a result has a text in."""


def read_result(place: Path | URL, table: str = "") -> Iterator[Mapping[str, Any]]:
    """The rows of a result as they were written, column to value.

    Apostrophes that a CSV file got before formulas are taken off.

    Args:
        place: A .csv, .jsonl or .parquet file, or a database.
        table: Table of the database; its latest row of a client comes last.

    Raises:
        InputFileError: The file is missing or damaged, or is no result.
        DatabaseError: The database cannot be read.
    """
    if isinstance(place, URL):
        rows, name = _table_rows(place, table), f"{shown(place)} {table}"
    else:
        rows, name = _file_rows(place), str(place)
    for number, row in enumerate(rows, start=1):
        lacking = [one for one in REQUIRED if not row.get(one)]
        if lacking:
            raise _no_result(name, f"row {number:,} has no {', '.join(lacking)}")
        yield row


def _no_result(name: str, found: str) -> InputFileError:
    return InputFileError(
        f"expected the earlier result {name} to be what link wrote, with {', '.join(REQUIRED)} of "
        f"every client, but {found}; name another one with previous="
    )


def _file_rows(place: Path) -> Iterator[Mapping[str, Any]]:
    ending = place.suffix.lower()
    try:
        if ending == ".parquet":
            if not has_parquet():
                raise ConfigError(
                    f"reading {place} needs pyarrow, which is not installed; "
                    "pip install 'linkage_rl[parquet]'"
                )
            with pq.ParquetFile(place) as stream:
                for batch in stream.iter_batches(BLOCK):
                    yield from batch.to_pylist()
            return
        is_json = ending in (".jsonl", ".ndjson")
        with place.open(newline="\n" if is_json else "", encoding="utf-8-sig") as stream:
            if is_json:
                for line in stream:
                    row = json.loads(line)
                    # a line of JSON may be anything
                    yield row if isinstance(row, dict) else {}
            else:
                yield from _csv_rows(place, stream)
    except (OSError, ValueError, csv.Error) as error:
        raise InputFileError(
            f"cannot read the earlier result {place}: {error}; name another one with previous="
        ) from None


def _csv_rows(place: Path, stream: TextIO) -> Iterator[Mapping[str, Any]]:
    reader = as_written(stream)
    header = next(reader, [])
    if lacking := [name for name in REQUIRED if name not in header]:
        raise _no_result(str(place), f"there is no column {', '.join(lacking)}")
    for row in filter(None, reader):
        yield dict(zip(header, row, strict=False))


def _table_rows(url: URL, table: str) -> Iterator[Mapping[str, Any]]:
    engine = open_engine(url, read_only=True)
    quote = engine.dialect.identifier_preparer.quote
    schema, name = split_name(table)
    source = f"{f'{quote(schema)}.' if schema else ''}{quote(name)}"
    with database_errors(url, f"read the earlier result {table}"):
        try:
            with streamed(engine, f"SELECT * FROM {source} ORDER BY linked_at") as result:
                for row in result.mappings():
                    yield dict(row)
        finally:
            engine.dispose()


class ResultStore:
    """Rows of results in a file of SQLite, by client; of several of one client the last one."""

    def __init__(self, path: Path, columns: ResultColumns) -> None:
        """Open the store, or create an empty one.

        Args:
            path: The file.
            columns: Columns of the results.

        Raises:
            OutputError: The file cannot be written.
        """
        self._columns, self._path = columns, path
        with self._faults():
            self._connection = sqlite3.connect(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS results "
                "(client_id TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the rows of a result, all of them or none.

        Raises:
            InputFileError: A number is none, or entries are no list of entries.
            OutputError: The disk is full.
        """
        with self._faults(), self._connection:
            rest = iter(rows)
            while part := list(islice(rest, BLOCK)):
                self._connection.executemany(
                    "INSERT OR REPLACE INTO results VALUES (?, ?)",
                    [(_key(str(row["client_id"])), self._content(row)) for row in part],
                )

    def find(self, client_ids: Sequence[str]) -> list[Stored | None]:
        """The row of each of N clients, None where there is none."""
        keys = list(map(_key, client_ids))
        with self._faults():
            rows = self._connection.execute(
                "SELECT client_id, content FROM results "
                "WHERE client_id IN (SELECT value FROM json_each(?))",
                (json.dumps(keys),),
            ).fetchall()
        found = {key: json.loads(content) for key, content in rows}
        return [found.get(key) for key in keys]

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"cannot keep the earlier result in {self._path}: {error}; free some space or "
                "choose another folder for the output, then start again"
            ) from None

    def _content(self, row: Mapping[str, Any]) -> bytes:
        text = json.dumps(self._stored(row), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")

    def _stored(self, row: Mapping[str, Any]) -> Stored:
        columns = self._columns
        names = (*columns.decision, *columns.own)
        try:
            return {
                **{name: _text(row.get(name), name in columns.numbers) for name in names},
                **{each.name: _entries(row, each, columns.numbers) for each in columns.nested},
            }
        except (TypeError, ValueError, AttributeError) as error:
            raise InputFileError(
                f"expected the earlier result to be what link wrote, but of client "
                f"{row['client_id']} {error}; name another one with previous="
            ) from None


def _key(client_id: str) -> str:
    """An id as a literal of JSON: SQLite's own JSON functions cut a text at a NUL."""
    return json.dumps(client_id)


def result_rows(columns: ResultColumns, stored: Sequence[Stored]) -> ResultRows:
    """Rows that were stored as the rows of a chunk."""
    nested = {}
    for column in columns.nested:
        entries = [row[column.name] for row in stored]
        flat = list(chain.from_iterable(entries))
        nested[column.name] = NestedValues(
            np.array([len(mine) for mine in entries], dtype=np.int64),
            {name: [entry[name] for entry in flat] for name in column.fields},
        )
    names = (*columns.decision, *columns.own)
    return ResultRows({name: [row[name] for row in stored] for name in names}, nested)


def _entries(
    row: Mapping[str, Any], column: NestedColumn, numbers: frozenset[str]
) -> list[dict[str, str]]:
    """The entries of a nested column, or of the flat ones that stand for it."""
    if column.name in row:
        return [
            {name: _text(entry.get(name), name in numbers) for name in column.fields}
            for entry in row[column.name] or ()
        ]
    names = [
        {name: f"{column.single}_{place}_{name}" for name in column.fields}
        for place in range(1, column.width + 1)
    ]
    entries = [
        {name: _text(row.get(flat), name in numbers) for name, flat in places.items()}
        for places in names
    ]
    return [entry for entry in entries if any(entry.values())]


def _text(value: object, number: bool) -> str:
    if value is None or value == "":
        return ""
    return f"{float(str(value)):.4f}" if number else str(value)
