"""`python -m experiments.cost reviewing`: how long a reviewer waits after each click on the page.

    python -m experiments.cost reviewing --bundle outputs/model --database companies.db \
        --clients clients.csv --clicks 300

The clients are linked into a temporary log; the page runs in this process, without a network. A
click is the request that keeps an answer and brings the next client, as htmx sends it.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from starlette.testclient import TestClient

from experiments.cost.figures import Figure, figures_table, write_json
from experiments.tools.measure import machine
from linkage_rl.config.inputs import TableChoice, database_of, open_linker
from linkage_rl.decision_log.linked import Facts, rows_of
from linkage_rl.decision_log.rows import SHOWN, Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.queues import audit_queue, stratified_queue
from linkage_rl.records import RecordBatch
from linkage_rl.reviewing.app import create_app
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.tables.readers import read_clients

TOKEN: Final = "token-of-the-measurement"
SEARCHES: Final = 20
"""Names of clients that are searched for."""
_FIELD: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line per figure, and write them as JSON."""
    asked = _arguments(arguments)
    clients = read_clients(asked.clients).records
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "log.db")
        companies, queues = _linked(asked, clients, log)
        figures = _measured(asked, clients, log, queues)
    sys.stdout.write(f"{companies:,} companies\n{figures_table(figures)}\n")
    write_json(asked.output, {"machine": machine(), "companies": companies}, figures, [])
    return 0


def _linked(
    asked: argparse.Namespace, clients: RecordBatch, log_file: str
) -> tuple[int, dict[str, str]]:
    """Log decisions on the clients; number of companies, and the name of each queue to its id."""
    with open_linker(str(asked.bundle), asked.database, "", TableChoice()) as (linker, state):
        linker = replace(linker, shown=SHOWN, keeps_evidence=True)
        with DecisionLog.open(log_file) as log:
            facts = Facts.of(linker, "link", "0" * 16, state[:16], log.privacy)
            log.append(rows_of(linker.link(clients), clients, facts))
            queues = {
                "stratified": stratified_queue(log, Selection(), asked.clicks + 1, seed=1),
                "audit": audit_queue(log, Selection(), goal=0.95, confidence=0.95, seed=1),
            }
        return len(linker.index), queues


def _measured(
    asked: argparse.Namespace, clients: RecordBatch, log: str, queues: dict[str, str]
) -> list[Figure]:
    url = database_of(asked.database).render_as_string(False) if asked.database else ""
    settings = ReviewSettings(log=log, database=url, bundle=str(asked.bundle), token=TOKEN)
    with TestClient(create_app(settings)) as page:
        page.post("/login", data={"name": "reviewer", "token": TOKEN})
        times = {
            f"click, {name}": clicks_ms(page, queue, asked.clicks) for name, queue in queues.items()
        }
        names = [name for name in clients.column("name")[:SEARCHES] if name]
        times["search"] = searches_ms(page, queues["stratified"], names)
    return [
        Figure(f"{name}, {share:.0%} of {len(waited)}", "ms", float(np.percentile(waited, point)))
        for name, waited in times.items()
        if waited
        for share, point in ((0.5, 50), (0.99, 99))
    ]


def clicks_ms(page: TestClient, queue: str, clicks: int) -> list[float]:
    """Milliseconds of each click on a queue, until it ends."""
    waited: list[float] = []
    text = page.get(f"/queues/{queue}").text
    while len(waited) < clicks and '<form id="answer"' in text:
        form = dict(_FIELD.findall(text[text.index('<form id="answer"') :].partition("</div>")[0]))
        begin = time.perf_counter()
        answer = page.post(
            f"/queues/{queue}/answer",
            data=form | {"answer": "unsure"},
            headers={"hx-request": "true"},
        )
        waited.append((time.perf_counter() - begin) * 1000)
        answer.raise_for_status()
        text = answer.text
    return waited


def searches_ms(page: TestClient, queue: str, names: Sequence[str]) -> list[float]:
    """Milliseconds of each search for a company beside the next client of a queue."""
    waited = []
    for name in names:
        begin = time.perf_counter()
        page.get(f"/queues/{queue}", params={"find": name}).raise_for_status()
        waited.append((time.perf_counter() - begin) * 1000)
    return waited


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("experiments.cost reviewing", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--database", default="", help="companies; those of the bundle by default")
    parser.add_argument("--clients", type=Path, required=True)
    parser.add_argument("--clicks", type=int, default=300)
    parser.add_argument("--output", type=Path, default=Path("outputs/reviewing.json"))
    return parser.parse_args(arguments)
