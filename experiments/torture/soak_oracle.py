"""What the server should answer: an offline linker on every state that the table has had.

A decision comes from the index, which may lag behind the table; the fields of the linked company
come from the table itself, or from the index where an answer is marked as stale.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.refresh import open_index
from linkage_rl.records import FIELDS, DecisionKind, RecordBatch
from linkage_rl.tables.store import CompanyStore

TOLERANCE: Final = 2e-5
"""Difference of confidences that is none; the server rounds to six digits."""


@dataclass(frozen=True)
class Given:
    """What the server answered for one client."""

    client: int
    """Its number among the clients of the soak."""
    decision: str
    company_id: str
    confidence: float
    company: tuple[str, ...]
    """Fields of the company in the order of `FIELDS`, () where none is linked."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request, as the judge sees it."""

    begin: float
    end: float
    stale: bool
    version: str
    """Version of the bundle that answered."""
    given: tuple[Given, ...]
    format: str


@dataclass(frozen=True)
class _Decision:
    decision: str
    company_id: str
    confidence: float


@dataclass
class State:
    """A state of the table, and what the linker decides on its index."""

    begin: float
    """When the edit that led to it was begun."""
    end: float = float("inf")
    """When the next edit was finished."""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Company to its fields; closed ones are left out."""
    decisions: Mapping[str, Sequence[_Decision]] = field(default_factory=dict)
    """Version of a bundle to its decision on every client."""


class Oracle:
    """All states so far; thread-safe."""

    def __init__(
        self, url: str, folder: Path, bundles: Sequence[Path], clients: RecordBatch
    ) -> None:
        """Nothing is known before `note`.

        Args:
            url: The table, not through the pooler.
            folder: For an index of its own.
            bundles: Every bundle that may answer.
            clients: The clients of the soak, M of them.
        """
        self._url = url
        self._folder = folder
        self._bundles = {version_of(bundle): bundle for bundle in bundles}
        self._clients = clients
        self._lock = threading.Lock()
        self._states: list[State] = []

    def note(self, begin: float, end: float) -> State:
        """Learn the present state of the table.

        Args:
            begin: When the edit that led to it was begun.
            end: When it was finished.
        """
        with CompanyStore(self._url, read_only=True) as store:
            index = open_index(store, self._folder, progress=False)
            fields = {
                company_id: tuple(columns[place] for columns in map(rows.records.column, FIELDS))
                for rows in store.chunks()
                for place, company_id in enumerate(rows.records.ids)
                if not rows.closed_at[place]
            }
        state = State(begin, fields=fields)
        decisions = {}
        for version, bundle in self._bundles.items():
            linked = load_bundle(bundle, index).link(self._clients)
            decisions[version] = [
                _Decision(DecisionKind(kind).name.lower(), company_id, confidence)
                for kind, company_id, confidence in zip(
                    *(linked.kind.tolist(), linked.company_ids, linked.confidence.tolist()),
                    strict=True,
                )
            ]
        state.decisions = decisions
        with self._lock:
            if self._states:
                self._states[-1].end = end
            self._states.append(state)
        return state

    def states(self) -> list[State]:
        """All states, the oldest first."""
        with self._lock:
            return list(self._states)

    def fault(self, answer: Answer, lag_s: float) -> str:
        """What is wrong with an answer; '' if nothing is.

        Args:
            answer: The answer.
            lag_s: Seconds that the index may lag behind the table.
        """
        states = self.states()
        indexed = [s for s in states if s.begin <= answer.end and s.end >= answer.begin - lag_s]
        read = [s for s in states if s.begin <= answer.end and s.end >= answer.begin]
        faults = [
            self._fault_between(answer, index, table)
            for index in reversed(indexed)
            for table in ([index] if answer.stale else reversed(read))
        ]
        if not faults:
            return "no state of the table is known for its time"
        return "" if "" in faults else faults[0]

    def _fault_between(self, answer: Answer, index: State, table: State) -> str:
        """What is wrong if the index had one state and the table the other."""
        decisions = index.decisions.get(answer.version)
        if decisions is None:
            return f"unknown bundle {answer.version!r}"
        for one in answer.given:
            expected = decisions[one.client]
            fields = table.fields.get(expected.company_id, ())
            wanted = expected
            if expected.decision == "link" and not fields:
                wanted = _Decision("no_match", "", expected.confidence)
            if (one.decision, one.company_id) != (wanted.decision, wanted.company_id):
                return (
                    f"client {one.client}: expected {wanted.decision} {wanted.company_id}, "
                    f"got {one.decision} {one.company_id}"
                )
            if abs(one.confidence - wanted.confidence) > TOLERANCE:
                return (
                    f"client {one.client}: expected confidence {wanted.confidence:.6f}, "
                    f"got {one.confidence:.6f}"
                )
            if wanted.company_id and one.company != fields:
                return f"client {one.client}: expected fields {fields}, got {one.company}"
        return ""


def version_of(bundle: Path) -> str:
    """The version of a bundle as the server names it."""
    return sha256((bundle / "manifest.json").read_bytes()).hexdigest()[:12]
