"""The list stage: a list is decided once more as a whole, after every client has been by itself.

Clients of one list are often the same organisation: contacts of one company, spellings of one
payee. The stage scores for each client its own best candidates and the companies of its mates, and
no match besides; see `mates`. Neither the position of a client in the list nor its id counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _mates
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.mates import MIN_SHARE, PROPOSED, RELATIONS, Groups

_OWN: Final = ("share", "share_of_best", "is_best", "rank", "is_own", "tied")
_CLIENT: Final = ("no_match", "best_share", "alike", "has_candidate")
_OF_MATES: Final = ("highest", "mean", "best_of", "mates")
_RIVALS: Final = ("rivals", "strangers", "highest_rival")

PAIR_FEATURES: Final = (
    *_OWN,
    *_CLIENT,
    *(f"{name}_{relation}" for relation in RELATIONS for name in _OF_MATES),
    *_RIVALS,
    "repeated",
)
"""Names of the F features of a client with a company."""
CLIENT_FEATURES: Final = (
    *_CLIENT,
    *(f"mates_{relation}" for relation in RELATIONS),
    *(f"agreement_{relation}" for relation in RELATIONS),
    "repeated",
)
"""Names of the Q features of a client for no match."""
_SHARE, _TIED = PAIR_FEATURES.index("share"), PAIR_FEATURES.index("tied")
_PREFERRED: Final = 1.25
"""Ratio of shares from which on the list prefers one of several tied candidates."""
FLOOR: Final = 1e-3
"""Share from which the stage starts where the first pass gave none."""
_ALIKE: Final = 0.8
"""Share of the best candidate's share from which on another candidate is counted as alike."""
_LIKELY: Final = 0.5
"""Share from which on a client counts when a list is searched for repetitions."""
_CHUNK: Final = 4096
_LOGARITHMS: Final = (np.log1p(np.arange(64)) / np.log1p(1000)).astype(np.float32)
"""Counts as numbers that are 0 for 0 and 1 for a thousand."""


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
    """P pairs of n clients of a list with companies."""

    starts: NDArray[np.int64]
    """The pairs of client i are starts[i]..starts[i + 1]; shape (n + 1,)."""
    company: NDArray[np.int64]
    """Company of each pair, shape (P,)."""
    features: NDArray[np.float32]
    """`PAIR_FEATURES`, shape (P, F)."""
    client_features: NDArray[np.float32]
    """`CLIENT_FEATURES`, shape (n, Q)."""


@dataclass(frozen=True)
class ListAnswers:
    """What the stage says of N clients; arrays of shape (N,)."""

    candidate: NDArray[np.int64]
    """Best company, -1 where the client has none and its mates neither."""
    confidence: NDArray[np.float32]
    """Softmax weight of that company and those tied with it, in [0, 1], before calibration."""
    tied: NDArray[np.int16]
    """Number of companies that neither the client nor the list tells apart from the best one."""


@dataclass(frozen=True)
class RankedCandidates:
    """The best companies of N clients, S of each, -1 where there are no more; shapes (N, S)."""

    candidate: NDArray[np.int64]
    """Falling share."""
    confidence: NDArray[np.float32]
    """Softmax weight of the company and those tied with it, in [0, 1], before calibration."""
    tied: NDArray[np.int16]
    """Number of companies that neither the client nor the list tells apart from it."""

    def calibrated(self, calibration: Calibration | None) -> NDArray[np.float32]:
        """Probability of each company to be the right one, 0 where there is none; (N, S)."""
        confidence = self.confidence if calibration is None else calibration.apply(self.confidence)
        return np.where(self.candidate >= 0, confidence / self.tied, 0).astype(np.float32)

    @property
    def shares(self) -> NDArray[np.float32]:
        """Softmax weight of each company alone, in [0, 1], shape (N, S)."""
        return np.asarray(self.confidence / np.maximum(self.tied, 1), dtype=np.float32)

    def between(self, begin: int, end: int) -> "RankedCandidates":
        """The companies of the clients in range(begin, end)."""
        part = slice(begin, end)
        return RankedCandidates(self.candidate[part], self.confidence[part], self.tied[part])


