"""`python -m serving.worker --socket PATH`: one process that answers requests."""

import argparse
import logging
import os
import signal
import sys
from typing import NoReturn

import uvicorn

from linkage_rl.errors import LinkageError
from serving.app import create_app
from serving.errors import RequestError
from serving.logs import log_json
from serving.protocol import LoggedHttpProtocol
from serving.settings import WorkerSettings
from serving.start_fault import CANNOT_START, record_fault
from serving.variables import SettingError

GRACE_S = 24
"""Seconds that requests in flight may take after SIGTERM."""

_log = logging.getLogger("serving")


def main() -> None:
    """Serve until SIGTERM, finish what is in flight, and exit with 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    listen = parser.add_mutually_exclusive_group(required=True)
    listen.add_argument("--socket", help="unix socket to listen on")
    listen.add_argument("--port", type=int, help="port of the loopback interface to listen on")
    arguments = parser.parse_args()
    log_json()
    try:
        app = create_app(WorkerSettings.from_environ())
    except Exception as error:
        _cannot_start(error)
    if arguments.socket and os.path.exists(arguments.socket):  # noqa: PTH110 - it is a socket
        os.unlink(arguments.socket)  # noqa: PTH108
    # uvicorn raises the signal again after its shutdown, which would end the process with 143
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: None)
    config = uvicorn.Config(
        app,
        uds=arguments.socket,
        port=arguments.port or 0,
        loop="uvloop",
        lifespan="on",
        http=LoggedHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # nobody asks for the address of a caller
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    try:
        server.run()
    except OSError as error:
        # the socket cannot be created
        _cannot_start(error)
    sys.stdout.flush()
    # what still runs in a thread, such as the load of a model, is of use to nobody
    os._exit(0 if server.started else 1)


def _cannot_start(error: Exception) -> NoReturn:
    """End, and leave the reason to the supervisor; log it where there is none."""
    if isinstance(error, LinkageError | RequestError | SettingError):
        sentence = str(error)
    elif isinstance(error, OSError):
        place = error.filename or "the run folder (LINKAGE_RUN_DIR)"
        sentence = (
            f"expected to read and write the server's files, got: {error.strerror}: {place}; "
            "free some space or name another folder"
        )
    else:
        # by class and place, since its text may repeat what nobody should read
        _log.exception("the worker cannot start")
        sentence = f"expected to start, got an internal error ({type(error).__name__})"
    if record_fault(sentence):
        sys.exit(CANNOT_START)
    # in the format of all other lines of the log
    _log.critical("%s", sentence)
    sys.exit(1)


if __name__ == "__main__":
    main()
