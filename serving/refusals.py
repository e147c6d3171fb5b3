"""Requests that nginx refuses itself: a log line and a count for each, as for all others.

nginx writes its lines to a pipe. A thread of the supervisor prints them and counts them by status
in shared memory, where the workers read them for `/metrics`. Standard library only, as
`supervisor.py`.
"""

import json
import mmap
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from serving.shared_memory import create_shared_file

PIPE: Final = "nginx.log"
"""Named pipe of the run folder that nginx logs to."""
_COUNTS: Final = "metrics/refused"
_STATUSES: Final = 600
"""Counters, one for each possible status."""


def create_refusal_files(run_folder: Path) -> None:
    """Create the pipe and the counters."""
    os.mkfifo(run_folder / PIPE, 0o600)
    create_shared_file(run_folder / _COUNTS, 8 * _STATUSES)


class RefusalLog:
    """Prints and counts what nginx refuses, until `close`."""

    def __init__(self, run_folder: Path, write: Callable[[str], None]) -> None:
        """Open what `create_refusal_files` made.

        Args:
            run_folder: The run folder.
            write: Prints one line of the log.
        """
        # also open for writing, so that it does not end while nginx is restarted
        self._pipe = os.open(run_folder / PIPE, os.O_RDWR | os.O_CLOEXEC)
        with (run_folder / _COUNTS).open("r+b") as file:
            self._counts = memoryview(mmap.mmap(file.fileno(), 8 * _STATUSES)).cast("Q")
        self._write = write
        self._thread = threading.Thread(target=self._read, name="refusals", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop when all lines written so far are printed."""
        os.write(self._pipe, b"\n")
        self._thread.join(timeout=1)

    def _read(self) -> None:
        with os.fdopen(self._pipe, encoding="utf-8", errors="replace", closefd=False) as lines:
            for line in lines:
                text = line.rstrip("\n")
                if not text:
                    return
                with suppress(ValueError, KeyError, TypeError, IndexError):
                    self._counts[int(json.loads(text)["status"])] += 1
                self._write(text)


def read_counts(run_folder: Path) -> dict[int, int]:
    """Refused requests by status, as a worker sees them; empty without a supervisor."""
    try:
        content = (run_folder / _COUNTS).read_bytes()
    except OSError:
        return {}
    counts = memoryview(content).cast("Q")
    return {status: count for status, count in enumerate(counts) if count}
