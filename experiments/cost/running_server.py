"""The server as its image runs it, on a port of this machine: supervisor, nginx and workers."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

START_S: Final = 300.0
"""How long a server may take until it answers: it may build the index of a database first."""


_STOP_S: Final = 60.0


@dataclass(frozen=True)
class RunningServer:
    """A server that answers."""

    url: str
    pid: int
    """Process of the supervisor, whose children the others are."""

    def memory_mb(self) -> float:
        """Memory of all its processes in MB; what several have mapped is counted once (PSS)."""
        return sum(_proportional_kb(pid) for pid in self._processes()) / 1024

    def _processes(self) -> list[int]:
        """The supervisor, and the processes below it."""
        parents = {}
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = place.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(place.parent.name)] = int(words[1])
        found = [self.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


@contextmanager
def running_server(
    bundle: Path, port: int, variables: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """Runs the server of this checkout until the end of the block.

    Args:
        bundle: What it serves.
        port: Of the loopback interface.
        variables: Further variables of `serving/README.md`.

    Raises:
        SystemExit: It does not answer within `START_S`.
    """
    with tempfile.TemporaryDirectory(prefix="linkage") as folder:
        own = {
            "LINKAGE_MODEL_DIR": str(bundle.absolute()),
            "LINKAGE_RUN_DIR": f"{folder}/run",
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "LINKAGE_BIND": "127.0.0.1",
        }
        output = Path(folder) / "output"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "serving.supervisor"],
                env={**os.environ, **own, **(variables or {})},
                stdout=stream,
                stderr=stream,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for_ping(url, process, output)
            yield RunningServer(url, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            finally:
                process.kill()


def _wait_for_ping(url: str, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    said = output.read_text(encoding="utf-8", errors="replace")[-1_000:]
    raise SystemExit(f"expected {url} to answer within {START_S:g} s; the server printed: {said}")


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
