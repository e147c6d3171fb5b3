"""The servers of the soak: PostgreSQL, PgBouncer, and the supervisor with nginx and two workers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from linkage_rl.errors import LinkageError
from serving.content_type import JSON
from tests.pgbouncer_server import PgbouncerServer
from tests.postgres_server import PostgresServer
from tests.serving.http_client import free_port, send

START_S: Final = 180.0
DATABASE_TIMEOUT_S: Final = 2.0
REFRESH_S: Final = 5.0
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Stack:
    """Everything that runs."""

    postgres: PostgresServer
    pgbouncer: PgbouncerServer
    supervisor: "subprocess.Popen[bytes]"
    url: str
    log: Path
    cluster: Path
    """Folder of PostgreSQL's data."""

    def workers(self) -> dict[str, int]:
        """Name of each worker that runs to its process."""
        return {name: pid for name, pid in self.processes().items() if name.startswith("worker")}

    def processes(self) -> dict[str, int]:
        """Name of each process of the server that runs, to its id."""
        found = {"supervisor": self.supervisor.pid}
        for pid in _children(self.supervisor.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            sockets = [Path(word).stem for word in words if word.endswith(".sock")]
            name = sockets[0] if sockets else ""
            if not name:
                name = "refresher" if "serving.refresher" in words else "nginx"
            found[name] = pid
        return found

    def lines(self) -> list[dict[str, Any]]:
        """What the server wrote, one JSON object per line; other lines are under 'text'."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"text": line})
        return found

    def freeze(self, frozen: bool) -> None:
        """Stop all processes of PostgreSQL where they are, or let them go on."""
        number = signal.SIGSTOP if frozen else signal.SIGCONT
        leader = int((self.cluster / "postmaster.pid").read_text().split()[0])
        for pid in (leader, *_children(leader)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


@contextmanager
def database(folder: Path) -> Iterator[tuple[PostgresServer, PgbouncerServer]]:
    """PostgreSQL with PgBouncer before it."""
    for name in ("postgres", "pgbouncer"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    postgres = PostgresServer(folder / "postgres")
    postgres.start()
    try:
        pgbouncer = PgbouncerServer(folder / "pgbouncer", postgres.url)
        pgbouncer.start()
        try:
            yield postgres, pgbouncer
        finally:
            pgbouncer.stop()
    finally:
        postgres.stop()


@contextmanager
def server(
    folder: Path, bundle: Path, postgres: PostgresServer, pgbouncer: PgbouncerServer
) -> Iterator[Stack]:
    """The real supervisor with two workers on a port of its own, reading through the pooler."""
    port, log = free_port(), folder / "server.log"
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ |= variables(folder, bundle, port, pgbouncer.url)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.supervisor"],
            cwd=Path(__file__).parents[2],
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    cluster = folder / "postgres" / "cluster"
    stack = Stack(postgres, pgbouncer, process, f"http://127.0.0.1:{port}", log, cluster)
    try:
        _wait_until_ready(stack)
        yield stack
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def variables(folder: Path, bundle: Path, port: int, database_url: str) -> Mapping[str, str]:
    """The environment of the server."""
    return {
        "DATABASE_URL": database_url,
        "LINKAGE_BIND": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "LINKAGE_WORKERS": "2",
        "LINKAGE_MODEL_DIR": str(bundle),
        "LINKAGE_MODEL_ROOT": str(folder),
        "LINKAGE_RUN_DIR": str(folder / "run"),
        "LINKAGE_REFRESH_S": str(REFRESH_S),
        "LINKAGE_DATABASE_TIMEOUT_S": str(DATABASE_TIMEOUT_S),
    }


def _wait_until_ready(stack: Stack) -> None:
    """Wait until both workers answer from the index of the table."""
    deadline = time.monotonic() + START_S
    in_row = 0
    while in_row < 8:
        if stack.supervisor.poll() is not None or time.monotonic() > deadline:
            raise LinkageError(f"the server did not start: {stack.log.read_text()[-2000:]}")
        in_row = in_row + 1 if _answers(stack) else 0
        time.sleep(0.2)


def _answers(stack: Stack) -> bool:
    try:
        answer = send(f"{stack.url}/invocations", b'{"mode":"info"}', {"content-type": JSON})
        found = answer.json["info"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(found["companies_from"] == "database" and found["index_age_s"] is not None)


def _children(parent: int) -> list[int]:
    try:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]
