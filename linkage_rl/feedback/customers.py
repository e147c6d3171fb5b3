"""Which customers a shared policy may learn from: those whose verdicts do not contradict others'.

Customers may have conventions of their own; one wants companies that moved away left unlinked,
others want them linked. What is learned from the verdicts of one must not make the policy worse on
the clients of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.learning import LearningConfig, learn, verdict_losses

MIN_VERDICTS: Final = 10
"""A customer with fewer says too little to contradict anyone."""
_SURE: Final = 3.0
"""Standard errors by which the loss of the others must rise."""
_LEAST_HARM: Final = 0.01
"""Rise of the mean loss, in nats, below which nothing is made of it."""


@dataclass(frozen=True)
class Odd:
    """A customer whose verdicts contradict those of the others."""

    customer: str
    verdicts: int
    harm: float
    """Rise of the others' mean loss once these verdicts are learned, in nats."""


def contradicting(
    start: CandidateScorer,
    judged: Judged,
    customers: Sequence[str],
    config: LearningConfig,
    seed: int,
) -> list[Odd]:
    """The customers to leave out, the most harmful first.

    Each customer's verdicts are learned alone from the start. If the result explains the verdicts
    of the remaining customers significantly worse than the start does, the customer contradicts
    them; the one that harms most is left out, and the rest are compared again.

    Args:
        start: What the shared policy learns from.
        judged: N verdicts.
        customers: Customer of each.
        config: How verdicts are learned.
        seed: Of the learning.
    """
    owner = np.asarray(customers, dtype=object)
    names = [name for name in dict.fromkeys(customers) if (owner == name).sum() >= MIN_VERDICTS]
    if len(set(customers)) < 2:
        return []
    before = verdict_losses(start, judged, config)
    rises = {}
    for name in names:
        own = learn(start, judged.take(np.flatnonzero(owner == name)), config, seed)
        rises[name] = verdict_losses(own, judged, config) - before
    return _left_out(rises, owner)


def _left_out(rises: dict[str, NDArray[np.float64]], owner: NDArray[np.object_]) -> list[Odd]:
    """Leave out the most harmful customer until nobody harms the rest."""
    odd: list[Odd] = []
    kept = np.ones(len(owner), dtype=np.bool_)
    while True:
        harms = {
            name: rise[kept & (owner != name)]
            for name, rise in rises.items()
            if (kept & (owner != name)).any() and (kept & (owner == name)).any()
        }
        sure = {name: float(harm.mean()) for name, harm in harms.items() if _is_sure(harm)}
        if not sure:
            return odd
        worst = max(sure, key=lambda name: sure[name])
        odd.append(Odd(worst, int((owner == worst).sum()), sure[worst]))
        kept &= owner != worst


def _is_sure(rise: NDArray[np.float64]) -> bool:
    mean = float(rise.mean())
    error = float(rise.std(ddof=1)) / np.sqrt(len(rise)) if len(rise) > 1 else np.inf
    return mean > _LEAST_HARM and mean > _SURE * error
