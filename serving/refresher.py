"""`python -m serving.refresher`: keeps the index of the live table in sync with the database.

A process of its own, so that neither its memory nor its work burdens a request.
"""

import logging
import signal
import sys
import time
from types import FrameType
from typing import Final

from linkage_rl.candidates.refresh import open_index
from linkage_rl.errors import LinkageError
from serving.live_index import record_refresh
from serving.live_table import open_table
from serving.logs import log_json
from serving.settings import WorkerSettings
from serving.variables import SettingError

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
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _end)
    while True:
        time.sleep(refresh_once(settings))


def refresh_once(settings: WorkerSettings) -> float:
    """Refresh, whatever happens; returns the seconds until the next attempt."""
    try:
        companies = refresh(settings)
    except LinkageError as error:
        _log.warning("index not refreshed: %s", error)
    except Exception:
        # a table may hold anything, and the server goes on with the index that it has
        _log.exception("index not refreshed")
    else:
        _log.info("index in sync with the database: %d companies", companies)
        return settings.refresh_s
    return min(RETRY_S, settings.refresh_s)


def _end(number: int, frame: FrameType | None) -> None:
    # also within a refresh, which leaves the index as it was
    sys.exit(0)


if __name__ == "__main__":
    main()
