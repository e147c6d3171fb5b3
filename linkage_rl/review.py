"""`linkage-rl review`: serves the page on which people look at decisions and judge them."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("review")
    raise SystemExit

import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn

from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import DEFAULT_DATABASE, TableChoice, choose_database, database_of
from linkage_rl.decision_log.opening import named_log
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.reviewing.app import create_app
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

TOKEN_VARIABLE: Final = "LINKAGE_REVIEW_TOKEN"
"""Environment variable with the token that people log in with."""
GRACE_S: Final = 5
"""Seconds that requests in flight may take after Ctrl-C or SIGTERM."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReviewCommand:
    """What is reviewed, and where the page is served."""

    log: str = ""
    """URL or file of the decision log; '' takes `LINKAGE_LOG_URL`, or none with `linked`."""
    queue: str = ""
    """Queue that the printed address leads to, as `learn` and `audit` name it; '' leads to all."""
    linked: str = ""
    """Result of `link` to look at, read-only: a .csv, .jsonl or .parquet file."""
    database: str = ""
    """Database URL or path of an SQLite file with the companies; '' takes that of `table` or of the
    environment, else the index in the bundle, and without one `outputs/companies.db` if it is
    there."""
    index: str = ""
    """Index folder of the database; '' takes its default place."""
    bundle: str = ""
    """Bundle folder, whose policy says what each field weighs; '' leaves the weights out."""
    host: str = "127.0.0.1"
    """Address that is listened to; other machines reach '0.0.0.0', for which a proxy with HTTPS
    belongs before the page."""
    port: int = 8500
    auth_header: str = ""
    """Header in which a proxy that people log in to names the reviewer; '' asks for the token."""
    columns: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the client list in `linked`."""
    table: TableChoice = field(default_factory=TableChoice)

    def __post_init__(self) -> None:
        if not self.linked:
            object.__setattr__(self, "log", named_log(self.log))
        if not (self.log or self.linked):
            raise ConfigError(
                "review needs log=, a decision log, or linked=, a finished list; see --help"
            )
        if self.queue and not self.log:
            raise ConfigError("queue= is a queue of a decision log, and needs log=")
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"port must lie in 0..65535, got {self.port}")


def run(settings: ReviewCommand) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Raises:
        LinkageError: Log, database, index, bundle or list has a fault.
    """
    chosen = page_settings(settings)
    path = _path(settings)
    app = create_app(chosen)
    if not chosen.database and not settings.bundle:
        _log.warning(
            "no company table: only ids of companies are shown; give database= as for link"
        )
    say(f"review page at http://{settings.host}:{settings.port}/{path} , until Ctrl-C")
    if not settings.auth_header and not os.environ.get(TOKEN_VARIABLE):
        say(f"token {chosen.token} (set {TOKEN_VARIABLE} to choose one)")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )


def _path(settings: ReviewCommand) -> str:
    """Path of the page that people begin with.

    Raises:
        LinkageError: There is no such log, or it has no such queue.
    """
    if not settings.log:
        return ""
    with DecisionLog.open(settings.log, create=False) as log:
        return f"queues/{Questions(log).queue(settings.queue).queue_id}" if settings.queue else ""


def page_settings(
    settings: ReviewCommand, environ: Mapping[str, str] = os.environ
) -> ReviewSettings:
    """Settings of the page; the token is that of the environment, or a new one."""
    made = "" if settings.auth_header else secrets.token_urlsafe(24)
    database = choose_database(settings.database, settings.table, settings.bundle, environ)
    # ids and shares are worth looking at without a company table
    is_there = database.url != database_of("", {}) or Path(DEFAULT_DATABASE).exists()
    return ReviewSettings(
        log=settings.log,
        database=database.text if is_there else "",
        index=settings.index or settings.table.index,
        bundle=settings.bundle,
        mapping=settings.table.columns,
        linked=settings.linked,
        columns=settings.columns,
        token=environ.get(TOKEN_VARIABLE, "").strip() or made,
        auth_header=settings.auth_header,
    )


main = command("review", ReviewCommand, run)
