"""A private PostgreSQL server that a test starts, stops and starts again."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from tests.private_server import START_TIMEOUT_S, server_user, wait_until_it_answers

PASSWORD = "correct-horse"


class PostgresServer:
    """A private cluster in a folder, on a port of the loopback interface."""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        """Create the cluster without starting it.

        Args:
            folder: An empty folder.
            settings: Server settings like 'log_statement=all'.
        """
        self._folder = folder
        self._settings = [word for setting in settings for word in ("-c", setting)]
        self._user = server_user("postgres")
        if self._user:
            shutil.chown(folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        self.port = free_port()
        self.url = f"postgresql://tester:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        cluster = f"--pgdata={folder / 'cluster'}"
        access = ["--auth=scram-sha-256", "--username=tester", f"--pwfile={folder / 'password'}"]
        self._run("initdb", cluster, "--encoding=UTF8", "--no-sync", *access).wait()

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        # -F (no fsync): a test cluster need not survive a crash of the machine
        listen = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder), "-F"]
        self._process = self._run(
            "postgres", "-D", str(self._folder / "cluster"), *listen, *self._settings
        )
        wait_until_it_answers(
            "PostgreSQL",
            self._process,
            self.log,
            lambda: psycopg.connect(self.url, connect_timeout=2).close(),
            psycopg.OperationalError,
        )

    @property
    def pid(self) -> int:
        """The running server process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Close all connections and stop."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None

    def _run(self, program: str, *words: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [str(_binaries() / program), *words],
                user=self._user,
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def _binaries() -> Path:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name)
    )
    on_path = shutil.which("initdb")
    if versions:
        return versions[-1]
    if on_path:
        return Path(on_path).resolve().parent
    pytest.fail(
        "the tests need PostgreSQL: install it (apt-get install postgresql), or give the URL of "
        "a server in LINKAGE_RL_TEST_POSTGRES",
        pytrace=False,
    )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
