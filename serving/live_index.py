"""The index of the live table: one process refreshes it on disk, the workers load what it saves."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Final

from linkage_rl.candidates.files import replace_text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.manifest import MANIFEST
from linkage_rl.candidates.storage import load_index
from linkage_rl.errors import CandidateIndexError

POLL_S: Final = 1.0
"""Pause between two checks for a new state."""
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
        self._loaded_mtime_ns = 0
        self._stop = threading.Event()
        self.current: CompanyIndex | None = None
        """None until the refresher has saved a first state."""

    def reload_if_changed(self) -> bool:
        """Load a new state if there is one; returns whether there was."""
        try:
            mtime_ns = self._manifest.stat().st_mtime_ns
            if mtime_ns == self._loaded_mtime_ns:
                return False
            # just written on this machine, so the checksums need not be verified
            self.current = load_index(self._manifest.parent, verify=False)
        except (OSError, CandidateIndexError, ValueError):
            # missing, or being written; the next check finds it complete
            return False
        self._loaded_mtime_ns = mtime_ns
        _log.info(
            "loaded an index of %d companies, table state %s",
            len(self.current),
            self.current.state,
        )
        return True

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
