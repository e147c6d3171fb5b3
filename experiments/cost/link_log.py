"""What a decision log costs while linking, and whether what it keeps decides the same again."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.cost.measurements import latencies_ms
from experiments.tools.measure import Clock
from linkage_rl.config.inputs import TableChoice, open_linker
from linkage_rl.decision.decide import Decider, raw_confidence, slot_shares
from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.decision.evidence import Evidence
from linkage_rl.decision_log.evidence import LoggedCases, Shape, pack, unpack
from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linker import Linker
from linkage_rl.records import DecisionKind, Decisions, Observation, RecordBatch
from linkage_rl.tables.readers import read_clients

_CHUNK: Final = 4096
_SINGLES: Final = 400


@dataclass(frozen=True)
class Costs:
    """CPU microseconds per client, the least of the rounds, and what they are spent on."""

    clients: int
    link: float
    """Linking without a log."""
    link_keeping: float
    """Linking that keeps what the policy saw."""
    pack: float
    rows: float
    """Making the rows of the log of packed evidence."""
    write: float
    """Writing them into an SQLite file."""
    unpack: float
    evidence_bytes: float
    """Bytes of evidence per client."""
    log_bytes: float
    """Bytes of the SQLite file per client."""
    single_ms: float
    """Median wall milliseconds of linking one client."""
    single_keeping_ms: float


@dataclass(frozen=True)
class Again:
    """Decisions of the same policy on what the log holds, beside those made live."""

    share_difference: float
    """Largest difference of a softmax weight."""
    mean_share_difference: float
    decisions_differ: int
    f1_live: float
    f1_logged: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line per figure, and write them as JSON."""
    asked = _arguments(arguments)
    clients = read_clients(asked.clients)
    found = {}
    with open_linker(str(asked.bundle), asked.database, "", TableChoice()) as (linker, _):
        costs, linked = measure_costs(linker, clients.records, asked.rounds)
        found["costs"] = asdict(costs)
        if clients.truth is not None:
            truth = [{*one.split("|")} - {""} for one in clients.truth]
            found["again"] = asdict(decide_again(linker.decider, linked, truth))
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(found, indent=1) + "\n")
    for name, value in ((name, value) for part in found.values() for name, value in part.items()):
        sys.stdout.write(f"{name:24} {value:,.6g}\n")
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost link_log", description=__doc__
    )
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--clients", type=Path, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("outputs/link_log.json"))
    return parser.parse_args(arguments)


def measure_costs(linker: Linker, records: RecordBatch, rounds: int) -> tuple[Costs, LinkedBatch]:
    """The costs, and the decisions with their evidence.

    Args:
        linker: It decides client by client.
        records: N clients, at least one.
        rounds: How often each step is repeated; the steps take turns.
    """
    clocks = _Clocks(len(records), {})
    for _ in range(rounds):
        size, linked = _round(linker, records, clocks)
    least = {name: min(times) for name, times in clocks.spent.items()}
    packed = pack(_evidence(linked))
    mean = sum(map(len, packed)) / len(records)
    return Costs(len(records), evidence_bytes=mean, log_bytes=size / len(records), **least), linked


