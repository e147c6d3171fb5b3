"""Stratified samples by confidence: as many clients of each level of confidence as there are."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STRATA: Final = 10
"""Levels of confidence of equal width in [0, 1]."""


@dataclass(frozen=True)
class Sample:
    """Clients of a list to ask about, in the order of asking."""

    places: NDArray[np.int64]
    """Positions in the list, each once, shape (n,)."""
    chances: NDArray[np.float64]
    """Chance of each of being in the sample, in (0, 1], shape (n,)."""


def stratum_of(confidence: NDArray[np.float64], strata: int = STRATA) -> NDArray[np.int64]:
    """Stratum of each client, from 0 for the lowest confidence on; shape (N,).

    >>> stratum_of(np.array([0.0, 0.05, 0.31, 1.0])).tolist()
    [0, 0, 3, 9]
    """
    return np.clip((confidence * strata).astype(np.int64), 0, strata - 1)


def allocation(sizes: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """How many clients of each stratum are drawn: equally many, and what one lacks from the others.

    Args:
        sizes: Clients of each stratum, shape (S,).
        wanted: Size of the sample.

    Returns:
        Shape (S,); its sum is `wanted`, or all clients where there are fewer.

    >>> allocation(np.array([100, 3, 50]), 63).tolist()
    [30, 3, 30]
    """
    drawn = np.zeros_like(sizes)
    left = min(wanted, int(sizes.sum()))
    while left:
        room = np.flatnonzero(drawn < sizes)
        if left < len(room):
            # the last few go to the largest strata
            drawn[room[np.argsort(drawn[room] - sizes[room], kind="stable")[:left]]] += 1
            break
        drawn[room] += np.minimum(left // len(room), sizes[room] - drawn[room])
        left = min(wanted, int(sizes.sum())) - int(drawn.sum())
    return drawn


def stratified_sample(
    confidence: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> Sample:
    """Draw clients stratified by confidence.

    The strata are mixed, so that whoever stops early has answered for a stratified sample too.

    Args:
        confidence: Of each client of the list, in [0, 1], shape (N,).
        wanted: Size of the sample; a list with fewer clients is asked about as a whole.
        rng: Source of the draw.
    """
    stratum = stratum_of(confidence)
    sizes = np.bincount(stratum, minlength=STRATA)
    drawn = allocation(sizes, wanted)
    order = rng.permutation(len(confidence))
    order = order[np.argsort(stratum[order], kind="stable")]
    rank = np.arange(len(order)) - (sizes.cumsum() - sizes)[stratum[order]]
    asked = order[rank < drawn[stratum[order]]]
    rank = rank[rank < drawn[stratum[order]]]
    # position within the own stratum as a share of it, at a random point of that step
    when = (rank + rng.random(len(asked))) / drawn[stratum[asked]]
    asked = asked[np.argsort(when, kind="stable")]
    return Sample(asked, (drawn / np.maximum(sizes, 1))[stratum[asked]])
