"""`python -m serving.worker --socket PATH`: one process that answers requests."""

import argparse
import logging
import os
import signal
import sys

import uvicorn

from linkage_rl.errors import LinkageError
from serving.app import create_app
from serving.errors import RequestError
from serving.logs import log_json
from serving.settings import SettingError, WorkerSettings

GRACE_S = 7
"""Seconds that requests in flight may take after SIGTERM."""


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
    except (LinkageError, RequestError, SettingError) as error:
        # in the format of all other lines of the log
        logging.getLogger("serving").critical("%s", error)
        sys.exit(1)
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
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    server.run()
    sys.exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
