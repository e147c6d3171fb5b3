"""Writes parcels of decisions to the decision log, in this process or in that of the log."""

import json
import logging
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy.exc import DataError, IntegrityError

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import DatabaseError, LinkageError
from serving.log_rows import LoggedDecisions
from serving.log_wire import encode
from serving.variables import SettingError

SOCKET: Final = "log.sock"
"""Socket of the log's process in the run folder, which only the server's user may enter."""

_log = logging.getLogger("serving")


class LogDownError(Exception):
    """Nothing can be written to the log now; the text says why, without secrets."""


class Sink(Protocol):
    """Where parcels go."""

    def write(self, parcel: LoggedDecisions) -> int:
        """Write decisions; those that were written before are left as they are.

        Returns:
            How many of them the log refuses for good.

        Raises:
            LogDownError: Not all could be written.
        """

    def close(self) -> None:
        """Close connections."""


class LogSink:
    """The log itself, opened when it is first written to. Thread-safe."""

    def __init__(self, open_log: Callable[[], DecisionLog]) -> None:
        self._open = open_log
        self._lock = threading.Lock()
        self._log: DecisionLog | None = None

    def write(self, parcel: LoggedDecisions) -> int:
        """See `Sink.write`."""
        with self._lock:
            try:
                log = self._opened()
                rows = parcel.rows(log.privacy)
                return _write(log, rows)
            except (LinkageError, SettingError) as error:
                raise LogDownError(str(error)) from None
            except Exception:
                # they would fail again, and keep all others waiting
                _log.exception("%d decisions could not be logged", len(parcel))
                return len(parcel)

    def close(self) -> None:
        """Close the connections."""
        if self._log is not None:
            self._log.close()

    def _opened(self) -> DecisionLog:
        if self._log is None:
            self._log = self._open()
        return self._log


class RemoteSink:
    """The process of the log, see `log_process`."""

    def __init__(self, run_folder: Path) -> None:
        self._socket = str(run_folder / SOCKET)
        self._connection: Connection[object, object] | None = None

    def write(self, parcel: LoggedDecisions) -> int:
        """See `Sink.write`."""
        try:
            if self._connection is None:
                self._connection = Client(self._socket, "AF_UNIX")
            self._connection.send_bytes(encode(parcel))
            answer = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            self.close()
            raise LogDownError(
                f"the process of the decision log does not answer ({type(error).__name__})"
            ) from None
        if isinstance(answer, str):
            raise LogDownError(answer)
        return int(answer)

    def close(self) -> None:
        """Close the connection; the next parcel opens another one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _write(log: DecisionLog, rows: DecisionRows) -> int:
    """Write rows; those that the log refuses are found by halving.

    Returns:
        Number of refused ones.
    """
    refused, remaining = 0, [rows]
    while remaining:
        some = remaining.pop()
        fault = _append(log, some)
        if fault and len(some) > 1:
            middle = len(some) // 2
            remaining += [some.take(range(middle, len(some))), some.take(range(middle))]
        elif fault:
            refused += 1
            _log.error("the decision log refuses a decision (%s)", fault)
    return refused


def _append(log: DecisionLog, rows: DecisionRows) -> str:
    """Write rows in one transaction; returns what the log has against them, '' for nothing.

    Raises:
        DatabaseError: The database could not write anything now.
    """
    try:
        log.append(rows)
    except DatabaseError as error:
        if not isinstance(error.__context__, DataError | IntegrityError):
            raise
        return type(error.__context__).__name__
    except Exception as error:
        # by its class, since its text may repeat what the log keeps
        return type(error).__name__
    return ""
