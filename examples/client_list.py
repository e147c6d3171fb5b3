"""A CSV list of clients, and a file of results that an interrupted program goes on with."""

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
"""What a client, and a company, may have."""
CLIENT_COLUMNS: Final = ("client_id", *FIELDS, "address")


class LinkingError(Exception):
    """The list cannot be linked further; the text is one sentence for the user."""


@dataclass
class Done:
    """How far the results are written and safe."""

    job: str
    """Digest of the list and of what it is linked with."""
    clients: int = 0
    bytes: int = 0


class Results:
    """The results file; until it is whole it lies beside its place, with a note how far it is.

    To be used in a `with` statement.
    """

    def __init__(self, path: Path, job: str, columns: Sequence[str]) -> None:
        """Go on with what an earlier run has written for the same job, else begin anew."""
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._note = path.with_name(f"{path.name}.progress")
        self.done = self._noted(job)
        self._file = self._partial.open("r+b" if self.done.bytes else "wb")
        self._file.truncate(self.done.bytes)
        self._file.seek(self.done.bytes)
        if not self.done.bytes:
            self._write([columns], clients=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows, and note that they are safe."""
        self._write(rows, clients=len(rows))

    def finish(self) -> None:
        """Put the file in its place."""
        self._partial.replace(self._path)
        self._note.unlink(missing_ok=True)

    def _write(self, rows: Iterable[Sequence[object]], clients: int) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done = Done(self.done.job, self.done.clients + clients, self._file.tell())
        fresh = self._note.with_name(f"{self._note.name}.new")
        fresh.write_text(json.dumps(asdict(self.done)), encoding="utf-8")
        fresh.replace(self._note)

    def _noted(self, job: str) -> Done:
        with suppress(OSError, ValueError, TypeError):
            done = Done(**json.loads(self._note.read_text(encoding="utf-8")))
            if done.job == job and self._partial.stat().st_size >= done.bytes:
                return done
        return Done(job)


@dataclass(frozen=True)
class ClientList:
    """A CSV file of clients with a header."""

    path: Path
    encoding: str
    mapping: Mapping[str, str]
    """Client fields to the list's own column names, where they differ."""

    @cached_property
    def columns(self) -> list[str]:
        """The header.

        Raises:
            LinkingError: It names no field of a client.
        """
        with self._open() as file, self._faults_named():
            columns = next(csv.reader(file, strict=True), [])
        absent = sorted(set(self.mapping.values()) - set(columns))
        if absent or not any(self.mapping.get(name, name) in columns for name in CLIENT_COLUMNS):
            wanted = absent or list(CLIENT_COLUMNS)
            raise LinkingError(
                f"expected columns {wanted} in {self.path}, got {columns}; name them with --map "
                "name=COLUMN"
            )
        return columns

    def rows(self) -> Iterator[list[str]]:
        """Its rows.

        Raises:
            LinkingError: A row has another number of columns than the header.
        """
        with self._open() as file, self._faults_named():
            reader = csv.reader(file, strict=True)
            width = len(next(reader, []))
            for row in filter(None, reader):
                if len(row) != width:
                    raise LinkingError(
                        f"{self.path}, line {reader.line_num}: expected {width} columns, got "
                        f"{len(row)}; mend the list"
                    )
                yield row

    def clients(self, rows: Sequence[Sequence[str]], first: int) -> list[dict[str, str]]:
        """Rows as clients; one without an id gets its number in the list."""
        columns = self.columns
        places = {
            name: columns.index(self.mapping.get(name, name))
            for name in CLIENT_COLUMNS
            if self.mapping.get(name, name) in columns
        }
        clients = []
        for number, row in enumerate(rows, start=first):
            told = {name: row[place] for name, place in places.items() if row[place]}
            clients.append({"client_id": str(number), **told})
        return clients

    def _open(self) -> TextIO:
        return self.path.open(encoding=self.encoding, newline="")

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except (csv.Error, UnicodeError) as error:
            raise LinkingError(
                f"{self.path}: {error}; mend the list, or name its --encoding"
            ) from None
