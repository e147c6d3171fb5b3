"""What the tests' private servers share: who runs them, and waiting until they answer."""

import os
import pwd
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

START_TIMEOUT_S = 30


def server_user(name: str) -> str | None:
    """User to run a server as that refuses to run as root; None for the present user."""
    if os.geteuid() != 0:
        return None
    return name if name in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


def wait_until_it_answers(
    name: str,
    process: "subprocess.Popen[bytes]",
    log: Path,
    connect: Callable[[], object],
    refused: type[Exception],
) -> None:
    """Try to connect until the server answers; the test fails where it ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            connect()
        except refused:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{name} did not start: {log.read_text()[-1000:]}", pytrace=False)
            time.sleep(0.05)
        else:
            return
