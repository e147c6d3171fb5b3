"""Memory and descriptors of the server's processes while it is under load."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

MAX_GROWTH: Final = 0.25
"""Growth of memory, from the first third of a process's samples to its last, that is level."""
SPARE_MB: Final = 60.0
"""Growth of memory that is level in any case: caches fill."""
SPARE_FILES: Final = 24
"""Growth of the number of descriptors that is level."""
_FEW: Final = 9
"""Samples of a process from which on it is judged."""


@dataclass(frozen=True)
class Sample:
    """A process at one time."""

    at_s: float
    process: str
    pid: int
    memory_mb: float
    """Own (not shared) memory."""
    files: int
    """Open descriptors."""


def sample(processes: Mapping[str, int], begin: float) -> list[Sample]:
    """One sample of each of these processes; those that have ended are left out."""
    found = []
    for name, pid in processes.items():
        folder = Path(f"/proc/{pid}")
        try:
            lines = (folder / "status").read_text().splitlines()
            files = len(list((folder / "fd").iterdir()))
        except OSError:
            continue
        memory = sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
        at = round(time.monotonic() - begin, 1)
        found.append(Sample(at, name, pid, round(memory / 1024, 1), files))
    return found


def grown(samples: list[Sample]) -> list[str]:
    """A sentence on each process whose memory or descriptors are not level."""
    faults = []
    for process, pid in dict.fromkeys((one.process, one.pid) for one in samples):
        own = [one for one in samples if one.pid == pid]
        # the first samples are of a process that still loads
        own = own[len(own) // 6 :]
        if len(own) < _FEW:
            continue
        third = len(own) // 3
        first, last = own[:third], own[-third:]
        before, after = (max(one.memory_mb for one in part) for part in (first, last))
        if after > before * (1 + MAX_GROWTH) and after > before + SPARE_MB:
            faults.append(f"{process} ({pid}) grew from {before:.0f} to {after:.0f} MB")
        opened, open_now = (max(one.files for one in part) for part in (first, last))
        if open_now > opened + SPARE_FILES:
            faults.append(f"{process} ({pid}) grew from {opened} to {open_now} descriptors")
    return faults


def summary(samples: list[Sample]) -> list[dict[str, Any]]:
    """First, largest and last values of each process that was sampled often enough."""
    lines = []
    for pid in dict.fromkeys(one.pid for one in samples):
        own = [one for one in samples if one.pid == pid]
        if len(own) >= _FEW:
            lines.append(
                asdict(own[-1])
                | {
                    "first_mb": own[len(own) // 6].memory_mb,
                    "largest_mb": max(one.memory_mb for one in own),
                    "first_files": own[len(own) // 6].files,
                    "most_files": max(one.files for one in own),
                }
            )
    return lines
