"""A CSV list of clients, and a results file that an interrupted program can resume."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self, TextIO

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
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._progress_path = path.with_name(f"{path.name}.progress")
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
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
        self._file.flush()
        os.fsync(self._file.fileno())
        written = self.progress.clients + clients
        self.progress = Progress(self.progress.job, written, self._file.tell())
        replacement = self._progress_path.with_name(f"{self._progress_path.name}.new")
        replacement.write_text(json.dumps(asdict(self.progress)), encoding="utf-8")
        replacement.replace(self._progress_path)

    def _read_progress(self, job: str) -> Progress:
        with suppress(OSError, ValueError, TypeError):
            progress = Progress(**json.loads(self._progress_path.read_text(encoding="utf-8")))
            if progress.job == job and self._partial.stat().st_size >= progress.bytes:
                return progress
        return Progress(job)


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
            LinkingError: It has no column of a client field, or lacks one of the mapping.
        """
        with self._open() as file, self._naming_errors():
            columns = next(csv.reader(file, strict=True), [])
        missing = sorted(set(self.mapping.values()) - set(columns))
        if missing or not any(self.mapping.get(name, name) in columns for name in CLIENT_COLUMNS):
            expected = missing or list(CLIENT_COLUMNS)
            raise LinkingError(
                f"expected columns {expected} in {self.path}, got {columns}; "
                "name yours with --map name=COLUMN"
            )
        return columns

    def rows(self) -> Iterator[list[str]]:
        """The rows after the header.

        Raises:
            LinkingError: A row has more or fewer columns than the header.
        """
        with self._open() as file, self._naming_errors():
            reader = csv.reader(file, strict=True)
            width = len(next(reader, []))
            for row in filter(None, reader):
                if len(row) != width:
                    raise LinkingError(
                        f"{self.path}, line {reader.line_num}: expected {width} columns, got "
                        f"{len(row)}; fix the list"
                    )
                yield row

    def clients(self, rows: Sequence[Sequence[str]], first: int) -> list[dict[str, str]]:
        """Rows as clients.

        Args:
            rows: Rows of the list.
            first: Position of the first of them in the list; the id of a row without one.
        """
        columns = self.columns
        positions = {
            name: columns.index(self.mapping.get(name, name))
            for name in CLIENT_COLUMNS
            if self.mapping.get(name, name) in columns
        }
        clients = []
        for number, row in enumerate(rows, start=first):
            given = {name: row[position] for name, position in positions.items() if row[position]}
            clients.append({"client_id": str(number), **given})
        return clients

    def _open(self) -> TextIO:
        return self.path.open(encoding=self.encoding, newline="")

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except (csv.Error, UnicodeError) as error:
            raise LinkingError(
                f"{self.path}: {error}; fix the list, or name its --encoding"
            ) from None
