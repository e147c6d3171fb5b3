"""One program at a time builds or refreshes an index; the others wait, then use what it saved."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_log = logging.getLogger(__name__)


@contextmanager
def index_lock(folder: Path) -> Iterator[None]:
    """Holds the lock of an index folder; waits while another program holds it.

    The lock is a file beside the folder. The system releases it when its holder ends, however that
    happens. Where the file cannot be made, as on a read-only disk, there is no lock; an index there
    can be read, and nothing is saved.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock_file(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        yield
        return
    try:
        _acquire(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def lock_file(folder: Path) -> Path:
    """The lock of an index folder."""
    return folder.with_name(f"{folder.name}.lock")


def _acquire(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        _log.info("waiting for process %s, which works on the index %s", holder, folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