class ClientList:
    """A whole list after its first pass, ready to be scored in parts."""

    def __init__(self, first: FirstPass, lists: NDArray[np.integer] | None = None) -> None:
        """Group the clients.

        Args:
            first: N clients.
            lists: Number of the list of each client, shape (N,), from 0; None where there is one
                list. The companies of different lists need different ids.
        """
        self._first = first
        self._groups = Groups.of(first, lists)
        self._claimed = _mates.claims_by_company(first.candidates, first.shares)
        self._repeated = _repeated(first, self._claimed[1], lists)

    def pairs(self, clients: NDArray[np.int64]) -> ListPairs:
        """The companies that come into question for n clients, with their features."""
        first, groups = self._first, self._groups
        proposing = (
            first.candidates,
            groups.of_client,
            groups.proposed,
            groups.first_proposed,
            PROPOSED,
        )
        starts = _mates.count_pairs(clients, *proposing)
        company, features, of_clients = _mates.fill_pairs(
            clients,
            starts,
            first.candidates,
            first.shares,
            first.tied,
            first.no_match,
            *proposing[1:],
            groups.bounds,
            groups.first_bound,
            groups.sizes,
            groups.first_size,
            groups.company,
            groups.total,
            groups.highest,
            groups.best_of,
            *self._claimed,
            _ALIKE,
            FLOOR,
            MIN_SHARE,
            _LOGARITHMS,
            len(PAIR_FEATURES),
            len(CLIENT_FEATURES),
        )
        of_clients[:, -1] = self._repeated[clients]
        features[:, -1] = np.repeat(self._repeated[clients], np.diff(starts))
        return ListPairs(starts, company, features, of_clients)


@dataclass(frozen=True)
class ListDecisions:
    """What the stage decides on N clients; arrays of shape (N,)."""

    kind: NDArray[np.int8]
    """`DecisionKind` of each client."""
    candidate: NDArray[np.int64]
    """Best company, -1 where there is none."""
    confidence: NDArray[np.float32]
    """Probability in [0, 1] that it is the right one."""
    tied: NDArray[np.int16]
    """Number of companies that neither the client nor the list tells apart from it."""
    ranked: RankedCandidates | None = None
    """The companies among which was decided; None unless they were asked for."""
    columns: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    """Numbers that a result shows beside the decision, 0 for none: name to shape (N,)."""

    def __len__(self) -> int:
        return len(self.kind)

    def between(self, begin: int, end: int) -> "ListDecisions":
        """The decisions on the clients in range(begin, end)."""
        part = slice(begin, end)
        return ListDecisions(
            self.kind[part],
            self.candidate[part],
            self.confidence[part],
            self.tied[part],
            self.ranked and self.ranked.between(begin, end),
            {name: numbers[part] for name, numbers in self.columns.items()},
        )


@dataclass(frozen=True)
class ListStage:
    """The trained stage with its own calibration and thresholds, fitted on whole lists."""

    scorer: ListScorer
    calibration: Calibration
    thresholds: Thresholds

    def decide(self, first: FirstPass, shown: int = 0) -> ListDecisions:
        """Decide a whole list.

        Args:
            first: N clients.
            shown: How many of the best companies of each come with the decisions.
        """
        ranked = rank_list(self.scorer, first, slots=max(shown, 1))
        decisions = best_decisions(ranked, self.calibration, self.thresholds)
        return replace(decisions, ranked=ranked) if shown else decisions


def best_decisions(
    ranked: RankedCandidates, calibration: Calibration | None, thresholds: Thresholds
) -> ListDecisions:
    """Decide for each client on its best candidate."""
    confidence, candidate = ranked.calibrated(calibration)[:, 0], ranked.candidate[:, 0]
    kind = thresholds.kinds(confidence, candidate >= 0)
    return ListDecisions(kind, candidate, confidence, ranked.tied[:, 0])


def decide_list(
    scorer: ListScorer, first: FirstPass, lists: NDArray[np.integer] | None = None
) -> ListAnswers:
    """Best company and raw confidence of every client of a list.

    Args:
        scorer: The trained stage.
        first: N clients.
        lists: Number of the list of each client, shape (N,); None where there is one list.
    """
    ranked = rank_list(scorer, first, lists)
    return ListAnswers(ranked.candidate[:, 0], ranked.confidence[:, 0], ranked.tied[:, 0])


