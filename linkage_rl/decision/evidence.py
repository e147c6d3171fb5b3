"""What a policy saw when it decided, small enough to be kept: features as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.records import Observation

SHOWN: Final = 5
"""Candidates of a client that are kept by their ids, best first; a person picks among them."""


@dataclass(frozen=True)
class Evidence:
    """Visible candidates of N clients, one client after the other, by falling share; P in all.

    Features are rounded to 1/255; the order of the slots says nothing to a policy.
    """

    counts: NDArray[np.int64]
    """Candidates of each client, shape (N,)."""
    candidates: NDArray[np.uint8]
    """Features of the slots in 1/255, shape (P, F)."""
    shares: NDArray[np.float32]
    """Softmax weight of each among all slots and no match, in [0, 1], shape (P,)."""
    ties: NDArray[np.uint8]
    """Place of the first candidate of the same client that the client cannot tell from this one,
    its own place where there is none; shape (P,)."""
    query: NDArray[np.uint8]
    """Features of the clients in 1/255, shape (N, Q)."""
    state: NDArray[np.uint8]
    """Blockers run, share of filled slots, cost so far, in 1/255; shape (N, R + 2)."""
    no_match: NDArray[np.float32]
    """Softmax weight of no match, in [0, 1], shape (N,)."""
    raw_confidence: NDArray[np.float32]
    """Confidence in the best candidate and those tied with it, before calibration, shape (N,)."""
    shown: Sequence[Sequence[str]]
    """Company ids of the best candidates of each client, at most `SHOWN`."""

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def concatenate(cls, parts: "Sequence[Evidence]") -> "Evidence":
        """The clients of all parts, in their order; at least one part."""
        return cls(
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.candidates for part in parts]),
            np.concatenate([part.shares for part in parts]),
            np.concatenate([part.ties for part in parts]),
            np.concatenate([part.query for part in parts]),
            np.concatenate([part.state for part in parts]),
            np.concatenate([part.no_match for part in parts]),
            np.concatenate([part.raw_confidence for part in parts]),
            list(chain.from_iterable(part.shown for part in parts)),
        )

    def between(self, begin: int, end: int) -> "Evidence":
        """The clients in range(begin, end)."""
        first = int(self.counts[:begin].sum())
        pairs = slice(first, first + int(self.counts[begin:end].sum()))
        return Evidence(
            self.counts[begin:end],
            self.candidates[pairs],
            self.shares[pairs],
            self.ties[pairs],
            self.query[begin:end],
            self.state[begin:end],
            self.no_match[begin:end],
            self.raw_confidence[begin:end],
            self.shown[begin:end],
        )

    def take(self, clients: NDArray[np.int64]) -> "Evidence":
        """The clients at these positions, in this order."""
        pairs = _pairs_in_order(self.counts, clients)
        return Evidence(
            self.counts[clients],
            self.candidates[pairs],
            self.shares[pairs],
            self.ties[pairs],
            self.query[clients],
            self.state[clients],
            self.no_match[clients],
            self.raw_confidence[clients],
            [self.shown[client] for client in clients.tolist()],
        )


class CompanyIds(Protocol):
    """Knows the company ids of candidates."""

    def company_ids(self, candidates: NDArray[np.int64], /) -> list[str]:
        """The id of each candidate."""


class EvidenceRecorder:
    """Gathers the evidence of N clients while a `Decider` decides on them."""

    def __init__(self, companies: CompanyIds) -> None:
        """Start without clients.

        Args:
            companies: Names the candidates of the observations: the index of a company table whose
                rows they are, or prepared cases whose pairs they are.
        """
        self._companies = companies
        self._clients: list[NDArray[np.int64]] = []
        self._parts: list[Evidence] = []

    def add(
        self,
        clients: NDArray[np.int64],
        observation: Observation,
        rows: NDArray[np.int64],
        shares: NDArray[np.float32],
        raw_confidence: NDArray[np.float32],
    ) -> None:
        """Keep what the policy saw of B clients when it stopped.

        Args:
            clients: Their positions among the N clients, shape (B,).
            observation: What it saw of these clients and of others.
            rows: Row of the observation of each of them, shape (B,).
            shares: `decide.slot_shares` of them, shape (B, K).
            raw_confidence: Confidence in their best candidates, before calibration, shape (B,).
        """
        counts, features, kept, first, candidates = _observe.keep_evidence(
            rows,
            observation.candidates,
            observation.slot_candidates,
            observation.ties,
            shares,
        )
        self._clients.append(clients)
        self._parts.append(
            Evidence(
                counts,
                features,
                kept,
                first,
                _as_bytes(observation.query[rows]),
                _as_bytes(observation.state[rows]),
                np.maximum(1 - shares.sum(axis=1), 0),
                raw_confidence,
                _shown(self._companies, counts, candidates),
            )
        )

    def evidence(self) -> Evidence | None:
        """The evidence of the clients in their order; None where there is no client."""
        if not self._parts:
            return None
        if len(self._parts) == 1 and (self._clients[0][1:] > self._clients[0][:-1]).all():
            return self._parts[0]
        order = np.concatenate(self._clients).argsort()
        return Evidence.concatenate(self._parts).take(order)


def _as_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Values in [0, 1] in 1/255, rounded to the nearest."""
    scaled = values * np.float32(255)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint8)


def _pairs_in_order(counts: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the candidates of clients that are put into another order, shape (P,)."""
    starts = counts.cumsum() - counts
    counts = counts[order]
    begins = np.repeat(starts[order] - (counts.cumsum() - counts), counts)
    return np.asarray(begins + np.arange(counts.sum()), dtype=np.int64)


def _shown(
    companies: CompanyIds, counts: NDArray[np.int64], candidates: NDArray[np.int64]
) -> list[list[str]]:
    """Company ids of the best candidates of each client, at most `SHOWN`, one after the other."""
    shown = np.minimum(counts, SHOWN)
    ends = shown.cumsum()
    # where the candidates of each client begin among all, less those that are shown before
    begins = np.repeat(counts.cumsum() - counts - (ends - shown), shown)
    ids = companies.company_ids(candidates[begins + np.arange(len(begins))])
    return [ids[begin:end] for begin, end in pairwise([0, *ends.tolist()])]
