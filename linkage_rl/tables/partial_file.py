"""Result files that are complete, absent or resumable, even after a kill or a full disk."""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final, Self
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import OutputError
from linkage_rl.locking import NO_LOCKS

_LOCKS: Final[WeakSet[FileIO]] = WeakSet()


def _close_locks() -> None:
    """Leave the locks to the process that took them: a copy of it would hold them, too."""
    for lock in list(_LOCKS):
        lock.close()


os.register_at_fork(after_in_child=_close_locks)


class PartialFile:
    """A file that gets its name only when it is complete.

    Bytes are written to `<path>.partial`. After each chunk `<path>.partial.json` records how many
    clients and bytes are safely on disk, and of which input; opened again for the same input, the
    file continues after that chunk.
    """

    def __init__(self, path: Path, fingerprint: str, started: str = "") -> None:
        """Create the partial file, or continue the one that exists.

        Args:
            path: The result file; it is replaced at the end.
            fingerprint: Of everything that the result depends on; a partial file of another one is
                started again.
            started: When the run began; a file that is continued keeps the time of its beginning.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        self.path = path
        self.finished = 0
        """Clients that are safely on disk; skip as many of the input."""
        self.counts: Counter[str] = Counter()
        """Decision to the number of finished clients that it was made on."""
        self.started = started
        """When the run began that this file is of."""
        self._fingerprint = fingerprint
        self._partial = path.with_name(f"{path.name}.partial")
        self._state = path.with_name(f"{path.name}.partial.json")
        with self._faults():
            self._lock = self._locked()
            self._stream = self._resume() or self._partial.open("wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._lock.close()

    def complete(self) -> None:
        """Move the finished file to its name.

        Raises:
            OutputError: It cannot be moved there.
        """
        with self._faults():
            self._stream.close()
            self._publish()
            self._state.unlink(missing_ok=True)
            _sync_folder(self.path.parent)

    def discard(self) -> None:
        """Delete the file that is not complete."""
        self._stream.close()
        self._lock.close()
        self._partial.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def _locked(self) -> FileIO:
        """The partial file, open and locked until this writer ends, however that happens."""
        lock = self._partial.open("ab", buffering=0)
        _LOCKS.add(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise OutputError(
                f"another command is writing {self.path}; wait until it has finished, or name "
                "another output"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        return lock

    def _publish(self) -> None:
        """Give the finished content its name."""
        self._partial.replace(self.path)

    def _begin(self, content: bytes) -> None:
        """Write what comes before the first client, unless the file is continued."""
        if self._stream.tell() == 0 and content:
            self._append(content, 0)

    def _append(
        self, content: bytes, clients: int, counts: Mapping[str, int] | None = None
    ) -> None:
        with self._faults():
            # unbuffered, so that closing after a full disk has nothing left to write
            rest = memoryview(content)
            while rest:
                rest = rest[self._stream.write(rest) :]
            os.fsync(self._stream.fileno())
            total = self.counts + Counter(counts or {})
            self._save_state(self.finished + clients, total)
        self.finished += clients
        self.counts = total

    def _save_state(self, finished: int, counts: Mapping[str, int]) -> None:
        state = {
            "fingerprint": self._fingerprint,
            "started": self.started,
            "finished": finished,
            "counts": dict(counts),
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
            counts, started = Counter(state["counts"]), str(state["started"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        stream = self._partial.open("r+b", buffering=0)
        stream.truncate(size)
        stream.seek(size)
        self.finished, self.counts, self.started = finished, counts, started
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


@contextmanager
def only_writer(lock_file: Path, output: object) -> Iterator[None]:
    """Holds an output, with all temporary files beside it, until its command ends.

    The lock is gone when the process is, however that happens. Where there can be no file beside
    the output, its writer says why.

    Args:
        lock_file: Exists while the output is held.
        output: What is written, for the message.

    Raises:
        OutputError: Another command holds it.
    """
    try:
        lock = _lock_of(lock_file)
    except BlockingIOError:
        raise OutputError(
            f"another command is writing {output}; wait until it has finished, or name another "
            "output"
        ) from None
    except OSError:
        yield
        return
    with lock:
        try:
            yield
        finally:
            lock_file.unlink(missing_ok=True)


def _lock_of(path: Path) -> FileIO:
    """The file of this path, locked.

    Raises:
        BlockingIOError: Another process has locked it.
        OSError: There can be no such file, or no lock.
    """
    while True:
        lock = path.open("ab", buffering=0)
        _LOCKS.add(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # its last holder may have deleted it since it was opened
            if _is_at(lock, path):
                return lock
        except BlockingIOError:
            lock.close()
            raise
        except OSError:
            # a file system without locks: nobody holds it
            lock.close()
            path.unlink(missing_ok=True)
            raise
        lock.close()


def _is_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


class RecordFile(PartialFile):
    """Records of fixed size that a later step of the same command reads, kept until it is done."""

    def __init__(self, path: Path, kind: np.dtype[np.void], fingerprint: str) -> None:
        """Create the file, or continue the one that exists.

        Args:
            path: Names the file: `<path>.partial`.
            kind: A structured type; a client is one record.
            fingerprint: Of everything that the records depend on.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, fingerprint)
        self._kind = kind

    def append(self, records: NDArray[np.void]) -> None:
        """Append the records of one chunk of clients; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append(records.tobytes(), clients=len(records))

    def records(self) -> NDArray[np.void]:
        """All records, memory-mapped, shape (finished,)."""
        return np.memmap(self._partial, dtype=self._kind, mode="r", shape=(self.finished,))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
