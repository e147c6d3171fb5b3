"""`python -m serving.log_process`: writes the decisions of all workers to the decision log.

A process of low priority beside the workers: packing a decision and writing it take half as long as
making it, and no answer shall wait for that. Each worker sends a parcel and waits, in its thread,
until it is written.
"""

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Final

from linkage_rl.decision_log.forgetting import apply_retention
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import LinkageError
from serving.log_place import open_log
from serving.log_sink import SOCKET, LogDownError, LogSink
from serving.log_wire import decode
from serving.logs import log_json
from serving.settings import WorkerSettings
from serving.variables import SettingError

NICENESS: Final = 15
"""Beside a busy worker it gets a thirtieth of a processor."""
_MOST_BYTES: Final = 1 << 30
_DAY_S, _AGAIN_S = 86_400.0, 60.0

_log = logging.getLogger("serving")


def main() -> None:
    """Write until SIGTERM, which the supervisor sends once the workers have ended."""
    log_json()
    os.nice(NICENESS)
    # a terminal sends it to the workers too, which write what they hold before they end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    settings = WorkerSettings.from_environ()
    open_one = partial(open_log, settings.log)
    threading.Thread(target=keep_tidy, args=(open_one, time.sleep), daemon=True).start()
    serve(settings.run_folder, LogSink(open_one))


def serve(run_folder: Path, sink: LogSink) -> None:
    """Take the parcels of every worker that connects, each in a thread of its own."""
    path = run_folder / SOCKET
    path.unlink(missing_ok=True)
    with Listener(str(path), "AF_UNIX", backlog=64) as listener:
        while True:
            connection = listener.accept()
            threading.Thread(target=_take, args=(connection, sink), daemon=True).start()


def _take(connection: "Connection[object, object]", sink: LogSink) -> None:
    with connection:
        while True:
            try:
                sent = connection.recv_bytes(_MOST_BYTES)
            except (EOFError, OSError):
                # the worker has ended
                return
            try:
                answer: int | str = sink.write(decode(sent))
            except LogDownError as error:
                answer = str(error)
            try:
                connection.send_bytes(json.dumps(answer).encode())
            except OSError:
                return


def keep_tidy(open_one: Callable[[], DecisionLog], pause: Callable[[float], object]) -> None:
    """Delete what is older than the log keeps decisions: now, and once a day.

    A connection of its own lets decisions be written meanwhile. A wrong place is said at once.

    Args:
        open_one: Opens the log.
        pause: Waits so many seconds.
    """
    is_said = False
    while True:
        try:
            with open_one() as log:
                apply_retention(log)
        except Exception as error:
            if not is_said:
                _say(error)
            is_said = True
            pause(_AGAIN_S)
        else:
            is_said = False
            pause(_DAY_S)


def _say(error: Exception) -> None:
    if isinstance(error, LinkageError | SettingError):
        _log.error("the decision log cannot be opened or tidied: %s", error)
    else:
        _log.error("the decision log cannot be opened or tidied", exc_info=error)


if __name__ == "__main__":
    main()
