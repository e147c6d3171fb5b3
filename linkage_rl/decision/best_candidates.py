"""The best candidates of clients, for results that show them beside the decision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features.reasons import reasons

Features = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Pair features of P clients, by position, with P index rows; shape (P, F)."""


@dataclass(frozen=True)
class BestCandidates:
    """Up to C candidates of each of N clients, one client after the other; P in all."""

    counts: NDArray[np.int64]
    """Candidates of each client, shape (N,)."""
    company_ids: list[str]
    shares: NDArray[np.float32]
    """Softmax weight of each among the candidates that the policy saw and no match, in [0, 1],
    falling for each client; shape (P,)."""
    reasons: list[str]
    """The strongest agreements and conflicts of each with its client, in words."""
    names: list[str]
    """Names of the companies in the index."""

    @classmethod
    def of(
        cls,
        index: CompanyIndex,
        rows: NDArray[np.int64],
        shares: NDArray[np.float32],
        features: Features,
    ) -> Self:
        """Ids, names and reasons of candidates.

        Args:
            index: The company table.
            rows: Index rows of each client's candidates, -1 where there are no more, shape (N, C).
            shares: Their shares, shape (N, C).
            features: Compares them with their clients.
        """
        client, place = map(np.ascontiguousarray, np.nonzero(rows >= 0))
        shown = rows[client, place]
        return cls(
            np.bincount(client, minlength=len(rows)).astype(np.int64),
            index.company_ids(shown),
            shares[client, place],
            reasons(features(client, shown)),
            index.names(shown),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The candidates of the clients of all parts, in their order."""
        return cls(
            np.concatenate([part.counts for part in parts]),
            [one for part in parts for one in part.company_ids],
            np.concatenate([part.shares for part in parts]),
            [one for part in parts for one in part.reasons],
            [one for part in parts for one in part.names],
        )

    def between(self, begin: int, end: int) -> "BestCandidates":
        """The candidates of the clients in range(begin, end)."""
        ends = np.concatenate([[0], self.counts.cumsum()])
        part = slice(int(ends[begin]), int(ends[end]))
        return BestCandidates(
            self.counts[begin:end],
            self.company_ids[part],
            self.shares[part],
            self.reasons[part],
            self.names[part],
        )
