"""The command `link` in a process of its own, watched from outside: its rate and its memory."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.05


@dataclass(frozen=True)
class LinkRun:
    """What one run of the command took."""

    start_s: float
    """Seconds until its first chunk is written: libraries, bundle, index, workers."""
    rate: float
    """Clients per second from the first chunk written to the last."""
    peak_mb: float
    """Largest resident memory of its own process, mapped pages included."""


def repeat_clients(source: Path, target: Path, count: int) -> None:
    """Write the clients of a list, again and again with new ids, until there are this many."""
    with source.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    place = header.index("client_id")
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for number in range(count):
            row = list(rows[number % len(rows)])
            row[place] = f"k{number}"
            writer.writerow(row)


def run_link(
    words: Sequence[str],
    clients: int,
    output: Path,
    look: Callable[[], None] = lambda: None,
) -> LinkRun:
    """Link a list.

    Args:
        words: Overrides of `python -m linkage_rl.link` but for the output.
        clients: Number of clients in the list.
        output: The result; an older one is replaced.
        look: Called many times a second while it runs.

    Raises:
        SystemExit: The command failed, or was over before its first chunk was seen.
    """
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "linkage_rl.link", *words, f"output={output}"]
    begin, first, done, peak_kb = time.perf_counter(), 0.0, 0, 0
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    while process.poll() is None and not output.exists():
        if not first and (done := _written(output)):
            first = time.perf_counter()
        peak_kb = max(peak_kb, _peak_kb(process.pid))
        look()
        time.sleep(_LOOK_S)
    end = time.perf_counter()
    if process.wait() or not first:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return LinkRun(first - begin, (clients - done) / (end - first), peak_kb / 1024)


def _written(output: Path) -> int:
    """Number of clients written so far."""
    try:
        return int(
            json.loads(output.with_name(f"{output.name}.partial.json").read_text())["finished"]
        )
    except (OSError, ValueError):
        return 0


def _peak_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
