"""Databases for tests: every test that asks for `database_url` runs on SQLite and PostgreSQL."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

GIVEN_SERVER = "LINKAGE_RL_TEST_POSTGRES"
START_TIMEOUT_S = 30
PASSWORD = "correct-horse"
_schemas = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/companies.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    schema = f"test_{os.getpid()}_{next(_schemas)}"
    own = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield own.render_as_string(hide_password=False)
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one given by LINKAGE_RL_TEST_POSTGRES, or a private one."""
    if given := os.environ.get(GIVEN_SERVER):
        yield given
        return
    user = _server_user()
    with tempfile.TemporaryDirectory(prefix="linkage-rl-pg-", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)
        yield from _serve(Path(folder), user)


def _serve(folder: Path, user: str | None) -> Iterator[str]:
    binaries, port = _binaries(), _free_port()
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    log = folder / "log"
    with log.open("wb") as output:
        run = partial(
            subprocess.Popen, user=user, cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
        cluster = f"--pgdata={folder / 'cluster'}"
        secret = f"--pwfile={folder / 'password'}"
        access = ["--auth=scram-sha-256", "--username=tester", secret]
        run([binaries / "initdb", cluster, "--encoding=UTF8", "--no-sync", *access]).wait()
        # -F: a test cluster need not survive a power cut
        listen = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
        server = run([binaries / "postgres", "-D", folder / "cluster", *listen])
    url = f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        _wait_for(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=START_TIMEOUT_S)


def _wait_for(url: str, server: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text()[-1000:]}", pytrace=False)
            time.sleep(0.05)
        else:
            return


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
        f"a server in {GIVEN_SERVER}",
        pytrace=False,
    )


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; tests that do run it as another user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
