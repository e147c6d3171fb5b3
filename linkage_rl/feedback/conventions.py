"""How far verdicts may move a policy: with care, or boldly where they contradict what it knows.

Few verdicts must not move a good policy far. A customer with another convention, for whom a company
that has moved is another one, contradicts the policy with every tenth verdict: there care would
leave it as wrong as it was. Both ways of learning are tried on one half of the verdicts and judged
on the other.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.learning import LearningConfig, learn, verdict_losses

MIN_VERDICTS: Final = 20
"""Fewer cannot tell a convention from chance."""
MOST_VERDICTS: Final = 100
"""Verdicts that are looked at, at most: more cost time and say no more."""
_BOLD_UPDATES: Final = 150
"""Gradient steps of bold learning, at least: with 60, or with larger steps, it misses the
convention of every third customer with 30 verdicts."""
_SURE: Final = 2.0
"""Standard errors by which learning boldly must be better."""


def bold(config: LearningConfig) -> LearningConfig:
    """Learning that goes all the way, in more steps, hardly held at the start."""
    return replace(
        config,
        prior=1.0,
        half_step=0.0,
        min_updates=max(config.min_updates, _BOLD_UPDATES),
        max_updates=max(config.max_updates, _BOLD_UPDATES),
    )


def fitting_config(
    start: CandidateScorer, judged: Judged, config: LearningConfig, seed: int
) -> LearningConfig:
    """The given way of learning, or the bold one where that explains unseen verdicts better.

    Two-fold cross-fitting on at most `MOST_VERDICTS` verdicts; the bold way must be better by two
    standard errors.

    Args:
        start: The scorer from which verdicts are learned.
        judged: The verdicts.
        config: How to learn with care.
        seed: Of the halves and of the learning.
    """
    if len(judged) < MIN_VERDICTS:
        return config
    some = np.random.default_rng(seed).permutation(len(judged))[:MOST_VERDICTS]
    half, gains = len(some) // 2, []
    for given, held_out in ((some[:half], some[half:]), (some[half:], some[:half])):
        shown, unseen = judged.take(given), judged.take(held_out)
        boldly = verdict_losses(learn(start, shown, bold(config), seed), unseen, config)
        if (verdict_losses(start, unseen, config) - boldly).mean() <= 0:
            # it does not even improve the start, as with most verdicts: no need to try with care
            return config
        with_care = verdict_losses(learn(start, shown, config, seed), unseen, config)
        gains.append(with_care - boldly)
    gain = np.concatenate(gains)
    sure = gain.mean() > _SURE * gain.std(ddof=1) / np.sqrt(len(gain))
    return bold(config) if sure else config
