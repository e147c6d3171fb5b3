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
    """In the order in which the pairs were found, so that later finds move none of them."""
    feature_rows: NDArray[np.int64]
    """Row of `features` that belongs to each pair, shape (P,)."""
    query: NDArray[np.float32]
    available: NDArray[np.uint16]

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
        self._waiting: list[_Found] = []
        self._known = _Found.nothing()
        self._features = np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32)
        available = np.zeros(len(clients), dtype=np.uint16)
        for place, route in enumerate(routes):
            available |= route.can_ask(clients).astype(np.uint16) << np.uint16(place)
        self.available = available
        """Routes that each client can ask, one bit per route, shape (N,)."""
        self._query = query_features(index, clients)
        self._pairs = self._in_order()

    @property
    def pairs(self) -> Pairs:
        """All pairs found so far."""
        if self._waiting:
            self._merge()
        return self._pairs

    def observe(self, cases: NDArray[np.int64], bought: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these clients; slots name index rows, which stay the same."""
        pairs = self.pairs
        seen = self._view.observe(pairs, cases, bought)
        return replace(seen, slot_pairs=np.append(pairs.rows, -1)[seen.slot_pairs])

    def features_of(
        self, clients: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Pair features of these clients with these rows, all of which must have been found."""
        self._merge()
        place = np.searchsorted(self._known.keys, _keys(clients, rows))
        features: NDArray[np.float32] = self._features[self._known.feature_rows[place]]
        return features

    def reveal(self, cases: NDArray[np.int64], route: int) -> None:
        """Run a route for these clients; what it proposes is merged when it is looked at."""
        found = self._index.propose(self._routes[route], self._clients, cases, self._limit)
        case, slot = np.nonzero(found.rows >= 0)
        if len(case):
            keys = _keys(cases[case], found.rows[case, slot])
            bits = np.full(len(case), 1 << route, dtype=np.uint16)
            unknown = np.full(len(case), -1, dtype=np.int64)
            self._waiting.append(_Found(keys, found.affinity[case, slot], bits, unknown))

    def _merge(self) -> None:
        """Join waiting and known pairs, and compute the features of the new ones in one batch."""
        if not self._waiting:
            return
        merged = _Found.merged([self._known, *self._waiting])
        self._waiting = []
        fresh = np.flatnonzero(merged.feature_rows < 0)
        if len(fresh):
            client, rows = merged.keys[fresh] >> 32, merged.keys[fresh] & _ROW
            features = pair_features(self._index, self._clients, client, rows)
            merged.feature_rows[fresh] = len(self._features) + np.arange(len(fresh))
            self._features = np.concatenate([self._features, features])
        self._known = merged
        self._pairs = self._in_order()

    def _in_order(self) -> Pairs:
        """The known pairs by client and falling affinity; ties go to the lower row."""
        known = self._known
        client, rows = known.keys >> 32, known.keys & _ROW
        # Keys rise by client and row, so a stable sort leaves ties in that order.
        order = np.lexsort((-known.affinity, client))
        starts = np.zeros(len(self._query) + 1, dtype=np.int64)
        np.cumsum(np.bincount(client, minlength=len(self._query)), out=starts[1:])
        return Pairs(
            starts,
            rows[order],
            known.routes[order],
            known.affinity[order],
            self._features,
            known.feature_rows[order],
            self._query,
            self.available,
        )


_ROW = (1 << 32) - 1


def _keys(client: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return (client << 32) | rows


@dataclass(frozen=True)
class _Found:
    """Pairs as the routes named them."""

    keys: NDArray[np.int64]
    """Client in the upper, index row in the lower 32 bits."""
    affinity: NDArray[np.float32]
    routes: NDArray[np.uint16]
    feature_rows: NDArray[np.int64]
    """-1 for a pair whose features have not been computed."""

    @classmethod
    def nothing(cls) -> "_Found":
        """No pair at all."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none, none.astype(np.float32), none.astype(np.uint16), none)

    @classmethod
    def merged(cls, parts: Sequence["_Found"]) -> "_Found":
        """Each pair once, by rising key, with the routes of all parts; the first part leads."""
        keys = np.concatenate([part.keys for part in parts])
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(keys)])
        routes = np.concatenate([part.routes for part in parts])[order]
        leading = order[first]
        return cls(
            ordered[first],
            np.concatenate([part.affinity for part in parts])[leading],
            np.bitwise_or.reduceat(routes, first) if len(first) else routes,
            np.concatenate([part.feature_rows for part in parts])[leading],
        )