@dataclass(frozen=True)
class _Clocks:
    """CPU microseconds per client of each step, one entry per round."""

    clients: int
    spent: dict[str, list[float]]

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Times what is done inside."""
        with Clock() as clock:
            yield
        self.note(name, 1e6 * clock.cpu_s / self.clients)

    def note(self, name: str, time: float) -> None:
        """One more time of a step."""
        self.spent.setdefault(name, []).append(time)


def _round(linker: Linker, records: RecordBatch, clocks: _Clocks) -> tuple[int, LinkedBatch]:
    """Do every step once; the bytes of the log, and the decisions with their evidence."""
    keeping = replace(linker, keeps_evidence=True)
    with clocks.timed("link"):
        linker.link(records)
    with clocks.timed("link_keeping"):
        linked = keeping.link(records)
    evidence = _evidence(linked)
    with clocks.timed("pack"):
        packed = PackedEvidence.of(evidence)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.db"
        with DecisionLog.open(str(file)) as log:
            facts = Facts.of(keeping, "link", "", "", log.privacy)
            with clocks.timed("rows"):
                rows = rows_of(linked, records, facts, packed=packed)
            with clocks.timed("write"):
                log.append(rows)
        size = file.stat().st_size
    with clocks.timed("unpack"):
        unpack(packed.evidence, shape_of(evidence))
    singles = [records.take([row]) for row in range(min(_SINGLES, len(records)))]
    for name, one in (("single_ms", linker), ("single_keeping_ms", keeping)):
        clocks.note(name, latencies_ms(one.link, singles)[0])
    return size, linked


def decide_again(decider: Decider, linked: LinkedBatch, truth: Sequence[set[str]]) -> Again:
    """Let the policy decide on the evidence as the log holds it.

    Args:
        decider: It made the decisions.
        linked: N decisions with their evidence.
        truth: Right company ids of each client.
    """
    evidence = _evidence(linked)
    cases = unpack(pack(evidence), shape_of(evidence))
    shares, raw = logged_decisions(decider, cases)
    visible = np.arange(shares.shape[1]) < cases.filled[:, None]
    difference = np.abs(shares[visible] - evidence.shares)
    decided = decider.apply_thresholds(raw)
    links = decided.kind == DecisionKind.LINK
    # a tied candidate stands for the first of those tied with it, as live
    place = cases.ties[np.arange(len(cases)), np.maximum(raw.candidate, 0)]
    shown = [
        ids[at] if link and at < len(ids) else ""
        for ids, at, link in zip(evidence.shown, place.tolist(), links.tolist(), strict=True)
    ]
    return Again(
        float(difference.max(initial=0)),
        float(difference.mean()) if len(difference) else 0.0,
        sum(one != other for one, other in zip(shown, linked.company_ids, strict=True)),
        _f1(linked.company_ids, truth),
        _f1(shown, truth),
    )


def logged_decisions(decider: Decider, cases: LoggedCases) -> tuple[NDArray[np.float32], Decisions]:
    """Shares of the slots of N logged clients, (N, K), and the policy's own decisions on them.

    The candidate of a decision is its place among the client's candidates.
    """
    layout = decider.view.layout
    parts = []
    for begin in range(0, len(cases), _CHUNK):
        observation = _observation(cases, layout.slots, begin, begin + _CHUNK)
        logits = decider.policy.logits(observation)
        legal = observation.action_mask > 0
        logits = np.where(legal, logits, ILLEGAL).astype(np.float32)
        shares = slot_shares(logits, layout)
        parts.append((shares, *raw_confidence(logits, observation.ties)))
    shares, slot, confidence, tied = (np.concatenate(part) for part in zip(*parts, strict=True))
    none = cases.filled == 0
    decisions = Decisions(
        kind=np.zeros(len(cases), dtype=np.int8),
        candidate=np.where(none, -1, slot),
        confidence=np.where(none, 0, confidence).astype(np.float32),
        tied=tied,
        ran=np.zeros(len(cases), dtype=np.uint16),
        cost=np.zeros(len(cases), dtype=np.float32),
    )
    return shares, decisions


def _observation(cases: LoggedCases, slots: int, begin: int, end: int) -> Observation:
    """The clients in range(begin, end) with as many slots as the policy has."""
    some = cases.take(np.arange(begin, min(end, len(cases))))
    missing = slots - some.candidates.shape[1]
    ties = np.pad(some.ties, ((0, 0), (0, missing)), constant_values=-1)
    padded = replace(
        some, candidates=np.pad(some.candidates, ((0, 0), (0, missing), (0, 0))), ties=ties
    )
    ids = np.where(ties >= 0, np.arange(slots), -1)
    return Observation(
        padded.candidates, padded.query, padded.state, padded.action_mask(), ids, ties
    )


def shape_of(evidence: Evidence) -> Shape:
    """The sizes of its arrays."""
    arrays = (evidence.candidates, evidence.query, evidence.state)
    return Shape(*(one.shape[1] for one in arrays))


def _evidence(linked: LinkedBatch) -> Evidence:
    if linked.evidence is None:
        raise ValueError("expected decisions on at least one client, with their evidence")
    return linked.evidence


def _f1(company_ids: Sequence[str], truth: Sequence[set[str]]) -> float:
    right = sum(one in mine for one, mine in zip(company_ids, truth, strict=True))
    return 2 * right / max(sum(map(bool, company_ids)) + sum(map(bool, truth)), 1)
