"""`python -m experiments.cost logging`: a server with its decision log on, beside one without.

    python -m experiments.cost logging --bundle exports/model \
        --database postgresql://logger@host/log --stop "podman stop log" --start "podman start log"

Both servers run on this machine, each with one worker. They are loaded in turn, round after round,
so that what else the machine does hits both. In the last round the database of the log is stopped
for the middle third of the time. Then every decision must be in the log or counted as dropped.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from experiments.cost.caller import Load, Request, drive
from experiments.cost.figures import Figure, figures_table, write_json
from experiments.cost.running_server import running_server
from experiments.cost.serving import CALLERS, LISTS, SINGLES, clients_of, request_of
from experiments.tools.measure import machine
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.records import RecordBatch

SETTLE_S: Final = 300.0
"""How long what waits may take to be written at the end."""
LOADS: Final = {f"{CALLERS} callers": (1, CALLERS), "lists of 1,000, 4 callers": (1_000, 4)}
"""Name of a load to the clients of a request and the number of callers."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A running server."""

    url: str
    pid: int
    loads: dict[str, list[Load]] = field(default_factory=dict)
    cpu_s: dict[str, list[float]] = field(default_factory=dict)
    """Processor seconds of its worker for each load."""

    def load(self, name: str, requests: Sequence[Request], callers: int, seconds: float) -> None:
        """Send requests for some time, and note what came of it."""
        before = self._worker_s()
        self.loads.setdefault(name, []).append(drive(self.url, requests, callers, seconds))
        self.cpu_s.setdefault(name, []).append(self._worker_s() - before)

    def counts(self) -> dict[str, int]:
        """The counters of the decision log; drops of all reasons together."""
        found = dict.fromkeys(("decisions", "written", "dropped"), 0)
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        for line in lines:
            if line.startswith("linkage_log_"):
                name, _, value = line.partition("{")[0].partition(" ")
                key = name.removeprefix("linkage_log_").removesuffix("_total")
                found[key] += int(float(value or line.rpartition(" ")[2]))
        return found

    def rate(self, name: str) -> float:
        """Median of clients per second."""
        return median(load.clients_per_s for load in self.loads[name])

    def cpu_us(self, name: str) -> float:
        """Median of processor time of the worker, in microseconds per client."""
        pairs = zip(self.cpu_s[name], self.loads[name], strict=True)
        return median(1e6 * seconds / max(load.clients, 1) for seconds, load in pairs)

    def failures(self) -> int:
        """Requests that were not answered."""
        return sum(sum(load.failures.values()) for loads in self.loads.values() for load in loads)

    def _worker_s(self) -> float:
        """Processor seconds of the workers so far."""
        total = 0.0
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "stat").read_text().rpartition(")")[2].split()
                command = (place / "cmdline").read_bytes()
            except OSError:
                continue
            if int(words[1]) == self.pid and b"serving.worker" in command:
                total += (int(words[11]) + int(words[12])) / _TICKS
        return total


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0 if every decision is accounted for.

    Args:
        arguments: The command line; None takes that of the process.
    """
    asked = _parser().parse_args(arguments)
    about, records, before = machine(), clients_of(asked.clients), rows_in(asked.database)
    with server(asked, "") as plain, server(asked, asked.database) as logged:
        _load(asked, plain, logged, records)
        counts = settled(logged)
    figures, rows = list(_figures(plain, logged)), rows_in(asked.database) - before
    exact = counts["decisions"] == rows + counts["dropped"] and rows == counts["written"]
    if asked.output:
        about |= {"seconds": asked.seconds, "rows": rows, **counts}
        write_json(asked.output, about, figures, [])
    sys.stdout.write(
        f"{figures_table(figures)}\n"
        f"{counts['decisions']:,} decisions = {counts['written']:,} written + "
        f"{counts['dropped']:,} dropped; {rows:,} rows in the log; "
        f"{logged.failures()} failures, {plain.failures()} without the log\n"
    )
    return 0 if exact else 1


def _load(asked: argparse.Namespace, plain: Server, logged: Server, records: RecordBatch) -> None:
    """Load both servers in turn; in the end the one that logs while its database is stopped."""
    for turn in range(asked.rounds):
        for name, (size, callers) in LOADS.items():
            for one in (plain, logged) if turn % 2 else (logged, plain):
                one.load(name, _requests(one.url, records, size), callers, asked.seconds)
    name = f"{CALLERS} callers, database stopped"
    plain.load(name, _requests(plain.url, records, 1), CALLERS, asked.seconds)
    with stopped(asked):
        logged.load(name, _requests(logged.url, records, 1), CALLERS, asked.seconds)
    plain.load(name, _requests(plain.url, records, 1), CALLERS, asked.seconds)


def _requests(url: str, records: RecordBatch, size: int) -> list[Request]:
    count = SINGLES if size == 1 else LISTS
    return [request_of(url, records, place * size, size) for place in range(count)]


def settled(logged: Server) -> dict[str, int]:
    """The counters once nothing waits any more.

    Raises:
        SystemExit: Something still does after `SETTLE_S`.
    """
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        counts = logged.counts()
        if counts["decisions"] == counts["written"] + counts["dropped"]:
            return counts
        time.sleep(0.5)
    raise SystemExit(f"expected all decisions to be written within {SETTLE_S:g} s, got {counts}")


def rows_in(database: str) -> int:
    """Rows of the log, which is created where it is missing."""
    with DecisionLog.open(database) as log:
        return log.count()


@contextmanager
def stopped(asked: argparse.Namespace) -> Iterator[None]:
    """Stops the database after a third of the time, and starts it again after another one."""

    def act() -> None:
        for command in (asked.stop, asked.start):
            time.sleep(asked.seconds / 3)
            subprocess.run(command, shell=True, check=True)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def server(asked: argparse.Namespace, log: str) -> Iterator[Server]:
    """Runs a server of one worker, with a decision log if there is a place for it."""
    variables = {"LINKAGE_WORKERS": "1", "LINKAGE_LOG_URL": log}
    with running_server(asked.bundle, asked.port + bool(log), variables) as running:
        yield Server(running.url, running.pid)


def _figures(plain: Server, logged: Server) -> Iterator[Figure]:
    for name in logged.loads:
        note = f"{100 * logged.rate(name) / plain.rate(name):.1f} % of it"
        yield Figure(name, "clients/s", logged.rate(name), plain.rate(name), "no log", note)
        own, other = logged.cpu_us(name), plain.cpu_us(name)
        yield Figure(name, "worker's CPU us/client", own, other, "no log", less_is_better=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost logging",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument(
        "--database", required=True, help="URL of the log, to which nobody else writes"
    )
    parser.add_argument("--stop", default="true", help="shell command that stops this database")
    parser.add_argument("--start", default="true", help="shell command that starts it again")
    parser.add_argument("--clients", type=Path, help="client list; else that of the sample")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=18_080, help="this one and the next are used")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    return parser