def rank_list(
    scorer: ListScorer,
    first: FirstPass,
    lists: NDArray[np.integer] | None = None,
    slots: int = 1,
) -> RankedCandidates:
    """The best companies of every client of a list, with raw confidence.

    Args:
        scorer: The trained stage.
        first: N clients.
        lists: Number of the list of each client, shape (N,); None where there is one list.
        slots: Companies of each client that are kept, S.
    """
    whole = ClientList(first, lists)
    ranked = RankedCandidates(
        np.full((len(first), slots), -1, dtype=np.int64),
        np.zeros((len(first), slots), dtype=np.float32),
        np.ones((len(first), slots), dtype=np.int16),
    )
    for begin in range(0, len(first), _CHUNK):
        every = np.arange(begin, min(begin + _CHUNK, len(first)))
        pairs = whole.pairs(every)
        shares = softmax(*scorer.logits(pairs.features, pairs.client_features), pairs.starts)
        order = falling(shares, pairs)
        for slot in range(slots):
            found = np.diff(pairs.starts) > slot
            clients, best = every[found], order[pairs.starts[:-1][found] + slot]
            ranked.candidate[clients, slot] = pairs.company[best]
            weight, tied = _with_tied(shares, pairs, best)
            ranked.confidence[clients, slot], ranked.tied[clients, slot] = weight, tied
    return ranked


def _with_tied(
    shares: NDArray[np.float32], pairs: ListPairs, best: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Share of each best pair with those tied with it, and their number; shapes (B,).

    Candidates that were tied before stay tied unless the list prefers one of them.
    """
    client = np.repeat(np.arange(len(pairs.starts) - 1), np.diff(pairs.starts))
    of_best = np.full(len(pairs.starts) - 1, -1, dtype=np.int64)
    of_best[client[best]] = best
    same = (pairs.features[:, _TIED] > 0) & (
        pairs.features[:, (_SHARE, _TIED)] == pairs.features[of_best[client]][:, (_SHARE, _TIED)]
    ).all(axis=1)
    lowest = shares[of_best].copy()
    np.minimum.at(lowest, client[same], shares[same])
    tied = np.rint(1 / (1 - pairs.features[best, _TIED])).astype(np.int16)
    tied = np.where(shares[best] <= _PREFERRED * lowest[client[best]], tied, 1).astype(np.int16)
    return np.minimum(shares[best] * tied, 1).astype(np.float32), tied


def softmax(
    logits: NDArray[np.float32], no_match: NDArray[np.float32], starts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Weight of each pair among those of its client and no match, shape (P,)."""
    client = np.repeat(np.arange(len(no_match)), np.diff(starts))
    highest = no_match.astype(np.float64)
    np.maximum.at(highest, client, logits)
    weight = np.exp(logits - highest[client])
    total = np.exp(no_match - highest)
    # without any pair numpy counts in integers
    total += np.bincount(client, weights=weight, minlength=len(no_match)).astype(np.float64)
    return np.asarray(weight / total[client], dtype=np.float32)


def falling(shares: NDArray[np.float32], pairs: ListPairs) -> NDArray[np.int64]:
    """Positions of the pairs, client after client, those of each by falling share; shape (P,).

    Of equal shares the earlier candidate of the client comes first, then the lower company.
    """
    client = np.repeat(np.arange(len(pairs.starts) - 1), np.diff(pairs.starts))
    return np.lexsort((pairs.company, pairs.features[:, 3], -shares, client))


def _repeated(
    first: FirstPass, highest_claim: NDArray[np.float32], lists: NDArray[np.integer] | None
) -> NDArray[np.float32]:
    """How much of each client's list repeats itself, shape (N,).

    That is the part of the clients with a likely company that share it with another such client.
    """
    best = first.candidates[:, 0]
    likely = (best >= 0) & (first.shares[:, 0] >= _LIKELY)
    shared = likely.copy()
    shared[likely] = highest_claim[best[likely], 1] >= _LIKELY
    group = np.zeros(len(first), dtype=np.int64) if lists is None else lists.astype(np.int64)
    part = np.bincount(group, weights=shared) / np.maximum(np.bincount(group, weights=likely), 1)
    return np.asarray(part[group], dtype=np.float32)
