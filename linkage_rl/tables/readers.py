"""Reads companies and client lists from CSV, workbooks and Parquet files of any length."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from linkage_rl.errors import InputFileError
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.closing import closed_by, read_closed_when
from linkage_rl.tables.csv_file import open_csv
from linkage_rl.tables.headers import Recognition, known_words, recognise
from linkage_rl.tables.parquet_file import open_parquet
from linkage_rl.tables.schema import CANONICAL, ColumnMapping, join_texts
from linkage_rl.tables.xlsx_file import ENDINGS, open_sheet

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
    begin: int = 0
    """Clients of the file before these."""

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

    @property
    def about(self) -> tuple[str, ...]:
        """What is to be said of how it is read: sheet, row of the header, separator, encoding."""

    @property
    def below(self) -> tuple[tuple[str, ...], ...]:
        """Some of its first rows, one text per column."""

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one sequence of texts per column."""

    def place(self, row: int) -> str:
        """Place of data row number `row` in words."""


@dataclass(frozen=True)
class OpenedFile:
    """A file of companies or clients whose header has been read."""

    file: ColumnFile
    recognition: Recognition

    @property
    def mapping(self) -> ColumnMapping:
        """Which of its columns holds what, by the user's mapping or recognised."""
        return self.recognition.mapping

    @property
    def header(self) -> tuple[str, ...]:
        """Its columns, and last the joined ones of fields that are spread over several."""
        joined = (getattr(self.mapping, name) for name in self.mapping.joined(self.file.header))
        return (*self.file.header, *dict.fromkeys(joined))

    def __str__(self) -> str:
        """How it is read, where that is not as in most files: 'a.csv: cp932; 会社名 -> name'."""
        said = "; ".join(filter(None, (", ".join(self.file.about), str(self.recognition))))
        return f"{self.file.path}: {said}" if said else ""


def open_companies(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
) -> OpenedFile:
    """Read the header of a company file; arguments and errors are those of `read_companies`."""
    file = _open(path, mapping, encoding, sheet, header_row)
    return OpenedFile(file, recognise(mapping, file.header, "company_id", file.below))


def open_clients(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
) -> OpenedFile:
    """Read the header of a client list; arguments and errors are those of `read_companies`."""
    file = _open(path, mapping, encoding, sheet, header_row)
    return OpenedFile(file, recognise(mapping, file.header, "client_id", file.below))


def read_companies(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
    size: int = CHUNK,
) -> Iterator[CompanyRows]:
    """Companies of a file, `size` at a time.

    Faults are found while reading; `CompanyStore.load` then loads nothing of the file.

    Args:
        path: CSV file, or a workbook or Parquet file with the ending of one.
        mapping: Which columns hold what; others are recognised by their headers.
        encoding: Of a CSV file; '' guesses.
        sheet: Of a workbook; '' takes the one with the likeliest header.
        header_row: Row of the header, counted from 1; 0 finds it.
        size: Rows per chunk.

    Raises:
        SchemaError: A column is missing.
        InputFileError: The file is missing, empty, malformed, or repeats an id.
    """
    opened = open_companies(path, mapping, encoding=encoding, sheet=sheet, header_row=header_row)
    what = f"company file {path}"
    columns = opened.mapping.of_companies(opened.header, what)
    conditions = read_closed_when(opened.mapping.closed_when)
    for texts in _checked(opened, columns["company_id"], size):
        ids = texts[columns["company_id"]]
        yield CompanyRows(
            _records(texts, columns, ids),
            updated_at=texts.get(columns.get("updated_at", ""), [""] * len(ids)),
            closed_at=closed_by(
                texts.__getitem__, columns.get("closed_at", ""), conditions, len(ids), what
            ),
        )


