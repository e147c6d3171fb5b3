"""`python -m serving.refresher`: keeps the index of the live table level with the database.

A process of its own, so that its memory and its work are never a request's.
"""

import logging
import os
import signal
import threading
from types import FrameType
from typing import Final

from linkage_rl.candidates.storage import MANIFEST
from linkage_rl.candidates.refresh import open_index, seed_index
from linkage_rl.errors import LinkageError
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.store import CompanyStore
from serving.live_index import note_refresh
from serving.logs import log_json
from serving.settings import Settings

RETRY_S: Final = 5.0
"""Pause after a failure, if that is shorter than the usual one."""

_log = logging.getLogger("serving")


def refresh(settings: Settings) -> int:
    """Bring the index level with the database; returns its number of companies.

    The first time it starts from the bundle's index, where there is one, and else it reads the
    whole table.

    Raises:
        LinkageError: The database is out of reach, or the disk full; the index is as it was.
    """
    folder, known = settings.index_folder, settings.model_folder / "index"
    url = database_url(os.environ)
    with CompanyStore(url, settings.mapping, read_only=True) as store:
        store.check()
        if not (folder / MANIFEST).is_file() and (known / MANIFEST).is_file():
            seed_index(folder, known)
        index = open_index(store, folder, progress=False)
    note_refresh(settings.run_folder)
    return len(index)


def main() -> None:
    """Refresh until SIGTERM."""
    settings = Settings.of()
    log_json()
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    pause = 0.0
    while not stop.wait(pause):
        try:
            companies = refresh(settings)
            _log.info("index level with the database: %d companies", companies)
            pause = settings.refresh_s
        except LinkageError as error:
            _log.warning("index not refreshed: %s", error)
            pause = min(RETRY_S, settings.refresh_s)


if __name__ == "__main__":
    main()
