"""`python -m serving.log_process`: writes the decisions of all workers to the decision log.

A process of low priority beside the workers: packing a decision and writing it take half as long as
making it, and no answer shall wait for that. Each worker sends a parcel and waits, in its thread,
until it is written.
"""

import logging
import os
import signal
import threading
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Final

from serving.log_place import open_log
from serving.log_rows import Parcel
from serving.log_sink import SOCKET, LogDownError, LogSink
from serving.logs import log_json
from serving.settings import WorkerSettings

NICENESS: Final = 15
"""Beside a busy worker it gets a thirtieth of a processor."""
_TIDY_S: Final = 3_600.0

_log = logging.getLogger("serving")


def main() -> None:
    """Write until SIGTERM, which the supervisor sends once the workers have ended."""
    log_json()
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    settings = WorkerSettings.from_environ()
    sink = LogSink(lambda: open_log(settings.log), settings.log.evidence)
    threading.Thread(target=_tidy, args=(sink,), daemon=True).start()
    serve(settings.run_folder, sink)


def serve(run_folder: Path, sink: LogSink) -> None:
    """Take the parcels of every worker that connects, each in a thread of its own."""
    path = run_folder / SOCKET
    path.unlink(missing_ok=True)
    with Listener(str(path), "AF_UNIX", backlog=64) as listener:
        while True:
            connection = listener.accept()
            threading.Thread(target=_take, args=(connection, sink), daemon=True).start()


def _take(connection: "Connection[int | str, Parcel]", sink: LogSink) -> None:
    with connection:
        while True:
            try:
                parcel = connection.recv()
            except (EOFError, OSError):
                # the worker has ended
                return
            try:
                answer: int | str = sink.write(parcel)
            except LogDownError as error:
                answer = str(error)
            try:
                connection.send(answer)
            except OSError:
                return


def _tidy(sink: LogSink) -> None:
    """Open the log at once, so that a wrong place is said at once, then delete what is too old."""
    is_said, pause = False, threading.Event()
    while True:
        try:
            sink.tidy()
            is_said = False
        except LogDownError as error:
            if not is_said:
                _log.error("the decision log cannot be opened or tidied: %s", error)
            is_said = True
        pause.wait(_TIDY_S if not is_said else 60.0)


if __name__ == "__main__":
    main()
