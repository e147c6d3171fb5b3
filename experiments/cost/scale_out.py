"""`python -m experiments.scale_out`: one list by one process, by several, and by actors of Ray."""

import argparse
import csv
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

WAYS: Final = (("processes", 1), ("processes", 2), ("ray", 1), ("ray", 2))
"""Engines with their workers."""


@dataclass
class Way:
    """What one way of linking took; one entry per round."""

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
    """Memory that an actor has written itself, largest seen."""
    shared_mb: float = 0.0
    """Memory of an actor that others have mapped too, largest seen: libraries and index."""


def main(words: Sequence[str] | None = None) -> int:
    """Link a list in every way, print a table, and write `results.json`."""
    asked = _arguments(words)
    asked.output.mkdir(parents=True, exist_ok=True)
    clients = asked.output / "clients.csv"
    _repeat(asked.clients, clients, asked.count)
    ways = [Way(engine, workers, [], [], []) for engine, workers in WAYS]
    for _ in range(asked.rounds):
        for way in ways:
            _link(way, asked, clients)
            sys.stdout.write(f"{way.engine:<10}{way.workers:>2}{way.rate[-1]:>9,.0f}/s\n")
            sys.stdout.flush()
    results = {
        "clients": asked.count,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "same_output": len({way.digest for way in ways}) == 1,
        "ways": [asdict(way) for way in ways],
    }
    asked.results.write_text(f"{json.dumps(results, indent=1)}\n")
    return 0 if results["same_output"] else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--clients", type=Path, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--count", type=int, default=60_000, help="clients of the whole list")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("outputs/scale_out"))
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results.json"))
    return parser.parse_args(words)


def _repeat(source: Path, target: Path, count: int) -> None:
    """The clients of a list over and over, under ids of their own."""
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


def _link(way: Way, asked: argparse.Namespace, clients: Path) -> None:
    """Link the list once, and note when its first chunk was written and when its last."""
    output = asked.output / "linked.csv"
    output.unlink(missing_ok=True)
    words = [f"bundle={asked.bundle}", f"clients={clients}", f"output={output}", "chunk=2048"]
    words += [f"database={asked.database}"] if asked.database else []
    words += [f"workers={way.workers}"] + (["launcher=ray"] if way.engine == "ray" else [])
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "linkage_rl.link", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    first, done = 0.0, 0
    while process.poll() is None and not output.exists():
        if not first and (done := _finished(output)):
            first = time.perf_counter()
        if way.engine == "ray":
            _look(way)
        time.sleep(0.05)
    end = time.perf_counter()
    if process.wait() or not first:
        raise SystemExit(f"link {' '.join(words)} ended with {process.returncode}")
    way.start_s.append(first - begin)
    way.rate.append((asked.count - done) / (end - first))
    way.load.append(os.getloadavg()[0])
    way.digest = hashlib.sha256(output.read_bytes()).hexdigest()


def _finished(output: Path) -> int:
    """Clients that are written so far."""
    try:
        return int(
            json.loads(output.with_name(f"{output.name}.partial.json").read_text())["finished"]
        )
    except (OSError, ValueError):
        return 0


def _look(way: Way) -> None:
    """Memory of the actors that link, which bear their class in their names."""
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
        way.own_mb, way.shared_mb = max(way.own_mb, own), max(way.shared_mb, shared)


if __name__ == "__main__":
    raise SystemExit(main())
