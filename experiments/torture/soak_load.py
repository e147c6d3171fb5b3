"""Eight connections that keep a server busy, each with requests of its own kind."""

import csv
import http.client
import io
import json
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from experiments.torture.soak_oracle import Answer, Given
from linkage_rl.records import FIELDS
from serving.content_type import CSV, JSON, JSON_LINES

DOCUMENTED: Final = (503, 507)
"""Statuses from 500 on that a caller may get."""
SWAPPED: Final = "swapped"
"""Name of the model that is swapped; for a moment there is none of this name."""
_TIMEOUT_S: Final = 65.0
_RETRY_S: Final = 0.2

Clients = Sequence[Mapping[str, str]]
Reader = Callable[[bytes], tuple[str, bool, list[Given]]]


@dataclass(frozen=True)
class Kind:
    """A kind of request."""

    name: str
    clients: int
    """Clients of one request."""
    media: str = JSON
    accept: str = JSON
    model: str = ""
    """Name of the model that is asked; '' asks the server's own."""


KINDS: Final = (
    *(Kind("single", 1), Kind("single", 1), Kind("single", 1)),
    *(Kind("single, swapped", 1, model=SWAPPED), Kind("list", 50), Kind("CSV", 120, CSV, CSV)),
    *(Kind("JSON Lines", 80, JSON_LINES, JSON_LINES), Kind("batch", 600, CSV, JSON_LINES)),
)
"""One of each connection."""


@dataclass
class Load:
    """What the callers saw so far; each caller adds to it under the lock."""

    answers: "queue.SimpleQueue[Answer]" = field(default_factory=queue.SimpleQueue)
    counts: Counter[str] = field(default_factory=Counter)
    """Kind and status to the number of answers."""
    slowest_s: dict[str, float] = field(default_factory=dict)
    faults: list[tuple[str, str, float]] = field(default_factory=list)
    """Kind of request, what should not have happened, and the time of the monotonic clock."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)

    def note(self, kind: str, status: str, seconds: float) -> None:
        """Count an answer."""
        with self.lock:
            self.counts[f"{kind}: {status}"] += 1
            self.slowest_s[kind] = max(self.slowest_s.get(kind, 0.0), seconds)

    def fault(self, kind: str, what: str) -> None:
        """Note what should not have happened."""
        with self.lock:
            self.counts["faults"] += 1
            if len(self.faults) < 500:
                self.faults.append((kind, what, time.monotonic()))


def start_callers(url: str, clients: Clients, load: Load, seed: int) -> list[threading.Thread]:
    """Start one caller of each kind; they end after `load.stop` is set."""
    threads = [
        threading.Thread(
            target=_call, args=(url, clients, kind, load, f"{seed} {number}"), daemon=True
        )
        for number, kind in enumerate(KINDS)
    ]
    for thread in threads:
        thread.start()
    return threads


def _call(url: str, clients: Clients, kind: Kind, load: Load, seed: str) -> None:
    parts, rng = urlsplit(url), random.Random(seed)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    while not load.stop.is_set():
        chosen = rng.sample(range(len(clients)), min(kind.clients, len(clients)))
        body = _body(clients, chosen, kind.media)
        headers = {"content-type": kind.media, "accept": kind.accept}
        if kind.model:
            headers["x-amzn-sagemaker-target-model"] = kind.model
        begin = time.monotonic()
        try:
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            load.fault(kind.name, f"{type(error).__name__}: {error}")
            time.sleep(_RETRY_S)
            continue
        end = time.monotonic()
        load.note(kind.name, str(response.status), end - begin)
        _judge(kind, chosen, response, content, (begin, end), load)


def _judge(
    kind: Kind,
    chosen: Sequence[int],
    response: http.client.HTTPResponse,
    content: bytes,
    times: tuple[float, float],
    load: Load,
) -> None:
    """Put a good answer into the queue of the judge, and note any other."""
    status = response.status
    if status == 404 and kind.model:
        time.sleep(_RETRY_S)
        return
    if status in DOCUMENTED:
        if status == 503 and not response.headers.get("retry-after"):
            load.fault(kind.name, "503 without Retry-After")
        time.sleep(_RETRY_S)
        return
    if status != 200:
        load.fault(kind.name, f"status {status}: {content[:300]!r}")
        time.sleep(_RETRY_S)
        return
    try:
        version, stale, given = _READERS[kind.accept](content)
    except (ValueError, KeyError, TypeError) as error:
        load.fault(kind.name, f"unreadable answer ({error!r}): {content[:300]!r}")
        return
    if [one.client for one in given] != list(chosen):
        load.fault(kind.name, f"{len(given)} other clients than the {len(chosen)} that were sent")
        return
    load.answers.put(Answer(*times, stale, version, tuple(given), kind.name))


def _body(clients: Clients, chosen: Sequence[int], media: str) -> bytes:
    named = [{**clients[client], "client_id": str(client)} for client in chosen]
    if media == JSON:
        return json.dumps({"clients": named}, ensure_ascii=False).encode()
    if media == JSON_LINES:
        return "\n".join(json.dumps(one, ensure_ascii=False) for one in named).encode()
    columns = ["client_id", *sorted({name for one in named for name in one} - {"client_id"})]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="")
    writer.writeheader()
    writer.writerows(named)
    return stream.getvalue().encode()


def _read_json(content: bytes) -> tuple[str, bool, list[Given]]:
    answer = json.loads(content)
    return answer["model"]["version"], answer["stale"], [*map(_given, answer["results"])]


def _read_json_lines(content: bytes) -> tuple[str, bool, list[Given]]:
    lines = [json.loads(line) for line in content.decode().split("\n") if line]
    shared = {(line["model"]["version"], line["stale"]) for line in lines}
    ((version, stale),) = shared
    return version, stale, [*map(_given, lines)]


def _read_csv(content: bytes) -> tuple[str, bool, list[Given]]:
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    ((version, stale),) = {(row["model_version"], row["stale"]) for row in rows}
    given = [
        Given(
            int(row["client_id"]),
            row["decision"],
            row["company_id"],
            float(row["confidence"]),
            tuple(row[f"company_{name}"] for name in FIELDS) if row["company_id"] else (),
        )
        for row in rows
    ]
    return version, stale == "true", given


def _given(result: Mapping[str, Any]) -> Given:
    company = result["company"]
    return Given(
        int(result["client_id"]),
        result["decision"],
        result["company_id"] or "",
        result["confidence"],
        tuple(company.get(name, "") for name in FIELDS) if company else (),
    )


_READERS: Final[Mapping[str, Reader]] = {
    JSON: _read_json,
    JSON_LINES: _read_json_lines,
    CSV: _read_csv,
}
