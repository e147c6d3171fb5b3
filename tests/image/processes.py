"""The processes of a container as the host sees them, and the memory that they hold."""

import os
import subprocess
from pathlib import Path

from tests.image.callers import Server


def processes(server: Server) -> dict[int, str]:
    """Command lines of a container's processes by their ids on this host."""
    asked = [_engine(), "inspect", "--format", "{{.State.Pid}}", server.id]
    root = int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    found, parents = {}, [root]
    while parents:
        pid = parents.pop()
        found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        parents += map(int, children.split())
    return found


def workers(server: Server) -> list[int]:
    """Ids of the processes that link."""
    return [pid for pid, line in processes(server).items() if "serving.worker" in line]


def proportional_mb(server: Server) -> float:
    """Proportional set size of all processes: shared pages are counted once."""
    return (
        sum(_field_kb(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in processes(server)) / 1e3
    )


def _field_kb(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"{file} has no {name}")


def stop(server: Server) -> None:
    """Send SIGTERM and wait until the container has ended; it is killed after thirty seconds."""
    subprocess.run([_engine(), "stop", "-t", "30", server.id], capture_output=True, check=True)


def exit_code(server: Server) -> int:
    """With which the container ended."""
    asked = [_engine(), "inspect", "--format", "{{.State.ExitCode}}", server.id]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def _engine() -> str:
    return os.environ.get("LINKAGE_ENGINE", "podman")
