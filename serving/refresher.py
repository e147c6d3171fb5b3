"""`python -m serving.refresher`: keeps the index of the live table in sync with the database.

A process of its own, so that neither its memory nor its work burdens a request.
"""

import logging
import signal
import sys
import threading
from types import FrameType
from typing import Final

from linkage_rl.candidates.refresh import open_index
from linkage_rl.errors import LinkageError
from serving.live_index import record_refresh
from serving.logs import log_json
from serving.readback import open_table
from serving.settings import SettingError, WorkerSettings

RETRY_S: Final = 5.0
"""Pause after a failure, unless `LINKAGE_REFRESH_S` is shorter."""

_log = logging.getLogger("serving")


def refresh(settings: WorkerSettings) -> int:
    """Bring the index in sync with the database; returns its number of companies.

    The first time it starts from the bundle's index if there is one; otherwise it reads the
    complete table.

    Raises:
        LinkageError: The database cannot be read, or the disk is full; the index is unchanged.
    """
    folder, bundled = settings.index_folder, settings.model_folder / "index"
    with open_table(settings) as store:
        store.check()
        index = open_index(store, folder, progress=False, seed=bundled)
    record_refresh(settings.run_folder)
    return len(index)


def main() -> None:
    """Refresh until SIGTERM."""
    log_json()
    try:
        settings = WorkerSettings.from_environ()
    except SettingError as error:
        _log.critical("%s", error)
        sys.exit(1)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    pause = 0.0
    while not stop.wait(pause):
        try:
            companies = refresh(settings)
            _log.info("index in sync with the database: %d companies", companies)
            pause = settings.refresh_s
        except LinkageError as error:
            _log.warning("index not refreshed: %s", error)
            pause = min(RETRY_S, settings.refresh_s)


if __name__ == "__main__":
    main()
