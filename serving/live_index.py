"""The index of the live table: one process refreshes it on disk, the workers load what it saves."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Final

from linkage_rl.candidates.copies import PrivateCopies
from linkage_rl.candidates.files import replace_text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.manifest import MANIFEST
from linkage_rl.candidates.mapping import REBUILD
from linkage_rl.candidates.storage import load_index
from linkage_rl.errors import LinkageError

POLL_S: Final = 1.0
"""Pause between two checks for a new state."""
_RETRY_S: Final = 30.0
"""Pause between two attempts to load the same state."""
COPIES: Final = "copies"
"""Folder of the run folder with what the server maps of folders that others write to."""
REFRESHED: Final = "refreshed.json"
"""File of the run folder in which the refresher records its last success."""

_log = logging.getLogger("serving")


class LiveIndex:
    """The newest state of an index folder, replaced in memory while requests go on.

    The arrays are memory-mapped, so that all workers of a machine share them.
    """

    def __init__(self, folder: Path, run_folder: Path) -> None:
        self._manifest = folder / MANIFEST
        self._refreshed = run_folder / REFRESHED
        self._open_file = PrivateCopies(run_folder / COPIES)
        self._loaded: tuple[int, int] | None = None
        self._refused: tuple[int, int] | None = None
        self._refused_at = 0.0
        self._stop = threading.Event()
        self.current: CompanyIndex | None = None
        """None until the refresher has saved a first state."""

    def reload_if_changed(self) -> bool:
        """Load a new state if there is one that is whole; returns whether there was."""
        state = self._state()
        if state is None or state == self._loaded or self._waits(state):
            return False
        try:
            self.current = load_index(self._manifest.parent, open_file=self._open_file)
        except LinkageError as error:
            # where it has been replaced meanwhile, the next check finds it complete
            if state == self._state():
                self._refused, self._refused_at = state, time.monotonic()
                problem = str(error).removesuffix(f"; {REBUILD}")
                _log.warning("the index of the live table is not loaded: %s", problem)
            return False
        self._loaded = state
        # what only the former state had
        self._open_file.drop_unused()
        _log.info(
            "loaded an index of %d companies, table state %s",
            len(self.current),
            self.current.state,
        )
        return True

    def _state(self) -> tuple[int, int] | None:
        """Differs between the manifests of two states; None where there is none."""
        try:
            found = self._manifest.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _waits(self, state: tuple[int, int]) -> bool:
        """Whether this state was refused a short while ago; its refresher builds another one."""
        return state == self._refused and time.monotonic() < self._refused_at + _RETRY_S

    def age_s(self) -> float | None:
        """Seconds since the index was last in sync with the database; None if it never was."""
        try:
            at = json.loads(self._refreshed.read_text(encoding="utf-8"))["at"]
        except (OSError, ValueError, KeyError):
            return None
        return max(0.0, time.time() - float(at))

    def start(self) -> None:
        """Check for new states in a background thread until `close`."""
        threading.Thread(target=self._poll, name="live-index", daemon=True).start()

    def close(self) -> None:
        """End the background thread."""
        self._stop.set()

    def _poll(self) -> None:
        while not self._stop.wait(POLL_S):
            self.reload_if_changed()


def record_refresh(run_folder: Path) -> None:
    """Record that the index is in sync with the database now."""
    replace_text(run_folder / REFRESHED, json.dumps({"at": time.time()}))
