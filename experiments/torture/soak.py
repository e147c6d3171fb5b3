"""`soak`: a server under load, while everything around it fails and changes.

Eight callers send single clients, lists and batches to two workers behind the real supervisor.
Workers are killed, PostgreSQL behind PgBouncer is frozen and restarted, companies are renamed and
closed, and a bundle is swapped. Every answer is compared with that of an offline linker.
"""

import json
import os
import queue
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from experiments.torture.commands import run_in_fork
from experiments.torture.outcome import Outcome
from experiments.torture.soak_load import SWAPPED, Load, start_callers
from experiments.torture.soak_oracle import Answer, Oracle
from experiments.torture.soak_samples import Sample, grown, sample, summary
from experiments.torture.soak_servers import DATABASE_TIMEOUT_S, REFRESH_S, Stack, database, server
from experiments.torture.world import (
    BUNDLE,
    CLIENTS,
    COMPANIES,
    Size,
    as_objects,
    make_world,
    write_other_bundle,
)
from linkage_rl.errors import LinkageError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.readers import read_clients, read_companies
from linkage_rl.tables.store import CompanyStore
from serving.content_type import JSON

LAG_S: Final = REFRESH_S + 25.0
"""Seconds that the index may lag behind the table while the database answers."""
SLOW_S: Final = DATABASE_TIMEOUT_S + 8.0
"""Longest time of a single client's answer, on a machine that is busy."""
_SAMPLE_S: Final = 5.0
_FROZEN_S: Final = 15.0
_DOWN_S: Final = 5.0
_SWAP_S: Final = 60.0
_CLIENTS: Final = 800


@dataclass
class _Soak:
    """What the events of the soak share."""

    stack: Stack
    oracle: Oracle
    load: Load
    outcome: Outcome
    rng: random.Random
    bundles: tuple[Path, Path]
    wanted: list[str]
    """Companies that the clients are linked to, which the edits choose from."""
    begin: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    late: list[Answer] = field(default_factory=list)
    """Answers that no known state explains yet."""
    swapped: int = 0


def torture_soak(
    outcome: Outcome, folder: Path, minutes: float, bundle: Path | None, companies: Path | None
) -> None:
    """Run the soak.

    Args:
        outcome: Filled in.
        folder: An empty folder to work in.
        minutes: How long it takes.
        bundle: The bundle that is served, which is copied; None makes one without training.
        companies: The company file of its table; None makes that of the sample.
    """
    folder.chmod(0o755)
    # the kernel hangs up a process group without a shell when one of it is stopped
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    world = folder / "world"
    run_in_fork(make_world, folder, world, Size(companies=20_000, clients=12_000))
    served, other = folder / "served", folder / "other"
    shutil.copytree(bundle or world / BUNDLE, served)
    run_in_fork(write_other_bundle, folder, served, other)
    clients = read_clients(world / CLIENTS).records
    clients = clients.take(range(min(_CLIENTS, len(clients))))
    with database(folder) as (postgres, pgbouncer):
        with CompanyStore(postgres.url) as store:
            store.create()
            store.load(read_companies(companies or world / COMPANIES))
        oracle = Oracle(postgres.url, folder / "offline", (served, other), clients)
        now = time.monotonic()
        state = oracle.note(now, now)
        first = next(iter(state.decisions.values()))
        wanted = sorted({one.company_id for one in first if one.company_id})
        outcome.show(f"{len(state.fields):,} companies, {len(wanted)} of them linked", always=True)
        with server(folder, served, postgres, pgbouncer) as stack:
            soak = _Soak(
                *(stack, oracle, Load(), outcome, random.Random(outcome.seed)),
                *((served, other), wanted),
            )
            _load_model(soak)
            _run(soak, minutes * 60, clients)
            _finish(soak)


