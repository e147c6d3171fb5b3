"""`python -m experiments.cost serving URL --bundle DIR`: a server under load, beside plain ones."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from experiments.cost.caller import Load, Request, drive, request
from experiments.cost.figures import Figure, figures_table, write_json
from experiments.tools.measure import machine
from linkage_rl.records import RecordBatch
from linkage_rl.tables.readers import read_clients
from linkage_rl.tables.sample import SampleConfig, generate_clients

SINGLES: Final = 2_000
"""Clients that are sent one by one, in turn."""
LISTS: Final = 12
"""Lists that are sent in turn."""
CALLERS: Final = 16
PLAIN: Final[dict[str, list[str]]] = {
    "HTTPServer": [],
    "ThreadingHTTPServer, keep-alive": ["--keep-alive"],
}
"""The standard library's servers, to options of `plain_server`; the first is the reference's."""

_FIGURES: Final[dict[str, Callable[[Load], float]]] = {
    "ms, p50": lambda load: load.quantile_ms(0.5),
    "ms, p99": lambda load: load.quantile_ms(0.99),
    "requests/s": lambda load: load.requests_per_s,
    "clients/s": lambda load: load.clients_per_s,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    options = _parser().parse_args(arguments)
    about = machine()
    records = clients_of(options.clients)
    ours = measure(options.url, records, options.seconds)
    rivals: dict[str, dict[str, Load]] = {}
    for name, more in PLAIN.items() if options.bundle else []:
        with plain_server(options.bundle, more) as url:
            # a third of the time is enough for what is that much slower
            rivals[name] = measure(url, records, options.seconds / 3)
    figures = [figure for name, loads in rivals.items() for figure in beside(ours, loads, name)]
    figures = figures or list(beside(ours, {}, ""))
    if options.output:
        write_json(options.output, {"machine": about, "seconds": options.seconds}, figures, [])
    sys.stdout.write(
        f"{about['cores']} cores, {about['processor']}, load {about['load_before']} before, "
        f"{len(records):,} clients\n\n{figures_table(figures)}\n"
    )
    return 0


def measure(url: str, records: RecordBatch, seconds: float) -> dict[str, Load]:
    """One caller, sixteen callers, then lists, after a short warm-up."""
    singles = [request_of(url, records, place, 1) for place in range(min(SINGLES, len(records)))]
    lists = {
        size: [request_of(url, records, place * size, size) for place in range(LISTS)]
        for size in (1_000, 10_000)
    }
    drive(url, singles, 2, 2.0)
    return {
        "one caller": drive(url, singles, 1, seconds / 3),
        f"{CALLERS} callers": drive(url, singles, CALLERS, seconds),
        "lists of 1,000, 4 callers": drive(url, lists[1_000], 4, seconds / 3),
        "lists of 10,000, 2 callers": drive(url, lists[10_000], 2, seconds / 3),
    }


def beside(ours: dict[str, Load], rivals: dict[str, Load], against: str) -> Iterator[Figure]:
    """Lines of the table; without rivals where there are none."""
    for what, own in ours.items():
        rival = rivals.get(what)
        note = f"failures: {dict(own.failures) or 0}"
        if rival is not None:
            note += f", rival's {dict(rival.failures) or 0}"
        for unit, figure_of in _FIGURES.items():
            if ("lists" in what) == (unit == "clients/s"):
                yield Figure(
                    what,
                    unit,
                    figure_of(own),
                    figure_of(rival) if rival is not None else None,
                    against,
                    note if unit.endswith("/s") else "",
                    less_is_better=unit.startswith("ms"),
                )


@contextmanager
def plain_server(bundle: Path, options: Sequence[str]) -> Iterator[str]:
    """Runs `experiments.cost.plain_server` on a free port of the loopback interface."""
    command = [sys.executable, "-m", "experiments.cost.plain_server", str(bundle), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
            process.wait()


def clients_of(file: Path | None) -> RecordBatch:
    """The clients of a file, or those of the sample."""
    if file is None:
        return generate_clients(SampleConfig(), "test").records
    return read_clients(file).records


def request_of(url: str, records: RecordBatch, first: int, count: int) -> Request:
    """A request for the clients from a place on, from the beginning again at the end."""
    clients = []
    for place in range(first, first + count):
        row = place % len(records)
        known = {name: texts[row] for name, texts in records.columns.items() if texts[row]}
        clients.append({"client_id": f"c{place}", **known})
    body = json.dumps({"mode": "bulk_linkage", "clients": clients}, ensure_ascii=False).encode()
    marks = (b'"c%d"' % first, b'"c%d"' % (first + count - 1)) if count > 1 else (b'"c%d"' % first,)
    return request(f"{url}/invocations", body, count, marks=marks)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.cost serving", description=__doc__)
    parser.add_argument("url", help="of the running server, http://127.0.0.1:8080")
    parser.add_argument("--bundle", type=Path, help="for the plain servers; else none")
    parser.add_argument("--clients", type=Path, help="client list; else that of the sample")
    parser.add_argument("--seconds", type=float, default=60.0, help="for the sixteen callers")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    return parser
