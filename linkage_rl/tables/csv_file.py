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

MAX_FIELD: Final = 1 << 24
"""Characters of a field; a longer one is the rest of a file behind a quote that nobody closed."""
MAX_CELLS: Final = 1 << 23
"""Cells that are held at once, however many columns a file has."""
MAX_HEAD_BYTES: Final = 1 << 26
"""Bytes within which a file has its header and a row."""

FAULTS: Final = {
    "unexpected end of data": "a quote is opened and never closed",
    "field larger than field limit": (
        f"a field has more than {MAX_FIELD:,} characters, as one whose quote is never closed"
    ),
    "expected after": "text follows a closing quote",
}
"""Message of the csv module to a clearer one."""

# the limit of the csv module is one of the whole process
csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))


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
            InputFileError: A row is ragged, badly quoted or undecodable.
        """
        size = max(1, min(size, MAX_CELLS // self.layout.width))
        with open_text(self.path, self.encoding) as stream:
            reader = csv.reader(stream, strict=True, delimiter=self.separator)
            rows = islice(reader, self.layout.row + 1, None)
            first = self._taken(rows, 1)
            while first:
                lines = first + self._taken(rows, size - 1)
                first = self._taken(rows, 1)
                if columns := self._columns(lines, is_last=not first):
                    yield columns

    def _taken(self, rows: Iterator[list[str]], size: int) -> list[list[str]]:
        """Up to `size` of the next rows."""
        try:
            return list(islice(rows, size))
        except (csv.Error, UnicodeDecodeError):
            raise self._fault() from None

    def place(self, row: int) -> str:
        """Where data row number `row`, counted from 0, begins in the file: 'line 7'."""
        starts = (line for line, fields in self._numbered() if not is_blank(fields))
        return f"line {next(islice(starts, row + 1, None))}"

    def _columns(self, rows: list[list[str]], is_last: bool) -> list[Sequence[str]]:
        columns = self.layout.columns([row for row in rows if row])
        if columns is None:
            raise self._fault()
        if is_last and columns and columns[-1][-1].endswith("\x1a"):
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
    head = _head(path)
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
    is_cut = path.stat().st_size > len(head)
    rows = {one: _first_rows(text, one, header_row, is_cut) for one in SEPARATORS}
    separator = _separator(rows, known) if known else ","
    layout = read_header(rows[separator], known, header_row, str(path))
    below = layout.columns(
        [row for row in rows[separator][layout.row + 1 :] if row and not layout.fault(row)]
    )
    return CsvFile(path, encoding, layout, separator, tuple(zip(*below or (), strict=True)))


def _head(path: Path) -> bytes:
    """The first bytes of a file: more than usual where its rows are that long.

    Raises:
        InputFileError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            while head.count(b"\n") + head.count(b"\r") < 2 and len(head) < MAX_HEAD_BYTES:
                more = stream.read(len(head))
                if not more:
                    break
                head += more
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}; check the path") from None
    return head


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text file without translating its line breaks, as the csv module needs it."""
    return path.open(encoding=encoding, newline="")


def _first_rows(text: str, separator: str, header_row: int, is_cut: bool) -> list[list[str]]:
    """The first rows of a text, up to a fault, which reading will find again.

    Args:
        text: Beginning of a file.
        separator: Between its fields.
        header_row: Row of the header, counted from 1; 0 where it has to be found.
        is_cut: Whether the file goes on behind the text, so that its last row is not whole.
    """
    rows: list[list[str]] = []
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    wanted = header_row + HEAD_ROWS
    with suppress(csv.Error):
        rows.extend(islice(reader, wanted))
    return rows[:-1] if is_cut and 1 < len(rows) < wanted else rows


def _separator(rows: dict[str, list[list[str]]], known: frozenset[str]) -> str:
    """The separator with which the header has most known words, else most columns in every row."""

    def likeliness(separator: str) -> tuple[int, int]:
        filled = [row for row in rows[separator] if not is_blank(row)]
        if not filled:
            return 0, 0
        header = find_header(filled, known)
        return words_in(filled[header], known), min(map(len, filled[header:]))

    return max(SEPARATORS, key=likeliness)
