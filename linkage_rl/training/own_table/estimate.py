"""Estimates how often each kind of drawn client occurs in a list, by MAP-EM over patterns.

Each component of the drawn clients has its own distribution over the patterns of cases. The list
is taken for a mixture of them, and the weights with the highest posterior are found by expectation
maximisation (Dempster, Laird and Rubin 1977) with a Dirichlet prior at the first rates. Without the
prior the weights collapse where components cannot be told apart, such as a renamed company that
moved and one without a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.training.own_table.components import Component

_SMOOTHING: Final = 10.0
"""Clients by which every component is smoothed, so that a pattern that none of its clients showed
rules it out for no client of the list."""
_ITERATIONS: Final = 200
_LEAST_PRIOR: Final = 50.0
"""Weight of the first rates at least, in clients: a list of ten says little."""


@dataclass(frozen=True)
class Estimate:
    """What a list says of the drawn clients."""

    rates: Mapping[Component, float]
    """Estimated share of each component; they add up to 1."""
    unseen_share: float
    """Share of the list's clients whose pattern no drawn client has, in [0, 1]."""


def estimate(
    drawn: NDArray[np.int64],
    component: NDArray[np.int64],
    components: tuple[Component, ...],
    listed: NDArray[np.int64],
    prior: float,
) -> Estimate:
    """Rates of the components in a list.

    Args:
        drawn: Pattern of each of N drawn clients, shape (N,).
        component: Position in `components` of each, shape (N,).
        components: The C components.
        listed: Pattern of each of M clients of the list, shape (M,).
        prior: Weight of the shares among the drawn clients, in clients per client of the list; at
            least 50 clients.
    """
    first = np.bincount(component, minlength=len(components)) / len(component)
    known, place = np.unique(np.concatenate([drawn, listed]), return_inverse=True)
    of_drawn, of_listed = place[: len(drawn)], place[len(drawn) :]
    counts = np.zeros((len(components), len(known)))
    np.add.at(counts, (component, of_drawn), 1)
    in_list = np.bincount(of_listed, minlength=len(known)).astype(np.float64)
    # what no drawn client shows is spread as in the list
    base = counts.sum(axis=0) + in_list * len(drawn) / len(listed)
    smoothed = counts + _SMOOTHING * base / base.sum()
    likelihood = smoothed / smoothed.sum(axis=1, keepdims=True)
    weights, first_clients = first, max(prior * len(listed), _LEAST_PRIOR) * first
    for _ in range(_ITERATIONS):
        posterior = weights[:, None] * likelihood
        posterior /= np.maximum(posterior.sum(axis=0, keepdims=True), 1e-300)
        weights = posterior @ in_list + first_clients
        weights = weights / weights.sum()
    return Estimate(
        dict(zip(components, weights.tolist(), strict=True)),
        float((counts.sum(axis=0)[of_listed] == 0).mean()),
    )