def iter_clients(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
    size: int = CHUNK,
) -> Iterator[ClientList]:
    """Clients of a list of any length, `size` at a time, in the order of the file.

    Arguments and errors are those of `read_companies`. To find every fault before the first client
    is linked, call `count_clients` first. Clients of a list without ids are numbered from 1.
    """
    opened = open_clients(path, mapping, encoding=encoding, sheet=sheet, header_row=header_row)
    columns = opened.mapping.of_clients(opened.header, f"client list {path}")
    key, rows = columns.get("client_id", ""), 0
    for texts in _checked(opened, key, size):
        read = len(texts[opened.header[0]])
        ids = texts[key] if key else [str(rows + place) for place in range(1, read + 1)]
        rows += read
        yield ClientList(
            _records(texts, columns, ids),
            truth=texts.get(columns.get("company_id", "")),
            extra={n: texts[n] for n in opened.file.header if n not in columns.values()},
            begin=rows - read,
        )


def count_clients(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
    size: int = CHUNK,
) -> int:
    """Number of clients in a list; reads the file to its end, so any fault is found."""
    clients = iter_clients(
        path, mapping, encoding=encoding, sheet=sheet, header_row=header_row, size=size
    )
    return sum(map(len, clients))


def read_clients(
    path: Path,
    mapping: ColumnMapping = CANONICAL,
    *,
    encoding: str = "",
    sheet: str = "",
    header_row: int = 0,
    size: int = CHUNK,
) -> ClientList:
    """All clients of a list; see `iter_clients`."""
    parts = list(
        iter_clients(
            path, mapping, encoding=encoding, sheet=sheet, header_row=header_row, size=size
        )
    )
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


def _open(
    path: Path, mapping: ColumnMapping, encoding: str, sheet: str, header_row: int
) -> ColumnFile:
    ending = path.suffix.lower()
    known = known_words(mapping)
    if ending in ENDINGS:
        return open_sheet(path, sheet, known, header_row)
    if sheet:
        raise InputFileError(
            f"{path} is no workbook ({', '.join(ENDINGS)}), got sheet={sheet}; leave it out"
        )
    return (
        open_parquet(path) if ending == ".parquet" else open_csv(path, encoding, known, header_row)
    )


def _checked(opened: OpenedFile, key: str, size: int) -> Iterator[dict[str, Sequence[str]]]:
    """Blocks of columns by name; refuses missing and repeated keys and files without rows.

    The key '' is for lists without one.
    """
    file = opened.file
    joined = opened.mapping.joined(file.header)
    # hashes take 8 bytes per id; the ids of a long list would not fit into memory
    hashes = array("q")
    for columns in file.blocks(size):
        texts = dict(zip(file.header, columns, strict=True))
        for field, parts in joined.items():
            spread = [texts[part] for part in parts]
            texts[getattr(opened.mapping, field)] = join_texts(field, spread)
        if not key:
            hashes.append(len(hashes))
        elif "" in texts[key]:
            place = file.place(len(hashes) + list(texts[key]).index(""))
            raise InputFileError(
                f"{file.path} {place}: {key} is empty; give every row an id{_or_numbers(opened)}"
            )
        else:
            hashes.extend(map(hash, texts[key]))
        yield texts
    if not hashes:
        raise InputFileError(f"expected rows in {file.path}, got only a header")
    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64))
    suspects = set(ordered[:-1][ordered[1:] == ordered[:-1]].tolist())
    if suspects:
        _refuse_repeated(opened, key, size, suspects)


def _refuse_repeated(opened: OpenedFile, key: str, size: int, suspects: set[int]) -> None:
    """Read the file again to distinguish equal ids from equal hashes."""
    file = opened.file
    first: dict[str, int] = {}
    row = 0
    for columns in file.blocks(size):
        for text in columns[file.header.index(key)]:
            if hash(text) in suspects and first.setdefault(text, row) != row:
                raise InputFileError(
                    f"{file.path} {file.place(row)}: {key} {text!r} is already used on "
                    f"{file.place(first[text])}; give every row a different id"
                    f"{_or_numbers(opened)}"
                )
            row += 1


def _or_numbers(opened: OpenedFile) -> str:
    """The other remedy where the id of a client was recognised, not named."""
    guessed = "client_id" in opened.recognition.found.values()
    return ", or number the rows with columns.client_id=''" if guessed else ""


def _records(
    texts: Mapping[str, Sequence[str]], columns: Mapping[str, str], ids: Sequence[str]
) -> RecordBatch:
    return RecordBatch(
        ids,
        {field: texts[columns[field]] for field in FIELDS if field in columns},
    )


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    return [text for part in parts for text in part]
