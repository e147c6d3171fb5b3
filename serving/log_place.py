"""Where the decision log is, and how the server opens it."""

import os
from collections.abc import Mapping
from typing import Final

from sqlalchemy.engine import URL

from linkage_rl.decision_log.opening import log_url
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import LinkageError
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.engine import Limits, sqlite_path
from serving.log_settings import LOG_URL, LogSettings
from serving.settings import DATABASE_VARIABLES
from serving.variables import SettingError

_LIMITS: Final = Limits(connections=1, timeout_s=10.0)


def place_of(settings: LogSettings, environ: Mapping[str, str] = os.environ) -> URL:
    """The database of the log.

    A URL without a password takes that of the company database, if its user is the same or none is
    named: on AWS the one secret that the server can read holds the login of both.

    Raises:
        SettingError: It is no database URL, or the login cannot be read.
    """
    try:
        url = log_url(settings.url)
        if (
            sqlite_path(url) is None
            and not url.password
            and any(map(environ.get, DATABASE_VARIABLES))
        ):
            login = database_url(environ)
            if url.username in (None, login.username):
                url = url.set(username=login.username, password=login.password)
    except LinkageError as error:
        raise SettingError(f"{LOG_URL}: {error}") from None
    return url


def open_log(settings: LogSettings) -> DecisionLog:
    """The log, created where it is missing.

    Raises:
        LinkageError: It cannot be opened.
        SettingError: `LINKAGE_LOG_URL` cannot be read.
    """
    return DecisionLog.open(
        place_of(settings),
        privacy=settings.privacy,
        retention_days=settings.retention_days,
        limits=_LIMITS,
    )
