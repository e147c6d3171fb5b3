"""Whether one system is better than another on the same clients (paired bootstrap).

A run is a `Judgement`: how one seed of a system decided N clients. Clients are drawn once for both
systems, since both decided the same ones; seeds are drawn separately, since they are independent
(Efron and Tibshirani 1993, chapter 16; Agarwal et al. 2021, section 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.metrics import RATES, Judgement, rates

_CHUNK: Final = 250
"""Resamples held at once; a million clients with a hundred outcomes stay below 200 MB."""


@dataclass(frozen=True)
class Difference:
    """Difference of two systems, ours and theirs, in one metric."""

    metric: str
    ours: float
    """Mean over the seeds."""
    theirs: float
    low: float
    """Lower end of the interval of ours - theirs."""
    high: float
    wins: float
    """Share of the resamples in which ours is higher; a tie counts half."""
    improves: float
    """Probability that a seed of ours beats a seed of theirs; a tie counts half."""

    @property
    def gap(self) -> float:
        """Ours - theirs."""
        return self.ours - self.theirs

    @property
    def verdict(self) -> str:
        """'higher' or 'lower' where the interval excludes 0, else 'tie'."""
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else "tie"


def compare_runs(
    ours: Sequence[Judgement],
    theirs: Sequence[Judgement],
    metric: str,
    rng: np.random.Generator,
    resamples: int = 2_000,
    level: float = 0.95,
) -> Difference:
    """The difference of two systems in one of `RATES`, with a paired bootstrap interval.

    Args:
        ours: The seeds of a system, all on the same N clients in the same order.
        theirs: The seeds of the other; one is enough for a system without randomness.
        metric: Name of the metric.
        rng: Draws clients and seeds.
        resamples: Number of bootstrap resamples.
        level: Confidence level of the interval.

    Raises:
        SchemaError: A side has no run, the lists differ in length, or the metric is unknown.
    """
    _check(ours, theirs, metric)
    kinds, counts = _joint_outcomes([*ours, *theirs])
    values = np.concatenate(
        [
            _drawn(kinds, counts, metric, rng, size=min(_CHUNK, resamples - begin))
            for begin in range(0, resamples, _CHUNK)
        ]
    )
    gaps = _seed_means(values[:, : len(ours)], rng) - _seed_means(values[:, len(ours) :], rng)
    low, high = np.nanquantile(gaps, [(1 - level) / 2, (1 + level) / 2])
    seen = rates((counts[:, None, None] * kinds).sum(axis=0))[metric]
    one, other = seen[: len(ours)], seen[len(ours) :]
    return Difference(
        metric=metric,
        ours=float(one.mean()),
        theirs=float(other.mean()),
        low=float(low),
        high=float(high),
        wins=float(np.mean((gaps > 0) + 0.5 * (gaps == 0))),
        improves=float(np.mean((one[:, None] > other[None]) + 0.5 * (one[:, None] == other[None]))),
    )


def mean_interval(
    runs: Sequence[Judgement],
    metric: str,
    rng: np.random.Generator,
    resamples: int = 2_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap interval of the mean over the seeds of a system; only clients are drawn.

    It is the uncertainty due to the choice of clients; `seeds.stratified_interval` has that due to
    the choice of seeds.

    Raises:
        SchemaError: As `compare_runs`.
    """
    _check(runs, runs, metric)
    kinds, counts = _joint_outcomes(runs)
    means = [
        _drawn(kinds, counts, metric, rng, size=min(_CHUNK, resamples - begin)).mean(axis=1)
        for begin in range(0, resamples, _CHUNK)
    ]
    low, high = np.nanquantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _joint_outcomes(
    runs: Sequence[Judgement],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distinct outcomes of a client over all S runs, shape (U, S, columns), and counts, (U,).

    Most clients share their outcomes in all runs with others, and are interchangeable with them.
    """
    stacked = np.concatenate([run.columns for run in runs], axis=1)
    kinds, counts = np.unique(stacked, axis=0, return_counts=True)
    return kinds.reshape(len(kinds), len(runs), -1), counts


def _drawn(
    kinds: NDArray[np.float64],
    counts: NDArray[np.int64],
    metric: str,
    rng: np.random.Generator,
    size: int,
) -> NDArray[np.float64]:
    """The metric of each run on resampled clients, shape (size, S)."""
    clients = int(counts.sum())
    weights = rng.multinomial(clients, counts / clients, size=size).astype(np.float64)
    sums = (weights @ kinds.reshape(len(kinds), -1)).reshape(size, *kinds.shape[1:])
    return rates(sums)[metric]


def _seed_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean over seeds that are drawn anew for each resample, shape (B,)."""
    resamples, seeds = values.shape
    drawn = rng.integers(seeds, size=(resamples, seeds))
    means: NDArray[np.float64] = np.take_along_axis(values, drawn, axis=1).mean(axis=1)
    return means


def _check(ours: Sequence[Judgement], theirs: Sequence[Judgement], metric: str) -> None:
    if metric not in RATES:
        raise SchemaError(f"expected a metric among {list(RATES)}, got {metric!r}")
    sizes = sorted({len(run) for run in (*ours, *theirs)})
    if not ours or not theirs or len(sizes) != 1 or not sizes[0]:
        raise SchemaError(
            "expected at least one run of each system, all on the same N >= 1 clients, got "
            f"{len(ours)} and {len(theirs)} runs on lists of {sizes} clients"
        )
