"""Reading is tried again where the connection or the server was at fault, not the statement."""

import logging
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from linkage_rl.tables.answer_limit import has_no_answer
from linkage_rl.tables.credentials import shown

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 8.0

TRANSIENT_STATES: Final = frozenset(
    {
        "08000",  # connection_exception
        "08001",
        "08003",
        "08004",
        "08006",
        "08P01",  # what PgBouncer answers while its server is away
        "25P03",  # idle_in_transaction_session_timeout
        "40001",  # serialization_failure, and conflict with recovery on a hot standby
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
    }
)
"""SQLSTATEs of PostgreSQL after which the same statement may succeed."""

TRANSIENT_CODES: Final = frozenset(
    {
        1040,  # too many connections
        1053,  # server shutdown in progress
        1205,  # lock wait timeout
        1213,  # deadlock
        1927,  # connection was killed
        2002,  # cannot connect
        2003,
        2006,  # server has gone away
        2013,  # lost connection
        2055,
        4031,  # disconnected by the server
    }
)
"""Error numbers of MariaDB and MySQL after which the same statement may succeed."""

CONFLICTS: Final = frozenset({"40001", "40P01", 1020, 1205, 1213})
"""SQLSTATEs and error numbers of a transaction that was rolled back in favour of another one."""

STARTING: Final = re.compile(
    r"starting up|shutting down|not yet accepting connections|in recovery mode"
)
"""What a PostgreSQL says that will answer in a moment; such errors have no SQLSTATE."""

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Retry:
    """Runs reading tasks again after a lost connection, a failover or a conflict on a standby.

    The waits double from half a second to 8 seconds. A lost connection is replaced at once the
    first time, since a server closes connections that were idle for long. A server that has never
    answered is not waited for: its address is wrong, rather.
    """

    def __init__(
        self,
        url: URL,
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Count the time from the first failure of each task.

        Args:
            url: The database, for the log.
            limit_s: How long a task is tried again; 0 replaces a lost connection only.
            clock: Seconds that pass.
            sleep: Waits.
        """
        self._url = url
        self._limit_s = limit_s
        self._clock = clock
        self._sleep = sleep
        self._has_answered = False

    def __call__(self, task: Callable[[], Result]) -> Result:
        """The result of a task, which may run several times and must only read.

        Raises:
            DBAPIError: The last failure.
        """
        wait, begin, replaced = FIRST_WAIT_S, 0.0, False
        while True:
            try:
                result = task()
            except DBAPIError as error:
                if not _is_transient(error, self._has_answered or replaced):
                    raise
                lost = error.connection_invalidated and not has_no_answer(error)
                if lost and not replaced:
                    replaced = True
                    continue
                now = self._clock()
                begin = begin or now
                if now + wait > begin + self._limit_s:
                    raise
                reason = next(iter(str(error.orig).strip().splitlines()), "no answer")
                _log.warning(
                    "%s does not answer (%s); trying again in %g s", shown(self._url), reason, wait
                )
                self._sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
            else:
                self._has_answered = True
                return result


def is_conflict(error: DBAPIError) -> bool:
    """Whether a transaction was rolled back in favour of another one, so that it can run again."""
    return not CONFLICTS.isdisjoint(_codes(error))


def _codes(error: DBAPIError) -> set[str | int]:
    """SQLSTATE of PostgreSQL, or error number of MariaDB and MySQL, as far as there is one."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    number = next(iter(getattr(error.orig, "args", ())), None)
    return {code for code in (state, number) if isinstance(code, (str, int))}


def _is_transient(error: DBAPIError, has_answered: bool) -> bool:
    """Whether the same statement may succeed when it is sent again.

    Args:
        error: What it met.
        has_answered: Whether this server has answered before.
    """
    if STARTING.search(str(error.orig)):
        return True
    if error.statement is None:
        # the driver could not connect
        return has_answered
    if error.connection_invalidated:
        return True
    return not (TRANSIENT_STATES | TRANSIENT_CODES).isdisjoint(_codes(error))
