"""The processes of a container as the host sees them, and the memory that they hold."""

from pathlib import Path

from tests.image.containers import Container, inspect


def processes(container: Container) -> dict[int, str]:
    """Command lines of a container's processes by their ids on this host."""
    root = int(inspect("container", container.id)["State"]["Pid"])
    found, parents = {}, [root]
    while parents:
        pid = parents.pop()
        found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        parents += map(int, children.split())
    return found


def workers(container: Container) -> list[int]:
    """Ids of the processes that link."""
    return [pid for pid, line in processes(container).items() if "serving.worker" in line]


def proportional_mb(container: Container) -> float:
    """Proportional set size of all processes: shared pages are counted once."""
    files = [Path(f"/proc/{pid}/smaps_rollup") for pid in processes(container)]
    return sum(_field_kb(file, "Pss:") for file in files) / 1e3


def anonymous_mb(container: Container) -> float:
    """Memory that the container's cgroup is charged for, without the files in it."""
    pid = int(inspect("container", container.id)["State"]["Pid"])
    groups = dict(
        line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    )
    # the older kind of cgroup has a hierarchy for memory alone
    older = "memory" in groups
    folder = Path(f"/sys/fs/cgroup/{'memory' if older else ''}/{groups['memory' if older else '']}")
    used = int((folder / ("memory.usage_in_bytes" if older else "memory.current")).read_text())
    told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return (used - int(told["total_cache" if older else "file"])) / 1e6


def _field_kb(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"{file} has no {name}")
