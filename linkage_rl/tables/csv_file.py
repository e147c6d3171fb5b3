"""Strict CSV: an error names the line of the file and what to do about it."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from linkage_rl.errors import InputFileError

HEAD_BYTES: Final = 1 << 20
"""Bytes at the beginning of a file that are read to guess its encoding."""

BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", b"\xfe\xff": "utf-16"}

MAX_ACCIDENTAL_UTF8: Final = 0.2
"""Share of non-ASCII lines that may be valid UTF-8 in a Shift-JIS file. A Shift-JIS line is rarely
valid UTF-8, but broken UTF-8 is often valid Shift-JIS."""

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
    header: tuple[str, ...]

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one sequence of texts per column; blank lines are skipped.

        Raises:
            InputFileError: A row is ragged, badly quoted, undecodable, or holds a NUL.
        """
        with open_text(self.path, self.encoding) as stream:
            reader = csv.reader(stream, strict=True)
            next(reader)
            while True:
                try:
                    lines = list(islice(reader, size))
                except (csv.Error, UnicodeDecodeError):
                    raise self._fault() from None
                if not lines:
                    return
                if rows := [row for row in lines if row]:
                    yield self._columns(rows)

    def place(self, row: int) -> str:
        """Where data row number `row`, counted from 0, begins in the file: 'line 7'."""
        starts = (line for line, fields in self._numbered() if fields)
        return f"line {next(islice(starts, row + 1, None))}"

    def _columns(self, rows: list[list[str]]) -> list[Sequence[str]]:
        if set(map(len, rows)) != {len(self.header)}:
            raise self._fault()
        columns: list[Sequence[str]] = list(zip(*rows, strict=True))
        if any("\0" in "".join(column) for column in columns):
            raise self._fault()
        return columns

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Every record, the header included, with the line on which it begins."""
        with open_text(self.path, self.encoding) as stream:
            reader = csv.reader(stream, strict=True)
            line = 1
            for row in reader:
                yield line, row
                line = reader.line_num + 1

    def _fault(self) -> InputFileError:
        """Read the file again, line by line, to name the line of its first fault."""
        line = 1
        try:
            for start, row in self._numbered():
                line = start + 1 + sum(text.count("\n") for text in row)
                if row and len(row) != len(self.header):
                    return self._at(
                        start,
                        f"expected {len(self.header)} fields as in the header, got {len(row)}; "
                        "quote fields that hold commas",
                    )
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


def open_csv(path: Path, encoding: str = "") -> CsvFile:
    """Read the header of a CSV file.

    Args:
        path: The file.
        encoding: Its encoding; '' recognises UTF-8, UTF-16 with a byte order mark, and Shift-JIS.

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
    encoding = encoding or guess_encoding(head)
    try:
        with open_text(path, encoding) as stream:
            header = next(csv.reader(stream, strict=True), [])
    except UnicodeDecodeError:
        raise undecodable(path, encoding) from None
    except csv.Error as error:
        raise InputFileError(f"{path} line 1: {error}; write one header line") from None
    if not header:
        raise InputFileError(f"{path} line 1: expected a header, got an empty line; write one")
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise InputFileError(f"{path} line 1: columns {repeated} occur twice; rename one of each")
    return CsvFile(path, encoding, tuple(header))


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text file without translating its line breaks, as the csv module needs it.

    Raises:
        InputFileError: Python knows no such encoding.
    """
    try:
        return path.open(encoding=encoding, newline="")
    except LookupError:
        raise InputFileError(
            f"expected an encoding such as utf-8 or cp932 for {path}, got {encoding!r}"
        ) from None


def guess_encoding(head: bytes) -> str:
    """Encoding of a file that begins with these bytes; UTF-8 unless they are not valid UTF-8.

    >>> guess_encoding("株式会社".encode("cp932"))
    'cp932'
    """
    for mark, encoding in BOMS.items():
        if head.startswith(mark):
            return encoding
    if _decoded(head, "utf-8") is not None or _decoded(head, "cp932") is None:
        return "utf-8"
    odd = [line for line in head.splitlines() if not line.isascii()]
    readable = sum(_decoded(line, "utf-8") is not None for line in odd)
    return "utf-8" if readable > MAX_ACCIDENTAL_UTF8 * len(odd) else "cp932"


def undecodable(path: Path, encoding: str) -> InputFileError:
    """The error for a file that is not in this encoding; names the first line that is not."""
    place = ""
    if not encoding.startswith("utf-16"):
        with path.open("rb") as stream:
            lines = enumerate(stream, 1)
            bad = next((line for line, raw in lines if _decoded(raw, encoding) is None), None)
        place = f" line {bad}" if bad else ""
    return InputFileError(
        f"{path}{place}: the bytes are not {encoding}; save the file as UTF-8, or name its "
        "encoding, as in encoding=cp932"
    )


def _decoded(raw: bytes, encoding: str) -> str | None:
    """The text without a character cut off at its end; None if it is not in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return None
