"""Reads companies and client lists from CSV and Parquet files of any length."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from linkage_rl.errors import InputFileError
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.csv_file import open_csv
from linkage_rl.tables.parquet_file import open_parquet
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

CHUNK: Final = 50_000
"""Rows read at once; about 30 MB of texts."""


@dataclass(frozen=True)
class ClientList:
    """N clients in the order of their file."""

    records: RecordBatch
    truth: Sequence[str] | None
    """Right company id of each client, '' where the table has none, several joined by '|'; None if
    the file has no such column."""
    extra: Mapping[str, Sequence[str]]
    """Other columns of the file, by name in the order of the file, N texts each."""

    def __len__(self) -> int:
        return len(self.records)


class ColumnFile(Protocol):
    """A file that is read in blocks of columns."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of its columns."""

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one sequence of texts per column."""

    def place(self, row: int) -> str:
        """Place of data row number `row` in words."""


def read_companies(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    size: int = CHUNK,
) -> Iterator[CompanyRows]:
    """Companies of a file, `size` at a time.

    Faults are found while reading; `CompanyStore.load` then loads nothing of the file.

    Args:
        path: CSV file, or Parquet file ending in .parquet.
        mapping: Which columns hold what.
        encoding: Of a CSV file; '' guesses.
        size: Rows per chunk.

    Raises:
        SchemaError: A column is missing.
        InputFileError: The file is missing, empty, malformed, or repeats an id.
    """
    file = _open(path, encoding)
    columns = mapping.of_companies(file.header, f"company file {path}")
    for texts in _checked(file, columns["company_id"], size):
        empty = [""] * len(texts[columns["company_id"]])
        yield CompanyRows(
            _records(texts, columns, "company_id"),
            updated_at=texts.get(columns.get("updated_at", ""), empty),
            closed_at=texts.get(columns.get("closed_at", ""), empty),
        )


def iter_clients(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    size: int = CHUNK,
) -> Iterator[ClientList]:
    """Clients of a list of any length, `size` at a time, in the order of the file.

    Arguments and errors are those of `read_companies`. To find every fault before the first client
    is linked, call `count_clients` first.
    """
    file = _open(path, encoding)
    columns = mapping.of_clients(file.header, f"client list {path}")
    for texts in _checked(file, columns["client_id"], size):
        yield ClientList(
            _records(texts, columns, "client_id"),
            truth=texts.get(columns.get("company_id", "")),
            extra={name: texts[name] for name in file.header if name not in columns.values()},
        )


def count_clients(
    path: Path, mapping: ColumnMapping = CANONICAL, *, encoding: str = "", size: int = CHUNK
) -> int:
    """Number of clients in a list; reads the file to its end, so any fault is found."""
    return sum(map(len, iter_clients(path, mapping, encoding=encoding, size=size)))


def read_clients(
    path: Path, mapping: ColumnMapping = CANONICAL, *, encoding: str = "", size: int = CHUNK
) -> ClientList:
    """All clients of a list; see `iter_clients`."""
    parts = list(iter_clients(path, mapping, encoding=encoding, size=size))
    fields = parts[0].records.columns
    return ClientList(
        RecordBatch(
            _joined([part.records.ids for part in parts]),
            {field: _joined([part.records.columns[field] for part in parts]) for field in fields},
        ),
        truth=None
        if parts[0].truth is None
        else _joined([part.truth for part in parts if part.truth is not None]),
        extra={name: _joined([part.extra[name] for part in parts]) for name in parts[0].extra},
    )


def _open(path: Path, encoding: str) -> ColumnFile:
    return open_parquet(path) if path.suffix == ".parquet" else open_csv(path, encoding)


def _checked(file: ColumnFile, key: str, size: int) -> Iterator[dict[str, Sequence[str]]]:
    """Blocks of columns by name; refuses missing and repeated keys and files without rows."""
    # hashes take 8 bytes per id; the ids of a long list would not fit into memory
    hashes = array("q")
    for columns in file.blocks(size):
        texts = dict(zip(file.header, columns, strict=True))
        if "" in texts[key]:
            place = file.place(len(hashes) + list(texts[key]).index(""))
            raise InputFileError(f"{file.path} {place}: {key} is empty; give every row an id")
        hashes.extend(map(hash, texts[key]))
        yield texts
    if not hashes:
        raise InputFileError(f"expected rows in {file.path}, got only a header")
    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64))
    suspects = set(ordered[:-1][ordered[1:] == ordered[:-1]].tolist())
    if suspects:
        _refuse_repeated(file, key, size, suspects)


def _refuse_repeated(file: ColumnFile, key: str, size: int, suspects: set[int]) -> None:
    """Read the file again to distinguish equal ids from equal hashes."""
    first: dict[str, int] = {}
    row = 0
    for columns in file.blocks(size):
        for text in columns[file.header.index(key)]:
            if hash(text) in suspects and first.setdefault(text, row) != row:
                raise InputFileError(
                    f"{file.path} {file.place(row)}: {key} {text!r} is already used on "
                    f"{file.place(first[text])}; give every row a different id"
                )
            row += 1


def _records(
    texts: Mapping[str, Sequence[str]], columns: Mapping[str, str], key: str
) -> RecordBatch:
    return RecordBatch(
        texts[columns[key]],
        {field: texts[columns[field]] for field in FIELDS if field in columns},
    )


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    return [text for part in parts for text in part]
