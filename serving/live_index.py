"""The index of the live table: one process refreshes it, the workers take what it has saved."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Final

from linkage_rl.candidates.files import replace_text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import MANIFEST, load_index
from linkage_rl.errors import CandidateIndexError

LOOK_S: Final = 1.0
"""Pause between two looks at the folder."""
REFRESHED: Final = "refreshed.json"
"""File of the run folder in which the refresher says when it last succeeded."""

_log = logging.getLogger("serving")


class LiveIndex:
    """The newest saved state of an index folder, swapped in whole while requests go on.

    The arrays are mapped into memory, so that all workers of a machine share them.
    """

    def __init__(self, folder: Path, run_folder: Path) -> None:
        self._manifest = folder / MANIFEST
        self._refreshed = run_folder / REFRESHED
        self._seen = 0
        self._stop = threading.Event()
        self.current: CompanyIndex | None = None
        """None until the refresher has saved one."""

    def look(self) -> bool:
        """Take a new state if there is one; returns whether there was."""
        try:
            seen = self._manifest.stat().st_mtime_ns
            if seen == self._seen:
                return False
            # written a moment ago on this machine, so its checksums are not read again
            self.current = load_index(self._manifest.parent, verify=False)
        except (OSError, CandidateIndexError, ValueError):
            # being written, or not there yet: the next look finds it whole
            return False
        self._seen = seen
        _log.info("index of %d companies, watermark %s", len(self.current), self.current.watermark)
        return True

    def age_s(self) -> float | None:
        """Seconds since the index was last brought level with the database; None if never."""
        try:
            at = json.loads(self._refreshed.read_text(encoding="utf-8"))["at"]
        except (OSError, ValueError, KeyError):
            return None
        return max(0.0, time.time() - float(at))

    def watch(self) -> None:
        """Look again and again in a thread of its own until `close`."""
        threading.Thread(target=self._watch, name="live-index", daemon=True).start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            self.look()


def note_refresh(run_folder: Path) -> None:
    """Say that the index is level with the database now."""
    replace_text(run_folder / REFRESHED, json.dumps({"at": time.time()}))
