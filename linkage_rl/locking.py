"""Files that one process at a time holds, in a folder that several share."""

import errno
import fcntl
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from linkage_rl.atomic import writing

_log = logging.getLogger(__name__)

NO_LOCKS: Final = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""Errors of a file system that locks no files."""


@contextmanager
def only_holder(path: Path, held: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file, which is made if missing, while other processes cannot.

    The lock of a process that is killed is released by the system. Where files cannot be locked, a
    warning says so and nothing is held.

    Args:
        path: The file.
        held: Called when another process holds the lock, before waiting for it; may raise.

    Raises:
        OutputError: The file cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    with lock:
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held()
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            _log.warning("%s cannot be locked (%s): start no second process", path, error)
        yield
