"""`python -m experiments.cost scale_out`: a list linked by one process, by several, and by Ray."""

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from experiments.cost.link_command import repeat_clients, run_link

ENGINES: Final = (("processes", 1), ("processes", 2), ("ray", 1), ("ray", 2))
"""Engines with their number of workers."""


@dataclass
class Measured:
    """What linking took with one engine; one entry per round."""

    engine: str
    workers: int
    start_s: list[float]
    """Seconds until the first chunk is written: libraries, bundle, index, cluster."""
    rate: list[float]
    """Clients per second from the first chunk written to the last."""
    load: list[float]
    """Load average of the machine at the end of the round."""
    digest: str = ""
    """SHA-256 of the output."""
    own_mb: float = 0.0
    """Memory that an actor has written itself, largest value seen."""
    shared_mb: float = 0.0
    """Memory of an actor that others have mapped too, largest value seen: libraries and index."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Link a list with every engine, print the rates, and write `results.json`.

    Args:
        arguments: The command line; None takes that of the process.
    """
    asked = _arguments(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    clients = asked.output / "clients.csv"
    repeat_clients(asked.clients, clients, asked.count)
    runs = [Measured(engine, workers, [], [], []) for engine, workers in ENGINES]
    for _ in range(asked.rounds):
        for run in runs:
            _link(run, asked, clients)
            sys.stdout.write(f"{run.engine:<10}{run.workers:>2}{run.rate[-1]:>9,.0f}/s\n")
            sys.stdout.flush()
    results = {
        "clients": asked.count,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "same_output": len({run.digest for run in runs}) == 1,
        "runs": [asdict(run) for run in runs],
    }
    (asked.output / "results.json").write_text(f"{json.dumps(results, indent=1)}\n")
    return 0 if results["same_output"] else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost scale_out", description=__doc__
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--clients", type=Path, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--count", type=int, default=60_000, help="clients to link")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("outputs/scale_out"))
    return parser.parse_args(arguments)


def _link(run: Measured, asked: argparse.Namespace, clients: Path) -> None:
    """Link the list once with an engine."""
    output = asked.output / "linked.csv"
    words = [f"bundle={asked.bundle}", f"clients={clients}", "chunk=2048"]
    words += [f"database={asked.database}"] if asked.database else []
    words += [f"workers={run.workers}"] + (["launcher=ray"] if run.engine == "ray" else [])
    look = partial(_note_memory, run) if run.engine == "ray" else lambda: None
    linked = run_link(words, asked.count, output, look)
    run.start_s.append(linked.start_s)
    run.rate.append(linked.rate)
    run.load.append(os.getloadavg()[0])
    run.digest = hashlib.sha256(output.read_bytes()).hexdigest()


def _note_memory(run: Measured) -> None:
    """Memory of the actors that link; the class is part of their process names."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"_Worker" not in (folder / "cmdline").read_bytes():
                continue
            lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        kb = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
        # clean pages are those of files, which the next actor on the machine will share
        own, shared = kb["Private_Dirty"] / 1024, (kb["Shared_Clean"] + kb["Shared_Dirty"]) / 1024
        run.own_mb, run.shared_mb = (
            max(run.own_mb, own),
            max(run.shared_mb, shared),
        )
