"""A CSV list of clients, and a results file that an interrupted program can resume."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final, Self

FIELDS: Final = (
    *("name", "name_kana", "name_en", "postal_code", "prefecture", "city", "street"),
    *("phone", "url", "corporate_number"),
)
"""Fields of clients and companies."""
CLIENT_COLUMNS: Final = ("client_id", *FIELDS, "address")


class LinkingError(Exception):
    """The list cannot be linked; the text is one sentence for the user."""


@dataclass
class Progress:
    """How much of the results is safely on disk."""

    job: str
    """Digest of the list, the endpoint and the options."""
    clients: int = 0
    bytes: int = 0


class Results:
    """The results file: written under a temporary name, with a progress file, until complete.

    To be used in a `with` statement.
    """

    def __init__(self, path: Path, job: str, columns: Sequence[str]) -> None:
        """Resume what an earlier run has written for the same job; otherwise start a new file."""
        self._path, self._partial, self._progress_path, self._replacement = output_files(path)
        self.progress = self._read_progress(job)
        self._file = self._partial.open("r+b" if self.progress.bytes else "wb")
        self._file.truncate(self.progress.bytes)
        self._file.seek(self.progress.bytes)
        if not self.progress.bytes:
            self._write([columns], clients=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows, and record the progress once they are on disk."""
        self._write(rows, clients=len(rows))

    def finish(self) -> None:
        """Give the file its final name."""
        self._partial.replace(self._path)
        self._progress_path.unlink(missing_ok=True)

    def _write(self, rows: Iterable[Sequence[object]], clients: int) -> None:
        # with this terminator the writer quotes fields that hold a carriage return, too
        lines = [_csv_line(row).removesuffix("\r\n") + "\n" for row in rows]
        self._file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self._file.flush()
        os.fsync(self._file.fileno())
        written = self.progress.clients + clients
        self.progress = Progress(self.progress.job, written, self._file.tell())
        self._replacement.write_text(json.dumps(asdict(self.progress)), encoding="utf-8")
        self._replacement.replace(self._progress_path)

    def _read_progress(self, job: str) -> Progress:
        with suppress(OSError, ValueError, TypeError):
            progress = Progress(**json.loads(self._progress_path.read_text(encoding="utf-8")))
            if progress.job == job and self._partial.stat().st_size >= progress.bytes:
                return progress
        return Progress(job)


def output_files(path: Path) -> tuple[Path, Path, Path, Path]:
    """What is written for a results file.

    Returns:
        The file, its beginning until it is complete, the progress, and the next progress.

    >>> [file.name for file in output_files(Path("out/r.csv"))]
    ['r.csv', 'r.csv.partial', 'r.csv.progress', 'r.csv.progress.new']
    """
    partial, progress, replacement = (
        path.with_name(path.name + ending) for ending in (".partial", ".progress", ".progress.new")
    )
    return path, partial, progress, replacement


def refuse_overwriting(clients: Path, results: Path) -> None:
    """Refuse a results file whose writing would destroy the list, by whatever name or link.

    Raises:
        LinkingError: It is the list, or one of the files beside it is, or it is a folder.
    """
    if results.is_dir():
        raise LinkingError(f"expected a file for the results, got the folder {results}; name one")
    for file in output_files(results):
        if file.exists() and file.samefile(clients):
            raise LinkingError(
                f"expected another file than the list {clients} for the results, got {results}, "
                f"for which {file.name} is written; choose another name"
            )


@dataclass(frozen=True)
class Row:
    """A row of the list."""

    line: int
    """Line of the file on which it begins, counted from 1."""
    cells: list[str]


@dataclass(frozen=True)
class ClientList:
    """A CSV file of clients with a header."""

    path: Path
    encoding: str
    mapping: Mapping[str, str]
    """Client fields to the column names of the list, where they differ."""

    @cached_property
    def columns(self) -> list[str]:
        """The header.

        Raises:
            LinkingError: It has no column of a client field, repeats one, or lacks one of the
                mapping.
        """
        columns = next(self._records(), Row(1, [])).cells
        missing = sorted(set(self.mapping.values()) - set(columns))
        read = [self.mapping.get(name, name) for name in CLIENT_COLUMNS]
        if missing or not set(read) & set(columns):
            expected = missing or list(CLIENT_COLUMNS)
            raise LinkingError(
                f"expected columns {expected} in {self.path}, got {columns}; "
                "name yours with --map name=COLUMN"
            )
        if repeated := sorted(name for name in set(read) if columns.count(name) > 1):
            raise LinkingError(
                f"{self.path}, line 1: expected each column once, got several of {repeated}; "
                "rename all but one of them"
            )
        return columns

    def rows(self) -> Iterator[Row]:
        """The rows after the header, without blank lines.

        Raises:
            LinkingError: A row has more or fewer columns than the header.
        """
        width = len(self.columns)
        for row in islice(self._records(), 1, None):
            if row.cells and len(row.cells) != width:
                raise LinkingError(
                    f"{self.path}, line {row.line}: expected {width} columns, got "
                    f"{len(row.cells)}; fix the list"
                )
            if row.cells:
                yield row

    def clients(self, rows: Sequence[Row], first: int) -> list[dict[str, str]]:
        """Rows as clients.

        Args:
            rows: Rows of the list.
            first: Position of the first of them in the list; the id of a row of a list without a
                column of ids. A row without one in a list with them is named by its line.
        """
        columns = self.columns
        positions = {
            name: columns.index(self.mapping.get(name, name))
            for name in CLIENT_COLUMNS
            if self.mapping.get(name, name) in columns
        }
        clients = []
        for number, row in enumerate(rows, start=first):
            given = {
                name: row.cells[place] for name, place in positions.items() if row.cells[place]
            }
            default = f"line {row.line}" if "client_id" in positions else str(number)
            clients.append({"client_id": default, **given})
        return clients

    def _records(self) -> Iterator[Row]:
        """Header and rows, blank lines included."""
        line = 1
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                reader = csv.reader(file, strict=True)
                for cells in reader:
                    yield Row(line, cells)
                    line = reader.line_num + 1
        except csv.Error as error:
            raise LinkingError(
                f"{self.path}, line {line}: {error}; double the quotes within a quoted field, and "
                "close it"
            ) from None
        except UnicodeError as error:
            line = self._undecodable_line(line)
            raise LinkingError(
                f"{self.path}, line {line}: {error}; fix the list, or name its --encoding"
            ) from None

    def _undecodable_line(self, line: int) -> int:
        """The line that is not in the encoding; `line` where bytes do not show it."""
        # in UTF-16 and UTF-32 the byte of a line break is also part of other characters
        if b"\0" in "\n".encode(self.encoding):
            return line
        with self.path.open("rb") as file:
            for number, content in enumerate(file, start=1):
                try:
                    content.decode(self.encoding)
                except UnicodeError:
                    return number
        return line


def _csv_line(row: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(row)
    return text.getvalue()
