"""The list stage: a list is decided once more as a whole, after every client has been by itself.

Clients of one list are often the same organisation: contacts of one company, spellings of one
payee. The stage scores for each client its own best candidates and the companies of its mates, and
no match besides; see `mates`. Neither the position of a client in the list nor its id counts.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.first_pass import KEPT, FirstPass
from linkage_rl.decision.mates import RELATIONS, Relation, relations

_OWN: Final = ("share", "share_of_best", "is_best", "rank", "is_own")
_CLIENT: Final = ("no_match", "best_share", "alike", "has_candidate")
_OF_MATES: Final = ("highest", "mean", "best_of", "mates")
_RIVALS: Final = ("rivals", "strangers", "highest_rival")

PAIR_FEATURES: Final = (
    *_OWN,
    *_CLIENT,
    *(f"{name}_{relation}" for relation in RELATIONS for name in _OF_MATES),
    *_RIVALS,
)
"""Names of the F features of a client with a company."""
CLIENT_FEATURES: Final = (
    *_CLIENT,
    *(f"mates_{relation}" for relation in RELATIONS),
    *(f"agreement_{relation}" for relation in RELATIONS),
)
"""Names of the Q features of a client for no match."""
FLOOR: Final = 1e-3
"""Share from which the stage starts where the first pass gave none."""
_ALIKE: Final = 0.8
"""Share of the best candidate's share from which on another candidate is counted as alike."""
_CHUNK: Final = 1 << 15
_MANY: Final = float(np.log1p(1000))


class ListScorer(Protocol):
    """Scores companies against each other and against no match."""

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of P companies, shape (P,), and of no match for N clients, shape (N,).

        Args:
            pairs: `PAIR_FEATURES`, shape (P, F).
            clients: `CLIENT_FEATURES`, shape (N, Q).
        """


@dataclass(frozen=True)
class ListPairs:
    """P pairs of some clients of a list with companies; the pairs of client i of n are
    starts[i]..starts[i + 1]."""

    starts: NDArray[np.int64]
    """Shape (n + 1,)."""
    company: NDArray[np.int64]
    """Company of each pair, shape (P,)."""
    features: NDArray[np.float32]
    """`PAIR_FEATURES`, shape (P, F)."""
    client_features: NDArray[np.float32]
    """`CLIENT_FEATURES`, shape (n, Q)."""


@dataclass(frozen=True)
class ListAnswers:
    """What the stage says of N clients."""

    candidate: NDArray[np.int64]
    """Best company, -1 where the client has none and its mates neither; shape (N,)."""
    confidence: NDArray[np.float32]
    """Softmax weight of that company, in [0, 1], before calibration; shape (N,)."""


class ClientList:
    """A whole list after its first pass, ready to be scored in parts."""

    def __init__(self, first: FirstPass, lists: NDArray[np.integer] | None = None) -> None:
        """Group the clients.

        Args:
            first: N clients.
            lists: Number of the list of each client, shape (N,); None where there is one list.
        """
        self._first = first
        self._relations = relations(first, lists)
        self._everyone = _everyone(first, lists)

    def pairs(self, clients: NDArray[np.int64]) -> ListPairs:
        """The companies that come into question for n clients, with their features."""
        first = self._first
        client, company, slot = self._proposed(clients)
        at = clients[client]
        is_own = slot < KEPT
        kept = np.where(is_own, slot, 0)
        share = np.where(is_own, first.shares[at, kept], 0).astype(np.float32)
        is_best = slot == 0
        of_client = self._of_clients(clients)
        features = np.empty((len(client), len(PAIR_FEATURES)), dtype=np.float32)
        best_share = of_client[client, 1]
        features[:, 0] = share
        features[:, 1] = share / np.maximum(best_share, FLOOR)
        features[:, 2] = is_best
        features[:, 3] = np.where(is_own, slot, KEPT) / KEPT
        features[:, 4] = is_own
        features[:, 5:9] = of_client[client]
        column = len(_OWN) + len(_CLIENT)
        most = np.zeros(len(client), dtype=np.int64)
        agreement = np.zeros((len(clients), len(RELATIONS)), dtype=np.float32)
        mates = np.zeros((len(clients), len(RELATIONS)), dtype=np.float32)
        for place, relation in enumerate(self._relations):
            claims = relation.claims(at, company, share, is_best)
            features[:, column] = claims.highest
            features[:, column + 1] = claims.mean
            features[:, column + 2] = _logged(claims.best_of)
            features[:, column + 3] = _logged(claims.mates)
            column += len(_OF_MATES)
            most = np.maximum(most, claims.best_of)
            mates[client, place] = _logged(claims.mates)
            np.maximum.at(agreement[:, place], client, claims.highest)
        rivals = self._everyone.claims(at, company, share, is_best)
        features[:, column] = _logged(rivals.best_of)
        features[:, column + 1] = _logged(np.maximum(rivals.best_of - most, 0))
        features[:, column + 2] = rivals.highest
        starts = np.searchsorted(client, np.arange(len(clients) + 1)).astype(np.int64)
        return ListPairs(
            starts, company, features, np.concatenate([of_client, mates, agreement], axis=1)
        )

    def _proposed(
        self, clients: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Client, company and slot of each pair, by client; slot KEPT for the companies of mates."""
        own = self._first.candidates[clients].astype(np.int64)
        companies = [own]
        for relation in self._relations:
            group = relation.group[clients]
            if len(relation.proposals):
                companies.append(np.where(group[:, None] >= 0, relation.proposals[group], -1))
        company = np.concatenate(companies, axis=1)
        slot = np.minimum(np.arange(company.shape[1]), KEPT)
        client = np.repeat(np.arange(len(clients)), company.shape[1])
        present = np.flatnonzero(company.reshape(-1) >= 0)
        key = client[present] << np.int64(32) | company.reshape(-1)[present]
        # of equal pairs the first is kept, which is the client's own candidate
        key, first = np.unique(key, return_index=True)
        return (
            key >> np.int64(32),
            key & np.int64(0xFFFFFFFF),
            np.tile(slot, len(clients))[present[first]],
        )

    def _of_clients(self, clients: NDArray[np.int64]) -> NDArray[np.float32]:
        shares = self._first.shares[clients]
        best = shares[:, 0]
        alike = ((shares > 0) & (shares >= _ALIKE * best[:, None])).sum(axis=1)
        return np.stack(
            [
                self._first.no_match[clients],
                best,
                alike / KEPT,
                self._first.candidates[clients, 0] >= 0,
            ],
            axis=1,
        ).astype(np.float32)


