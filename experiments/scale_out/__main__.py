"""`python -m experiments.scale_out`: one list by one process, by several, and by actors of Ray."""

import argparse
import csv
import hashlib
import json
import os
import platform
import statistics
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
    """What one way of linking took, in seconds; one entry per round."""

    engine: str
    workers: int
    start: list[float]
    """A list of ten clients: libraries, bundle, index, cluster."""
    whole: list[float]
    """The whole list."""
    digest: str = ""
    """SHA-256 of the output."""
    private_mb: float = 0.0
    """Memory of a worker that it shares with nobody, largest seen."""
    shared_mb: float = 0.0
    """Memory of a worker that others have mapped too, largest seen: libraries and index."""

    def rate(self, clients: int) -> float:
        """Clients per second besides the start, median of the rounds."""
        pairs = zip(self.start, self.whole, strict=True)
        return statistics.median(clients / (whole - start) for start, whole in pairs)


def main(words: Sequence[str] | None = None) -> int:
    """Link a list in every way, print a table, and write `results.json`."""
    asked = _arguments(words)
    asked.output.mkdir(parents=True, exist_ok=True)
    lists = {name: asked.output / f"{name}.csv" for name in ("few", "many")}
    _repeat(asked.clients, lists["few"], 10)
    _repeat(asked.clients, lists["many"], asked.count)
    ways = [Way(engine, workers, [], []) for engine, workers in WAYS]
    for _ in range(asked.rounds):
        for way in ways:
            way.start.append(_link(way, asked, lists["few"]))
            way.whole.append(_link(way, asked, lists["many"]))
            sys.stdout.write(f"{way.engine:<10}{way.workers:>2}{way.rate(asked.count):>9,.0f}/s\n")
            sys.stdout.flush()
    results = {
        "clients": asked.count,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "same_output": len({way.digest for way in ways}) == 1,
        "ways": [asdict(way) | {"rate": way.rate(asked.count)} for way in ways],
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


def _link(way: Way, asked: argparse.Namespace, clients: Path) -> float:
    output = asked.output / "linked.csv"
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
    while process.poll() is None:
        if way.engine == "ray":
            _look(way)
        time.sleep(0.25)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"link {' '.join(words)} ended with {process.returncode}")
    way.digest = hashlib.sha256(output.read_bytes()).hexdigest()
    return seconds


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
        private = (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024
        shared = (kb["Shared_Clean"] + kb["Shared_Dirty"]) / 1024
        way.private_mb, way.shared_mb = max(way.private_mb, private), max(way.shared_mb, shared)


if __name__ == "__main__":
    raise SystemExit(main())
