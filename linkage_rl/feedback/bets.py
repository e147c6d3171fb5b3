"""Tests and bounds of a mean that may be looked at after every observation, by betting against it.

A gambler with a wealth of 1 bets before each observation that the mean is higher than claimed.
While the claim holds, the bets are unfair, and the wealth reaches 1 / alpha at any time with a
chance of at most alpha (Ville, 1939). So a claim is rejected once it does, however often one has
looked (Waudby-Smith and Ramdas, 2024, "Estimating means of bounded random variables by betting").
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linkage_rl.errors import ConfigError

STAKES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Stakes for an alternative of which nothing is known."""
_HALVINGS: Final = 14


def mixture_wealth(
    x: NDArray[np.float64], mean: ArrayLike, stakes: Sequence[float] | NDArray[np.float64] = STAKES
) -> NDArray[np.float64]:
    """Log wealth after each observation of the mean over gamblers, against E[x] <= mean.

    Args:
        x: Observations in [0, 1], in their order, shape (..., n).
        mean: The claimed upper bound of the mean, in (0, 1); broadcast against `x`.
        stakes: Share of its wealth that each gambler stakes on every observation, in [0, 1): it
            keeps 1 + stake (x / mean - 1) of it. Chosen before the observations are seen. The best
            one, for observations 0 and 1 with the true mean p, is (p - mean) / (1 - mean).

    Returns:
        Shape (..., n). The claim is rejected at the level alpha once a value is `limit(alpha)` or
        more.

    Raises:
        ConfigError: A value lies outside its range.

    >>> mixture_wealth(np.array([1.0, 1.0, 0.0]), 0.5, [0.5]).round(3).tolist()
    [0.405, 0.811, 0.118]
    """
    claimed = np.asarray(mean, dtype=np.float64)
    _check(x, claimed, stakes)
    ratio = x / claimed - 1
    total = np.full(ratio.shape, -np.inf)
    for stake in stakes:
        np.logaddexp(total, np.log1p(stake * ratio).cumsum(axis=-1), out=total)
    return total - math.log(len(stakes))


def limit(alpha: float) -> float:
    """Log wealth from which on a claim is rejected at the level alpha."""
    return math.log(1 / alpha)


def first_rejection(wealth: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Number of observations after which the claim is rejected; infinite where it is not.

    Args:
        wealth: See `mixture_wealth`, shape (..., n).
        alpha: Chance of rejecting a true claim.

    Returns:
        Shape (...).
    """
    if wealth.shape[-1] == 0:
        return np.full(wealth.shape[:-1], np.inf)
    rejected = wealth >= limit(alpha)
    return np.where(rejected.any(axis=-1), rejected.argmax(axis=-1) + 1.0, np.inf)


def lower_bound(
    x: NDArray[np.float64],
    alpha: float,
    stakes: Sequence[float] | NDArray[np.float64] = STAKES,
) -> float:
    """A bound below which the mean lies with a chance of at most alpha, whenever one looks.

    Args:
        x: Observations in [0, 1], in their order, shape (n,).
        alpha: That chance.
        stakes: See `mixture_wealth`.

    Returns:
        The largest claim that was rejected at any time until now, to 0.0001; 0 where none was.
    """
    low, high = 0.0, 1.0
    # the wealth falls with the claim, so the rejected claims are an interval from 0 on
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if mixture_wealth(x, middle, stakes).max(initial=-np.inf) >= limit(alpha):
            low = middle
        else:
            high = middle
    return low


def _check(
    x: NDArray[np.float64],
    mean: NDArray[np.float64],
    stakes: Sequence[float] | NDArray[np.float64],
) -> None:
    if not len(stakes) or min(stakes) < 0 or max(stakes) >= 1:
        raise ConfigError(f"expected stakes in [0, 1), got {list(stakes)}")
    if mean.min(initial=1) <= 0 or mean.max(initial=0) > 1:
        raise ConfigError(f"expected a mean above 0 and at most 1, got {mean}")
    if x.min(initial=0) < 0 or x.max(initial=1) > 1:
        raise ConfigError(
            f"expected observations in [0, 1], got {x.min()} to {x.max()}; scale them"
        )
