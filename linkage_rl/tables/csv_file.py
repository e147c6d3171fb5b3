"""Strict CSV: an error names the line of the file and what to do about it.

Separator, encoding and the row of the header are found in the first bytes of the file.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from linkage_rl.errors import InputFileError
from linkage_rl.tables.encodings import (
    HEAD_BYTES,
    WORKBOOK_MARKS,
    decoded,
    encoding_of,
    undecodable,
)
from linkage_rl.tables.headers import (
    HEAD_ROWS,
    Header,
    find_header,
    is_blank,
    read_header,
    words_in,
)

SEPARATORS: Final = {
    ",": "",
    "\t": "tab-separated",
    ";": "semicolon-separated",
    "|": "separated by |",
}
"""Separators that are recognised, the usual one first, each with what is said of the file."""

FAULTS: Final = {
    "unexpected end of data": "a quote is opened and never closed",
    "field larger than field limit": "a quote is opened and never closed",
    "expected after": "text follows a closing quote",
}
"""Message of the csv module to a clearer one."""


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header has been read; `blocks` reads its rows as columns."""

    path: Path
    encoding: str
    layout: Header
    separator: str = ","
    below: tuple[tuple[str, ...], ...] = ()
    """The first rows, one text per column."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of its columns."""
        return self.layout.names

    @property
    def about(self) -> tuple[str, ...]:
        """What is not as in most files: the row of the header, the separator, the encoding."""
        row = self.layout.row
        encoding = "" if self.encoding.lower().startswith("utf-8") else self.encoding
        parts = (f"header in row {row + 1}" if row else "", SEPARATORS[self.separator], encoding)
        return tuple(filter(None, parts))

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one sequence of texts per column; blank rows are skipped.

        Raises:
            InputFileError: A row is ragged, badly quoted, undecodable, or holds a NUL.
        """
        with open_text(self.path, self.encoding) as stream:
            reader = csv.reader(stream, strict=True, delimiter=self.separator)
            for _ in range(self.layout.row + 1):
                next(reader)
            while True:
                try:
                    lines = list(islice(reader, size))
                except (csv.Error, UnicodeDecodeError):
                    raise self._fault() from None
                if not lines:
                    return
                if columns := self._columns(lines):
                    yield columns

    def place(self, row: int) -> str:
        """Where data row number `row`, counted from 0, begins in the file: 'line 7'."""
        starts = (line for line, fields in self._numbered() if not is_blank(fields))
        return f"line {next(islice(starts, row + 1, None))}"

    def _columns(self, rows: list[list[str]]) -> list[Sequence[str]]:
        columns = self.layout.columns([row for row in rows if row])
        if columns is None:
            raise self._fault()
        if any("\0" in "".join(column) for column in columns):
            raise self._fault()
        if columns and columns[-1][-1].endswith("\x1a"):
            columns[-1] = [*columns[-1][:-1], columns[-1][-1].rstrip("\x1a")]
        return columns

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """The header and every record below it, with the line on which it begins."""
        with open_text(self.path, self.encoding) as stream:
            reader = csv.reader(stream, strict=True, delimiter=self.separator)
            line = 1
            for place, row in enumerate(reader):
                if place >= self.layout.row:
                    yield line, row
                line = reader.line_num + 1

    def _fault(self) -> InputFileError:
        """Read the file again, line by line, to name the line of its first fault."""
        line = 1
        try:
            for place, (start, row) in enumerate(self._numbered()):
                line = start + 1 + sum(text.count("\n") for text in row)
                if place and (fault := self.layout.fault(row)):
                    return self._at(start, fault)
                if "\0" in "".join(row):
                    return self._at(start, "a field holds a NUL character; remove it")
        except csv.Error as error:
            problem = next((ours for theirs, ours in FAULTS.items() if theirs in str(error)), error)
            return self._at(line, f"{problem}; close it, and double every quote inside a field")
        except UnicodeDecodeError:
            pass
        return undecodable(self.path, self.encoding)

    def _at(self, line: int, problem: str) -> InputFileError:
        return InputFileError(f"{self.path} line {line}: {problem}")


def open_csv(
    path: Path,
    encoding: str = "",
    known: frozenset[str] = frozenset(),
    header_row: int = 0,
) -> CsvFile:
    """Read the header of a CSV file.

    Args:
        path: The file.
        encoding: Its encoding; '' recognises UTF-8, UTF-16 and Shift-JIS.
        known: Folded headers by which separator and header are found; without any the separator is
            a comma, and the header is the first row that is not blank.
        header_row: Row of the header, counted from 1; 0 finds it.

    Raises:
        InputFileError: The file is missing, empty, undecodable, or its header repeats a column.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}; check the path") from None
    if not head.strip():
        raise InputFileError(f"expected a header and rows in {path}, got an empty file")
    if head.startswith(WORKBOOK_MARKS):
        raise InputFileError(
            f"expected CSV in {path}, got a workbook; give it the ending of one, as .xlsx"
        )
    encoding = encoding_of(path, head, encoding)
    text = decoded(head, encoding)
    if text is None:
        raise undecodable(path, encoding)
    rows = {separator: _first_rows(text, separator, header_row) for separator in SEPARATORS}
    separator = _separator(rows, known) if known else ","
    layout = read_header(rows[separator], known, header_row, str(path))
    below = layout.columns(
        [row for row in rows[separator][layout.row + 1 :] if row and not layout.fault(row)]
    )
    return CsvFile(path, encoding, layout, separator, tuple(zip(*below or (), strict=True)))


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text file without translating its line breaks, as the csv module needs it."""
    return path.open(encoding=encoding, newline="")


def _first_rows(text: str, separator: str, header_row: int) -> list[list[str]]:
    """The first rows of a text, up to a fault, which reading will find again."""
    rows: list[list[str]] = []
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    with suppress(csv.Error):
        rows.extend(islice(reader, header_row + HEAD_ROWS))
    return rows


def _separator(rows: dict[str, list[list[str]]], known: frozenset[str]) -> str:
    """The separator with which the header has most known words, else most columns in every row."""

    def likeliness(separator: str) -> tuple[int, int]:
        filled = [row for row in rows[separator] if not is_blank(row)]
        if not filled:
            return 0, 0
        header = find_header(filled, known)
        return words_in(filled[header], known), min(map(len, filled[header:]))

    return max(SEPARATORS, key=likeliness)