def _run(soak: _Soak, seconds: float, clients: RecordBatch) -> None:
    """Load, samples, a judge, and the events in their time."""
    soak.begin = time.monotonic()
    callers = start_callers(soak.stack.url, as_objects(clients), soak.load, soak.outcome.seed)
    done = threading.Event()
    aside = [
        threading.Thread(target=_sample_often, args=(soak, done), daemon=True),
        threading.Thread(target=_judge_often, args=(soak, done), daemon=True),
    ]
    for thread in aside:
        thread.start()
    for at, name, act in _events(seconds):
        wait = soak.begin + at - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            act(soak)
        except (LinkageError, OSError) as error:
            soak.outcome.fail(name, f"the event itself failed: {error}", f"at {at:.0f} s")
        soak.outcome.trials[name] += 1
        _show(soak, name)
    time.sleep(max(soak.begin + seconds - time.monotonic(), 0))
    soak.load.stop.set()
    for thread in callers:
        thread.join(90)
    done.set()
    for thread in aside:
        thread.join()


def _events(seconds: float) -> list[tuple[float, str, Callable[[_Soak], None]]]:
    """What happens when, in seconds from the beginning."""
    edits = _shares(min(int(seconds // 10), 19))
    # a worker that dies more than five times a minute is not started again
    kills = _shares(min(int(seconds // 20), 15))
    events: list[tuple[float, str, Callable[[_Soak], None]]] = [
        *((share, "PostgreSQL frozen", _freeze) for share in (0.2, 0.6)),
        *((share, "PostgreSQL restarted", _restart) for share in (0.36, 0.76)),
        *((share, "bundle swapped", _swap) for share in (0.5, 0.9)),
        *((share, "table edited", _edit) for share in edits),
        *((share, "worker-1 killed", _kill_first) for share in kills),
        (0.28, "worker-2 killed", _kill_second),
    ]
    events.sort(key=lambda one: one[0])
    return [(share * seconds, name, act) for share, name, act in events]


def _shares(number: int) -> list[float]:
    """So many moments, evenly between the beginning and the end."""
    return [(place + 0.7) / (number + 0.5) for place in range(number)]


def _freeze(soak: _Soak) -> None:
    begin = time.monotonic()
    soak.stack.freeze(True)
    try:
        time.sleep(_FROZEN_S)
    finally:
        soak.stack.freeze(False)
    soak.outages.append((begin, time.monotonic()))


def _restart(soak: _Soak) -> None:
    begin = time.monotonic()
    soak.stack.postgres.stop()
    time.sleep(_DOWN_S)
    soak.stack.postgres.start()
    soak.outages.append((begin, time.monotonic()))


def _kill_first(soak: _Soak) -> None:
    _kill(soak, "worker-1")


def _kill_second(soak: _Soak) -> None:
    _kill(soak, "worker-2")


def _kill(soak: _Soak, name: str) -> None:
    pid = soak.stack.workers().get(name)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def _edit(soak: _Soak) -> None:
    """Rename some companies that clients are linked to, and close or reopen others."""
    some = soak.rng.sample(soak.wanted, min(12, len(soak.wanted)))
    begin = time.monotonic()
    with CompanyStore(soak.stack.postgres.url) as store:
        rows = store.fetch(some)
        store.apply(_edited(rows, soak.rng))
    soak.oracle.note(begin, time.monotonic())


def _edited(rows: CompanyRows, rng: random.Random) -> CompanyRows:
    columns = {name: list(texts) for name, texts in rows.records.columns.items()}
    closed = list(rows.closed_at)
    for place in range(len(closed)):
        kind = rng.randrange(3)
        if kind == 0:
            columns["name"][place] = f"株式会社{rng.choice('東西南北')}改名{rng.randrange(10**6)}"
        elif kind == 1:
            closed[place] = "" if closed[place] else "2026-01-31"
        else:
            columns["phone"][place] = f"03-{rng.randrange(10**4):04}-{rng.randrange(10**4):04}"
    return CompanyRows(replace(rows.records, columns=columns), [""] * len(closed), closed)


def _load_model(soak: _Soak) -> None:
    """Load one of the two bundles under the name that is swapped."""
    bundle = soak.bundles[soak.swapped % 2]
    content = json.dumps({"model_name": SWAPPED, "url": str(bundle)}).encode()
    _change_models(soak, "POST", "/models", content)


def _swap(soak: _Soak) -> None:
    """Unload the model, and load the other bundle under its name."""
    _change_models(soak, "DELETE", f"/models/{SWAPPED}")
    soak.swapped += 1
    _load_model(soak)


def _change_models(soak: _Soak, method: str, path: str, content: bytes | None = None) -> None:
    """Load or unload a model, again where no worker could answer."""
    parts = urlsplit(soak.stack.url)
    deadline = time.monotonic() + _SWAP_S
    while True:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SWAP_S)
        connection.request(method, path, content, {"content-type": JSON})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status == 200:
            return
        if answer.status != 503 or time.monotonic() > deadline:
            raise LinkageError(f"{method} {path}: status {answer.status}: {said[:300]!r}")
        time.sleep(1)


def _sample_often(soak: _Soak, done: threading.Event) -> None:
    while not done.wait(_SAMPLE_S):
        soak.samples += sample(soak.stack.processes(), soak.begin)


def _judge_often(soak: _Soak, done: threading.Event) -> None:
    while not (done.is_set() and soak.load.answers.empty()):
        try:
            answer = soak.load.answers.get(timeout=0.2)
        except queue.Empty:
            continue
        soak.outcome.trials[answer.format] += 1
        if soak.oracle.fault(answer, _lag(soak, answer)):
            # perhaps of a state that the offline linker has not seen yet
            soak.late.append(answer)


def _lag(soak: _Soak, answer: Answer) -> float:
    """Seconds that the index may lag behind the table at the time of an answer."""
    recent = answer.begin - 120
    outages = (min(end, answer.end) - max(begin, recent) for begin, end in soak.outages)
    return LAG_S + sum(seconds for seconds in outages if seconds > 0)


def _show(soak: _Soak, name: str) -> None:
    answers = sum(count for what, count in soak.load.counts.items() if what != "faults")
    soak.outcome.show(
        f"{name}; {answers:,} answers, {len(soak.late)} to be judged again, "
        f"{len(soak.load.faults)} faults",
        always=True,
    )


def _finish(soak: _Soak) -> None:
    """Judge what is left, and whether everything is level."""
    outcome, load = soak.outcome, soak.load
    for answer in soak.late:
        if fault := soak.oracle.fault(answer, _lag(soak, answer)):
            at = f"{answer.begin - soak.begin:.1f} s to {answer.end - soak.begin:.1f} s"
            stale = "stale" if answer.stale else "current"
            outcome.fail(answer.format, fault, f"{at}, {stale}, bundle {answer.version}")
    for kind, what, at_s in load.faults:
        outcome.fail(kind, what, f"at {at_s - soak.begin:.1f} s")
    for kind, seconds in load.slowest_s.items():
        if kind.startswith("single") and seconds > SLOW_S:
            outcome.fail(kind, f"the slowest answer took {seconds:.1f} s, at most {SLOW_S} s")
    for fault in grown(soak.samples):
        outcome.fail("memory and descriptors", fault)
    outcome.figures |= {
        "answers by kind and status": dict(sorted(load.counts.items())),
        "slowest answer, s": {kind: round(s, 2) for kind, s in sorted(load.slowest_s.items())},
        "states of the table": len(soak.oracle.states()),
        "processes": summary(soak.samples),
        "log lines by level": _levels(soak.stack.lines()),
    }


def _levels(lines: Sequence[dict[str, object]]) -> dict[str, int]:
    """How many lines the server wrote of each level; 'text' are lines that are no JSON."""
    return dict(Counter(str(line.get("level", "text")) for line in lines))
