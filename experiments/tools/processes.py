"""The memory of a running command and its workers."""

from pathlib import Path


def own_memory_mb(leader: int) -> list[float]:
    """Own (not shared) memory of the processes of a session, ordered by process id.

    Args:
        leader: Process id of the command, which was started in a session of its own.

    Returns:
        The command's first, then those of its workers.
    """
    processes = sorted(
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _session(folder) == leader and _is_linking(folder)
    )
    return [_own_mb(Path(f"/proc/{process}")) for process in processes]


def _session(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[3])
    except (OSError, IndexError):
        return 0


def _is_linking(folder: Path) -> bool:
    """Whether a process is the command or a worker of it, not multiprocessing's own helper."""
    try:
        return b"resource_tracker" not in (folder / "cmdline").read_bytes()
    except OSError:
        return False


def _own_mb(folder: Path) -> float:
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024
