"""`python -m serving.review_page`: the review page of `linkage_rl.reviewing` in the container.

Its log, its companies and its bundle are those of the server's own variables.
"""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

import uvicorn
from sqlalchemy.engine import URL

from linkage_rl.candidates.refresh import open_index
from linkage_rl.errors import LinkageError
from linkage_rl.reviewing.app import create_app
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.tables.credentials import database_url
from serving.live_table import column_mapping, open_table
from serving.log_place import place_of
from serving.log_settings import LOG_URL
from serving.logs import log_json
from serving.review_settings import REVIEW_TOKEN, PageSettings
from serving.settings import WorkerSettings
from serving.variables import SettingError

GRACE_S: Final = 8
"""Seconds that requests in flight may take after SIGTERM."""

_log = logging.getLogger("serving")


def main() -> None:
    """Serve until SIGTERM; ends with 2 where it cannot start."""
    log_json()
    try:
        page, worker = PageSettings.from_environ(), WorkerSettings.from_environ()
        refresh_index(worker)
        app = create_app(review_settings(page, worker))
    except (LinkageError, SettingError) as error:
        _log.critical("%s", error)
        sys.exit(2)
    # uvicorn raises the signal again after its shutdown, which would end the process with 143
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: None)
    config = uvicorn.Config(
        app,
        host=page.bind,
        port=page.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        # its lines would repeat what is searched for
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run()


def review_settings(
    page: PageSettings, worker: WorkerSettings, environ: Mapping[str, str] = os.environ
) -> ReviewSettings:
    """Settings of the page.

    Raises:
        LinkageError: There is nothing to review, or nobody could log in.
        SettingError: `LINKAGE_LOG_URL` or `LINKAGE_TABLE_MAPPING` cannot be read.
    """
    if not (worker.log or page.linked):
        raise SettingError(
            f"{LOG_URL}: expected the decision log to review, got none; set it, or "
            "LINKAGE_REVIEW_LINKED for a read-only look at a finished list"
        )
    if not (page.token or page.auth_header):
        raise SettingError(
            f"{REVIEW_TOKEN}: expected the token that reviewers log in with, got none; set it, or "
            "LINKAGE_REVIEW_AUTH_HEADER behind a proxy that people log in to"
        )
    has_bundle = (worker.model_folder / "manifest.json").is_file()
    return ReviewSettings(
        log=_with_password(place_of(worker.log, environ)) if worker.log else "",
        database=_with_password(database_url(environ)) if worker.database else "",
        index=str(worker.index_folder) if worker.database else "",
        bundle=str(worker.model_folder) if has_bundle else "",
        mapping=column_mapping(worker),
        linked=page.linked,
        token=page.token,
        auth_header=page.auth_header,
    )


def refresh_index(worker: WorkerSettings) -> None:
    """Bring the index for the search up to date, from that of the bundle where there is none.

    Raises:
        LinkageError: The database cannot be read, or the folder cannot be written.
    """
    if worker.database:
        with open_table(worker) as store:
            store.check()
            open_index(
                store, worker.index_folder, progress=False, seed=worker.model_folder / "index"
            )


def _with_password(url: URL) -> str:
    return url.render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
