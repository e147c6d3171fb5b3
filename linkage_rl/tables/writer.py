"""Writes a result file that is complete, absent or resumable, even after a kill or a full disk."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import InputFileError, OutputError


def file_fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        InputFileError: The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}; check the path") from None


class OutputFile:
    """A CSV file that gets its name only when it is complete.

    Rows are written to `<path>.partial`. After each chunk `<path>.partial.json` records how many
    clients and bytes are safely on disk, and of which input; opened again for the same input, the
    file continues after that chunk.
    """

    def __init__(
        self, path: Path, header: Sequence[str], fingerprint: str, bom: bool = False
    ) -> None:
        """Create the partial file, or continue the one that exists.

        Args:
            path: The result file; it is replaced at the end.
            header: Column names.
            fingerprint: Of everything that the result depends on; a partial file of another one is
                started again.
            bom: Whether it begins with a byte order mark, by which Excel recognises UTF-8.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        self.path = path
        self.finished = 0
        """Clients that are safely on disk; skip as many of the input."""
        self._fingerprint = fingerprint
        self._partial = path.with_name(f"{path.name}.partial")
        self._state = path.with_name(f"{path.name}.partial.json")
        with self._faults():
            self._stream = self._resume() or self._partial.open("wb", buffering=0)
        if self._stream.tell() == 0 and header:
            self._append([header], clients=0, mark="\ufeff" if bom else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Append the rows of one chunk of clients, one row per client; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append(rows, clients=len(rows))

    def complete(self) -> None:
        """Move the finished file to its name.

        Raises:
            OutputError: It cannot be moved there.
        """
        with self._faults():
            self._stream.close()
            self._partial.replace(self.path)
            self._state.unlink(missing_ok=True)
            _sync_folder(self.path.parent)

    def _append(self, rows: Sequence[Sequence[str]], clients: int, mark: str = "") -> None:
        text = io.StringIO()
        text.write(mark)
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._append_bytes(text.getvalue().encode(), clients)

    def _append_bytes(self, content: bytes, clients: int) -> None:
        with self._faults():
            # unbuffered, so that closing after a full disk has nothing left to write
            rest = memoryview(content)
            while rest:
                rest = rest[self._stream.write(rest) :]
            os.fsync(self._stream.fileno())
            self._save_state(self.finished + clients)
        self.finished += clients

    def _save_state(self, finished: int) -> None:
        state = {
            "fingerprint": self._fingerprint,
            "finished": finished,
            "bytes": self._stream.tell(),
        }
        # a new file, so that a full disk leaves the old state
        fresh = self._state.with_name(f"{self._state.name}.new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self._state)

    def _resume(self) -> FileIO | None:
        """The partial file, cut after its last safe chunk; None if it is of another input."""
        try:
            state = json.loads(self._state.read_text())
            complete = self._partial.stat().st_size >= state["bytes"]
            if not complete or state["fingerprint"] != self._fingerprint:
                return None
            finished, size = int(state["finished"]), int(state["bytes"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        stream = self._partial.open("r+b", buffering=0)
        stream.truncate(size)
        stream.seek(size)
        self.finished = finished
        return stream

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path}: {error.strerror or error}; free some space or choose "
                f"another folder, then start again: {self.finished} finished clients are kept"
            ) from None


class RecordFile(OutputFile):
    """Records of fixed size that a later step of the same command reads, kept until it is done.

    They are written, and continued after an interruption, as the rows of an `OutputFile` are.
    """

    def __init__(self, path: Path, kind: np.dtype[np.void], fingerprint: str) -> None:
        """Create the file, or continue the one that exists.

        Args:
            path: Names the file: `<path>.partial`.
            kind: A structured type; a client is one record.
            fingerprint: Of everything that the records depend on.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, (), fingerprint)
        self._kind = kind

    def append(self, records: NDArray[np.void]) -> None:
        """Append the records of one chunk of clients; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append_bytes(records.tobytes(), clients=len(records))

    def records(self) -> NDArray[np.void]:
        """All records, memory-mapped, shape (finished,)."""
        return np.memmap(self._partial, dtype=self._kind, mode="r", shape=(self.finished,))

    def discard(self) -> None:
        """Delete the file."""
        self._stream.close()
        self._partial.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
