"""What a policy saw when it decided, small enough to be kept: features as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    """Company ids of the best candidates of each client, at most `decision_log.rows.SHOWN`."""

    def __len__(self) -> int:
        return len(self.counts)