def decide_list(
    scorer: ListScorer, first: FirstPass, lists: NDArray[np.integer] | None = None
) -> ListAnswers:
    """Best company and raw confidence of every client of a list.

    Args:
        scorer: The trained stage.
        first: N clients.
        lists: Number of the list of each client, shape (N,); None where there is one list.
    """
    whole = ClientList(first, lists)
    candidate = np.full(len(first), -1, dtype=np.int64)
    confidence = np.zeros(len(first), dtype=np.float32)
    for begin in range(0, len(first), _CHUNK):
        clients = np.arange(begin, min(begin + _CHUNK, len(first)))
        pairs = whole.pairs(clients)
        shares = softmax(*scorer.logits(pairs.features, pairs.client_features), pairs.starts)
        best = best_of(shares, pairs)
        found = best >= 0
        candidate[clients[found]] = pairs.company[best[found]]
        confidence[clients[found]] = shares[best[found]]
    return ListAnswers(candidate, confidence)


def softmax(
    logits: NDArray[np.float32], no_match: NDArray[np.float32], starts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Weight of each pair among those of its client and no match, shape (P,)."""
    client = np.repeat(np.arange(len(no_match)), np.diff(starts))
    highest = no_match.astype(np.float64)
    np.maximum.at(highest, client, logits)
    weight = np.exp(logits - highest[client])
    total = np.bincount(client, weights=weight, minlength=len(no_match))
    total += np.exp(no_match - highest)
    return np.asarray(weight / total[client], dtype=np.float32)


def best_of(shares: NDArray[np.float32], pairs: ListPairs) -> NDArray[np.int64]:
    """Position of the pair with the highest share of each client, -1 without pairs; shape (n,).

    Of equal shares the earlier candidate of the client wins, then the lower company.
    """
    client = np.repeat(np.arange(len(pairs.starts) - 1), np.diff(pairs.starts))
    order = np.lexsort((pairs.company, pairs.features[:, 3], -shares, client))
    best = np.full(len(pairs.starts) - 1, -1, dtype=np.int64)
    some = np.flatnonzero(np.diff(pairs.starts))
    best[some] = order[pairs.starts[some]]
    return best


def _everyone(first: FirstPass, lists: NDArray[np.integer] | None) -> Relation:
    """All clients of a list as one group, of whose candidates only the best counts."""
    group = np.zeros(len(first), dtype=np.int64) if lists is None else lists.astype(np.int64)
    best = np.where(np.arange(KEPT) == 0, first.candidates, -1).astype(np.int32)
    return Relation.of(group, replace(first, candidates=best))


def _logged(count: NDArray[np.int64]) -> NDArray[np.float32]:
    """A count as a number that is 0 for 0 and 1 for a thousand."""
    return np.asarray(np.log1p(count) / _MANY, dtype=np.float32)
