"""`python -m experiments.cost interrupted`: a list linked undisturbed, and killed on the way.

The second run is killed twice with SIGKILL, and the database is restarted under it once. Its output
must be the same to the byte.
"""

import argparse
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from experiments.tools.processes import own_memory_mb

KILLS: Final = (0.25, 0.75)
"""Shares of the clients after which the run is killed."""
RESTART: Final = 0.5
"""Share of the clients after which the database is restarted."""


@dataclass
class Run:
    """What linking the list took."""

    name: str
    seconds: float = 0.0
    starts: int = 0
    digest: str = ""
    """SHA-256 of the output."""
    memory_mb: dict[str, float] = field(default_factory=dict)
    """Largest own (not shared) memory of the main process and of each worker."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Link the list twice, print what it took, and write `interrupted.json`.

    Args:
        arguments: The command line; None takes that of the process.

    Returns:
        0 if both outputs are equal to the byte, else 1.
    """
    asked = _arguments(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    undisturbed = _linked(asked, Run("undisturbed"), {})
    disturbed = _linked(
        asked,
        Run("disturbed"),
        {
            **dict.fromkeys(KILLS, _kill),
            RESTART: lambda _: subprocess.run(shlex.split(asked.restart), check=True),
        },
    )
    equal = undisturbed.digest == disturbed.digest
    results = {"same_bytes": equal, "runs": [asdict(run) for run in (undisturbed, disturbed)]}
    (asked.output / "interrupted.json").write_text(f"{json.dumps(results, indent=1)}\n")
    for run in (undisturbed, disturbed):
        memory = ", ".join(f"{name} {used:,.0f} MB" for name, used in run.memory_mb.items())
        sys.stdout.write(f"{run.name:<12}{run.starts} starts {run.seconds:>7,.0f} s   {memory}\n")
    sys.stdout.write(f"same bytes  {'yes' if equal else 'NO'}\n")
    return 0 if equal else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost interrupted", description=__doc__
    )
    parser.add_argument("--clients", required=True, help="client list")
    parser.add_argument("--restart", required=True, help="command that restarts the database")
    parser.add_argument("--output", type=Path, default=Path("outputs/interrupted"))
    parser.add_argument("words", nargs="+", help="arguments of link: bundle=, database=, workers=")
    return parser.parse_args(arguments)


def _linked(
    asked: argparse.Namespace,
    run: Run,
    events: dict[float, Callable[["subprocess.Popen[bytes]"], object]],
) -> Run:
    """Link the list, started again whenever it was killed, with what happens after each share."""
    output = asked.output / f"{run.name}.csv"
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "linkage_rl.link", f"clients={asked.clients}"]
    command += [f"output={output}", *asked.words]
    clients, waiting, begin = _clients(asked.clients), sorted(events), time.perf_counter()
    while not output.exists():
        run.starts += 1
        with (asked.output / f"{run.name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while process.poll() is None:
            time.sleep(0.2)
            _note_memory(run, process.pid)
            if waiting and _finished(output) >= waiting[0] * clients:
                events[waiting.pop(0)](process)
        if process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"link ended with {process.returncode}; see {log.name}")
    run.seconds = time.perf_counter() - begin
    with output.open("rb") as stream:
        run.digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return run


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End the run and its workers at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _clients(path: str) -> int:
    # imported here, since the linking runs in other processes
    from linkage_rl.tables.readers import count_clients

    return count_clients(Path(path))


def _finished(output: Path) -> int:
    """Clients that are safely on disk."""
    try:
        state = json.loads(output.with_name(f"{output.name}.partial.json").read_text())
    except (OSError, ValueError):
        return 0
    return int(state["finished"])


def _note_memory(run: Run, leader: int) -> None:
    """Keep the largest own memory of the run's processes, those of the session of its leader."""
    names = ["main", *(f"worker {number}" for number in range(1, 99))]
    for name, used in zip(names, own_memory_mb(leader), strict=False):
        run.memory_mb[name] = max(run.memory_mb.get(name, 0.0), used)
