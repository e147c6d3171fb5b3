"""One program at a time builds or refreshes an index; the others wait, then use what it saved."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from linkage_rl.locking import NO_LOCKS

_log = logging.getLogger(__name__)


@contextmanager
def index_lock(folder: Path) -> Iterator[bool]:
    """Holds the lock of an index folder; yields whether another program held it until now.

    The lock is a file beside the folder. The system releases it when its holder ends, however that
    happens. Where there can be no such file, as on a read-only disk, there is no lock either: an
    index there can be read, and none is saved. A file of another user is locked without a note.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = _opened(lock_file(folder))
    except OSError:
        yield False
        return
    with lock:
        yield _acquire(lock, folder)


def lock_file(folder: Path) -> Path:
    """The lock of an index folder."""
    return folder.with_name(f"{folder.name}.lock")


def _opened(path: Path) -> FileIO:
    try:
        return path.open("a+b", buffering=0)
    except PermissionError:
        return path.open("rb", buffering=0)


def _acquire(lock: FileIO, folder: Path) -> bool:
    waited = False
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).decode("ascii", "replace").strip() or "(unknown)"
            _log.info("waiting for process %s, which works on the index %s", holder, folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
            waited = True
    except OSError as error:
        # EBADF: a network file system that locks no file opened for reading only
        if error.errno not in (*NO_LOCKS, errno.EBADF):
            raise
        _log.warning("%s cannot be locked (%s): start no second process", lock.name, error)
    _note_holder(lock)
    return waited


def _note_holder(lock: FileIO) -> None:
    """Write who holds the lock, which only a message needs: the disk may be full."""
    with suppress(OSError):
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
