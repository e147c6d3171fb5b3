"""Which customers a shared policy may learn from: those whose verdicts do not contradict others'.

Customers may have conventions of their own; one wants companies that moved away left unlinked,
others want them linked. What is learned from the verdicts of one must not make the policy worse on
the clients of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.learning import LearningConfig, learn, verdict_losses

MIN_VERDICTS: Final = 10
"""A customer with fewer says too little to contradict anyone."""
_HARMFUL: Final = 3.0
"""Standard errors by which the loss of the others must rise."""
_HELPFUL: Final = 2.0
"""Standard errors by which the loss of a customer's other half must fall."""
_LEAST: Final = 0.01
"""Change of the mean loss, in nats, below which nothing is made of it."""


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

    A customer has a convention of their own if one half of their verdicts, learned alone,
    significantly helps to explain the other half. It contradicts the others if what was learned
    explains their verdicts significantly worse than the start does. The customer who harms most is
    left out, and the rest are compared again.

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
    whole_way = replace(config, half_step=0.0)
    rises = {}
    for name in names:
        rows = np.flatnonzero(owner == name)
        if _has_convention(start, judged.take(rows), whole_way, seed):
            own = learn(start, judged.take(rows), whole_way, seed)
            rises[name] = verdict_losses(own, judged, config) - before
    return _left_out(rises, owner)


def _has_convention(
    start: CandidateScorer, judged: Judged, config: LearningConfig, seed: int
) -> bool:
    """Whether half of a customer's verdicts help to explain the other half."""
    fold = np.random.default_rng(seed).permutation(len(judged)) % 2
    falls = []
    for half in (0, 1):
        held_out = judged.take(fold != half)
        tuned = learn(start, judged.take(fold == half), config, seed)
        falls.append(
            verdict_losses(start, held_out, config) - verdict_losses(tuned, held_out, config)
        )
    return _is_sure(np.concatenate(falls), _HELPFUL)


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
        sure = {
            name: float(harm.mean()) for name, harm in harms.items() if _is_sure(harm, _HARMFUL)
        }
        if not sure:
            return odd
        worst = max(sure, key=lambda name: sure[name])
        odd.append(Odd(worst, int((owner == worst).sum()), sure[worst]))
        kept &= owner != worst


def _is_sure(change: NDArray[np.float64], errors: float) -> bool:
    """Whether a mean is above 0 by this many standard errors, and not tiny."""
    mean = float(change.mean())
    error = float(change.std(ddof=1)) / np.sqrt(len(change)) if len(change) > 1 else np.inf
    return mean > _LEAST and mean > errors * error
