"""Candidates gathered live from an index, route by route, for a batch of clients.

Preparing cases for training is the same gathering with every route bought at once, so training
and linking see the same candidates, features and slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.routes import Clients, Route
from linkage_rl.decision.observation import View
from linkage_rl.features.matrix import PAIR_FEATURES, pair_features, query_features
from linkage_rl.records import Observation


@dataclass(frozen=True)
class Pairs:
    """P pairs of N clients, by client and falling affinity: what a view shows."""

    starts: NDArray[np.int64]
    """Pairs of client i are starts[i]..starts[i + 1]; shape (N + 1,)."""
    rows: NDArray[np.int64]
    """Index row of each pair's company, shape (P,)."""
    pair_routes: NDArray[np.uint16]
    affinity: NDArray[np.float32]
    features: NDArray[np.float32]
    query: NDArray[np.float32]
    available: NDArray[np.uint16]

    @classmethod
    def none(cls, query: NDArray[np.float32], available: NDArray[np.uint16]) -> "Pairs":
        """N clients without a candidate yet."""
        return cls(
            np.zeros(len(query) + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.uint16),
            np.zeros(0, dtype=np.float32),
            np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32),
            query,
            available,
        )

    @property
    def client(self) -> NDArray[np.int64]:
        """Client of each pair, shape (P,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


class LivePool:
    """N clients whose routes run when they are bought."""

    def __init__(
        self,
        index: CompanyIndex,
        routes: Sequence[Route],
        clients: Clients,
        view: View,
        limit: int,
    ) -> None:
        self._index = index
        self._routes = routes
        self._clients = clients
        self._view = view
        self._limit = limit
        available = np.zeros(len(clients), dtype=np.uint16)
        for place, route in enumerate(routes):
            available |= route.can_ask(clients).astype(np.uint16) << np.uint16(place)
        self.pairs = Pairs.none(query_features(index, clients), available)

    @property
    def available(self) -> NDArray[np.uint16]:
        """Routes that each client can ask, one bit per route, shape (N,)."""
        return self.pairs.available

    def observe(self, cases: NDArray[np.int64], bought: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these clients; slots name index rows, which stay the same."""
        seen = self._view.observe(self.pairs, cases, bought)
        rows = np.append(self.pairs.rows, -1)
        return replace(seen, slot_pairs=rows[seen.slot_pairs])

    def pair_of(self, clients: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position in `pairs` of these clients with these rows, all of which must be there."""
        known = _pair_keys(self.pairs.client, self.pairs.rows)
        order = np.argsort(known)
        positions: NDArray[np.int64] = order[
            np.searchsorted(known, _pair_keys(clients, rows), sorter=order)
        ]
        return positions

    def reveal(self, cases: NDArray[np.int64], route: int) -> None:
        """Run a route for these clients and merge what it proposes into the pairs."""
        found = self._index.propose(self._routes[route], self._clients, cases, self._limit)
        hits = found.rows >= 0
        client = np.repeat(cases, hits.sum(axis=1))
        rows, affinity = found.rows[hits], found.affinity[hits]
        bit = np.uint16(1 << route)
        old = self.pairs
        known = _pair_keys(old.client, old.rows)
        order = np.argsort(known)
        asked = _pair_keys(client, rows)
        place = np.searchsorted(known[order], asked)
        place = np.minimum(place, max(len(known) - 1, 0))
        again = known[order][place] == asked if len(known) else np.zeros(len(asked), dtype=bool)
        old.pair_routes[order[place[again]]] |= bit
        fresh = ~again
        features = pair_features(self._index, self._clients, client[fresh], rows[fresh])
        self.pairs = _merged(old, client[fresh], rows[fresh], affinity[fresh], features, bit)


def _pair_keys(client: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return (client << 32) | rows


def _merged(
    old: Pairs,
    client: NDArray[np.int64],
    rows: NDArray[np.int64],
    affinity: NDArray[np.float32],
    features: NDArray[np.float32],
    bit: np.uint16,
) -> Pairs:
    """Old and new pairs together, in order; ties of affinity go to the lower row."""
    clients = np.concatenate([old.client, client])
    all_rows = np.concatenate([old.rows, rows])
    all_affinity = np.concatenate([old.affinity, affinity])
    order = np.lexsort((all_rows, -all_affinity, clients))
    starts = np.zeros(len(old.query) + 1, dtype=np.int64)
    np.cumsum(np.bincount(clients, minlength=len(old.query)), out=starts[1:])
    routes = np.concatenate([old.pair_routes, np.full(len(rows), bit, dtype=np.uint16)])
    return Pairs(
        starts,
        all_rows[order],
        routes[order],
        all_affinity[order],
        np.concatenate([old.features, features])[order],
        old.query,
        old.available,
    )
