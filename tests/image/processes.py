"""The processes of a container as the host sees them, and their memory."""

from pathlib import Path

from tests.image.containers import Container, inspect


def processes(container: Container) -> dict[int, str]:
    """Process id on this host to command line, for all processes of a container."""
    root = int(inspect("container", container.id)["State"]["Pid"])
    found, parents = {}, [root]
    while parents:
        pid = parents.pop()
        found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        parents += map(int, children.split())
    return found


def workers(container: Container) -> list[int]:
    """Process ids of the workers."""
    return [pid for pid, line in processes(container).items() if "serving.worker" in line]


def proportional_mb(container: Container) -> float:
    """Proportional set size of all processes: shared pages are counted once."""
    files = [Path(f"/proc/{pid}/smaps_rollup") for pid in processes(container)]
    return sum(_field_kb(file, "Pss:") for file in files) / 1e3


def anonymous_mb(container: Container) -> float:
    """Memory of the container's cgroup, without cached files."""
    pid = int(inspect("container", container.id)["State"]["Pid"])
    groups = dict(
        line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    )
    # cgroup v1 has a hierarchy of its own for memory
    is_v1 = "memory" in groups
    fis_v1 = Path(f"/sys/fs/cgroup/{'memory' if is_v1 else ''}/{groups['memory' if is_v1 else '']}")
    used = int((fis_v1 / ("memory.usage_in_bytes" if is_v1 else "memory.current")).read_text())
    stat = dict(line.split() for line in (fis_v1 / "memory.stat").read_text().splitlines())
    return (used - int(stat["total_cache" if is_v1 else "file"])) / 1e6


def _field_kb(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"{file} has no {name}")
