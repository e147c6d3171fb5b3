"""A private PgBouncer in transaction mode before a PostgreSQL server, otherwise with its defaults.

With its defaults it refuses every start-up option but those that it knows; prepared statements and
settings of a session reach whichever server connection comes next.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.postgres_server import free_port
from tests.private_server import START_TIMEOUT_S, server_user, wait_until_it_answers

POOL_SIZE = 2
"""Server connections, so that clients of a test share them."""


class PgbouncerServer:
    """A pooler of one PostgreSQL server, on a port of the loopback interface."""

    def __init__(self, folder: Path, server: str) -> None:
        """Write the configuration without starting the pooler.

        Args:
            folder: An empty folder.
            server: URL of the PostgreSQL server, with user and password.
        """
        self._folder = folder
        self._user = server_user("postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        self.port = free_port()
        behind = make_url(server)
        self.url = behind.set(host="127.0.0.1", port=self.port).render_as_string(
            hide_password=False
        )
        (folder / "users.txt").write_text(f'"{behind.username}" "{behind.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host={behind.host} port={behind.port or 5432}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {folder / 'users.txt'}\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\n"
        )
        if self._user:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, self._user)

    def start(self) -> None:
        """Start the pooler unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        path = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if path is None:
            pytest.fail(
                "the tests need PgBouncer: install it (apt-get install pgbouncer)", pytrace=False
            )
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [path, str(self._folder / "pgbouncer.ini")],
                user=self._user,
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until_it_answers(
            "PgBouncer",
            self._process,
            self.log,
            lambda: psycopg.connect(self.url, connect_timeout=2).close(),
            psycopg.OperationalError,
        )

    @property
    def pid(self) -> int:
        """The running pooler."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Close all connections and stop."""
        if self._process is not None:
            # SIGTERM stops at once; SIGINT would wait for clients
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None
