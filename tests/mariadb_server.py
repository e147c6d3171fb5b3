"""A private MariaDB server that a test starts, stops and starts again."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from tests.postgres_server import PASSWORD, free_port
from tests.private_server import START_TIMEOUT_S, server_user, wait_until_it_answers


class MariadbServer:
    """A private data folder, served on a port of the loopback interface."""

    def __init__(self, folder: Path) -> None:
        """Create the data folder without starting the server.

        Args:
            folder: An empty folder.
        """
        self._folder = folder
        self._user = server_user("mysql")
        if self._user:
            shutil.chown(folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        self.port = free_port()
        self.url = f"mysql+pymysql://tester:{PASSWORD}@127.0.0.1:{self.port}/mysql?charset=utf8mb4"
        (folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS tester@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        (folder / "init.sql").chmod(0o644)
        self._run(
            "mariadb-install-db",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=8M",
        ).wait()

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        self._process = self._run(
            "mariadbd",
            f"--init-file={self._folder / 'init.sql'}",
            f"--socket={self._folder / 'socket'}",
            f"--pid-file={self._folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            # a test server need not survive a crash of the machine
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-log-file-size=8M",
        )
        engine = create_engine(self.url)
        wait_until_it_answers(
            "MariaDB",
            self._process,
            self.log,
            lambda: engine.connect().close(),
            OperationalError,
        )
        engine.dispose()

    @property
    def pid(self) -> int:
        """The running server process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Close all connections and stop."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None

    def _run(self, program: str, *words: str) -> "subprocess.Popen[bytes]":
        path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
        if path is None:
            pytest.fail(
                "the tests need MariaDB: install it (apt-get install mariadb-server)",
                pytrace=False,
            )
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [path, "--no-defaults", f"--datadir={self._folder / 'data'}", *words],
                user=self._user,
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
