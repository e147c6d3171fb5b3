"""Candidates gathered live from an index, blocker by blocker, for a batch of clients.

Preparing cases for training is the same gathering with every blocker run at once, so training
and linking see the same candidates, features and slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision import _pairs
from linkage_rl.decision.observation import View
from linkage_rl.features.matrix import PAIR_FEATURES, Comparison, query_features
from linkage_rl.records import Observation


@dataclass(frozen=True)
class Pairs:
    """P pairs of N clients, by client and falling retrieval score, ties by row: what a view shows."""

    starts: NDArray[np.int64]
    """Pairs of client i are starts[i]..starts[i + 1]; shape (N + 1,)."""
    rows: NDArray[np.int64]
    """Index row of each pair's company, shape (P,)."""
    pair_blockers: NDArray[np.uint16]
    retrieval_score: NDArray[np.float32]
    feature_rows: NDArray[np.int64]
    """Row of `features` that belongs to each pair, shape (P,)."""
    features: NDArray[np.float32]
    """In the order in which the pairs were found, so that later finds move none of them."""
    query: NDArray[np.float32]
    available: NDArray[np.uint16]

    @property
    def pair_names(self) -> NDArray[np.int64]:
        """Slots name index rows, which stay the same."""
        return self.rows

    @property
    def client(self) -> NDArray[np.int64]:
        """Client of each pair, shape (P,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


class LivePool:
    """N clients whose blockers run when they are chosen."""

    def __init__(
        self,
        index: CompanyIndex,
        blockers: Sequence[Blocker],
        clients: Clients,
        view: View,
        limit: int,
    ) -> None:
        self._index = index
        self._blockers = blockers
        self._clients = clients
        self._comparison = Comparison(index, clients)
        self._view = view
        self._limit = limit
        available = np.zeros(len(clients), dtype=np.uint16)
        for place, blocker in enumerate(blockers):
            available |= blocker.applies_to(clients) * np.uint16(1 << place)
        self.available = available
        """Blockers that each client can ask, one bit per blocker, shape (N,)."""
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
        self._described = True

    @property
    def pairs(self) -> Pairs:
        """All pairs found so far."""
        if not self._described:
            self._describe()
        return self._pairs

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these clients."""
        return self._view.observe(self.pairs, cases, ran)

    def features_of(
        self, clients: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Pair features of these clients with these rows, all of which must have been found."""
        pairs = self.pairs
        # places found by numpy's `nonzero` are columns of a table, which the kernel cannot read
        clients, rows = np.ascontiguousarray(clients), np.ascontiguousarray(rows)
        place = _pairs.find(pairs.starts, pairs.rows, clients, rows)
        features: NDArray[np.float32] = pairs.features[pairs.feature_rows[place]]
        return features

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Run a blocker for these clients; what it proposes is described when it is looked at."""
        found = self._index.propose(self._blockers[blocker], self._clients, cases, self._limit)
        known = self._pairs
        merged = _pairs.merge(
            known.starts,
            known.rows,
            known.pair_blockers,
            known.retrieval_score,
            known.feature_rows,
            cases,
            found.rows,
            found.retrieval_score,
            blocker,
        )
        self._pairs = Pairs(*merged, known.features, known.query, known.available)
        self._described = False

    def _describe(self) -> None:
        """Compute the features of the new pairs in one batch."""
        pairs = self._pairs
        fresh = np.flatnonzero(pairs.feature_rows < 0)
        if len(fresh):
            features = self._comparison.features(pairs.client[fresh], pairs.rows[fresh])
            pairs.feature_rows[fresh] = len(pairs.features) + np.arange(len(fresh))
            self._pairs = replace(pairs, features=np.concatenate([pairs.features, features]))
        self._described = True
