"""How the server opens the decision log."""

import os
from collections.abc import Mapping
from typing import Final

from sqlalchemy.engine import URL

from linkage_rl.decision_log import opening
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import LinkageError
from linkage_rl.tables.engine import Limits
from serving.log_settings import LOG_URL, LogSettings
from serving.variables import SettingError

_LIMITS: Final = Limits(connections=1, timeout_s=10.0)


def place_of(settings: LogSettings, environ: Mapping[str, str] = os.environ) -> URL:
    """The database of the log, see `opening.place_of`.

    Raises:
        SettingError: It is no database URL, or the login cannot be read.
    """
    try:
        return opening.place_of(settings.url, environ)
    except LinkageError as error:
        raise SettingError(f"{LOG_URL}: {error}") from None


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
