"""Candidates found live in an index, blocker by blocker, for a batch of clients.

Cases for training are prepared by the same code with every blocker run at once, so that training
and linking see the same candidates, features and slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision import _pairs
from linkage_rl.decision.observation import View
from linkage_rl.features.matrix import (
    PAIR_FEATURES,
    Comparison,
    evidence_columns,
    pair_features,
    query_features,
)
from linkage_rl.records import Observation, RecordBatch
from linkage_rl.text.canonical import canonicalise


@dataclass(frozen=True)
class Pairs:
    """P pairs of N clients, ordered by client, falling retrieval score, and row among equal scores.

    A pair is a client with one of its candidates. See `observation.Shown` for the arrays.
    """

    starts: NDArray[np.int64]
    """Pairs of client i are starts[i]..starts[i + 1]; shape (N + 1,)."""
    rows: NDArray[np.int64]
    """Index row of each pair's company, shape (P,)."""
    pair_blockers: NDArray[np.uint16]
    retrieval_score: NDArray[np.float32]
    feature_rows: NDArray[np.int64]
    """Row of `features` that belongs to each pair, shape (P,)."""
    features: NDArray[np.float32]
    """In the order in which the pairs were found, so that running a blocker moves no features."""
    query: NDArray[np.float32]
    available: NDArray[np.uint16]

    @property
    def candidate_ids(self) -> NDArray[np.int64]:
        """Index rows: they stay the same while pairs are added."""
        return self.rows

    @property
    def evidence(self) -> NDArray[np.int64]:
        """Columns of the features that depend on what the client says."""
        return evidence_columns(PAIR_FEATURES)

    @property
    def client(self) -> NDArray[np.int64]:
        """Client of each pair, shape (P,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


class LiveCandidates:
    """Candidates of N clients, found blocker by blocker."""

    def __init__(
        self, index: CompanyIndex, blockers: Sequence[Blocker], clients: Clients, limit: int
    ) -> None:
        """Start without candidates.

        Args:
            index: The company table.
            blockers: R blockers, at most 16.
            clients: The clients.
            limit: Candidates kept per client and blocker.
        """
        self.index = index
        """The company table."""
        self._blockers = blockers
        self.clients = clients
        """The clients, encoded."""
        self._comparison = Comparison(index, clients)
        self._limit = limit
        able = [blocker.applies_to(clients).view(np.uint8) for blocker in blockers]
        available = _pairs.as_bits(able, len(clients))
        self.available = available
        """Blockers that apply to each client, one bit per blocker, shape (N,)."""
        self._pairs = Pairs(
            np.zeros(len(clients) + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.uint16),
            np.zeros(0, dtype=np.float32),
            np.zeros(0, dtype=np.int64),
            np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32),
            query_features(index, clients),
            available,
        )
        self._featurised = True

    @classmethod
    def of(
        cls, index: CompanyIndex, blockers: Sequence[Blocker], records: RecordBatch, limit: int
    ) -> Self:
        """Start without candidates, from raw clients."""
        return cls(index, blockers, Clients.of(canonicalise(records)), limit)

    @property
    def pairs(self) -> Pairs:
        """All pairs found so far, with their features."""
        if not self._featurised:
            self._featurise()
        return self._pairs

    def run(self, blocker: int, clients: NDArray[np.int64]) -> None:
        """Run a blocker for these clients; features of new pairs are computed when asked for."""
        found = self.index.propose(self._blockers[blocker], self.clients, clients, self._limit)
        known = self._pairs
        merged = _pairs.merge(
            known.starts,
            known.rows,
            known.pair_blockers,
            known.retrieval_score,
            known.feature_rows,
            clients,
            found.rows,
            found.retrieval_score,
            blocker,
        )
        # in this order: whatever interrupts, no pair counts as compared that was not
        self._featurised = False
        self._pairs = Pairs(*merged, known.features, known.query, known.available)

    def run_all(self) -> None:
        """Run every blocker for the clients to which it applies."""
        for blocker in range(len(self._blockers)):
            clients = np.flatnonzero((self.available >> blocker) & 1)
            if len(clients):
                self.run(blocker, clients)

    def features_of(
        self, clients: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Pair features of these clients with these index rows, shape (P, F).

        Raises:
            KeyError: No blocker has found such a pair.
        """
        pairs = self.pairs
        # positions found by `np.nonzero` are columns of a matrix, which the kernel cannot read
        clients, rows = np.ascontiguousarray(clients), np.ascontiguousarray(rows)
        place = _pairs.find(pairs.starts, pairs.rows, clients, rows)
        features: NDArray[np.float32] = pairs.features[pairs.feature_rows[place]]
        return features

    def _featurise(self) -> None:
        """Compute the features of the new pairs in one batch."""
        pairs = self._pairs
        known = pairs.features
        # a copy: where the comparison fails, these pairs have no features yet
        numbered = pairs.feature_rows.copy()
        new = _pairs.number_new(pairs.starts, pairs.rows, numbered, len(known))
        if len(new[0]):
            features = self._comparison.features(*new)
            if len(known):
                features = np.concatenate([known, features])
            self._pairs = replace(pairs, feature_rows=numbered, features=features)
        self._featurised = True


@dataclass(frozen=True, eq=False)
class LivePool:
    """N clients whose blockers run when the policy chooses them; see `decide.Pool`."""

    found: LiveCandidates
    view: View

    @classmethod
    def of(
        cls,
        index: CompanyIndex,
        blockers: Sequence[Blocker],
        records: RecordBatch,
        limit: int,
        view: View,
    ) -> Self:
        """A pool of raw clients, still without candidates.

        Args:
            index: The company table.
            blockers: The blockers that `view` has costs for.
            records: The clients.
            limit: Candidates kept per client and blocker.
            view: How a policy observes the candidates.
        """
        return cls(LiveCandidates.of(index, blockers, records, limit), view)

    @property
    def available(self) -> NDArray[np.uint16]:
        """Blockers that apply to each client, one bit per blocker, shape (N,)."""
        return self.found.available

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Run a blocker for these clients."""
        self.found.run(blocker, cases)

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these clients."""
        return self.view.observe(self.found.pairs, cases, ran)


def compare_again(
    index: CompanyIndex,
    records: RecordBatch,
    clients: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Pair features of clients with companies that no blocker need have found.

    Args:
        index: The company table.
        records: The clients.
        clients: Client of each of P pairs, by its position in the records, shape (P,).
        rows: Index row of each pair's company, shape (P,).

    Returns:
        Shape (P, F), in [0, 1].
    """
    some, place = np.unique(clients, return_inverse=True)
    encoded = Clients.of(canonicalise(records.take(some.tolist())))
    return pair_features(index, encoded, np.ascontiguousarray(place), rows)
