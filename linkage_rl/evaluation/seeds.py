"""Mean and interval of a system over seeds (Agarwal et al. 2021, "Statistical Precipice").

Scores have shape (S, T): S seeds of one system on T lists, higher is better.
"""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError


def interquartile_mean(scores: NDArray[np.float64]) -> float:
    """Mean of the middle half of all S x T scores.

    It is less noisy than the mean and more sensitive than the median. A quarter of the scores,
    rounded down, is left out at each end, so that three scores all count.

    >>> interquartile_mean(np.array([[0.0, 1.0], [3.0, 100.0]]))
    2.0
    """
    _check(scores)
    return float(_iqm(scores.reshape(1, -1))[0])


def stratified_interval(
    scores: NDArray[np.float64],
    rng: np.random.Generator,
    resamples: int = 2_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap interval of the interquartile mean; seeds are drawn separately for each list."""
    _check(scores)
    seeds, lists = scores.shape
    drawn = rng.integers(seeds, size=(resamples, seeds, lists))
    values = _iqm(scores[drawn, np.arange(lists)].reshape(resamples, -1))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _iqm(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interquartile mean of each row of (B, M) scores, shape (B,)."""
    cut = scores.shape[1] // 4
    middle = np.sort(scores, axis=1)[:, cut : scores.shape[1] - cut]
    return np.asarray(middle.mean(axis=1))


def _check(scores: NDArray[np.float64]) -> None:
    if scores.ndim != 2 or not scores.size:
        raise SchemaError(f"expected scores of shape (seeds, lists), got {scores.shape}")
