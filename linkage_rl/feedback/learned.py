"""A policy learned from verdicts: its scorer, its calibration, its threshold.

Verdicts improve the policy that a bundle began with. Where that one knows less than the verdicts
alone teach, as one of another country's names may, it is dropped: both are learned from one half of
the verdicts and judged on the other.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.conventions import fitting_config
from linkage_rl.feedback.learning import (
    LearningConfig,
    learn,
    learn_from_nothing,
    verdict_losses,
)
from linkage_rl.feedback.scoring import answer_shares, best_slots
from linkage_rl.feedback.thresholds import expected_f1_threshold

MIN_TO_DROP: Final = 100
"""Verdicts from which on the start is compared with learning from nothing."""
_SURE: Final = 2.0
"""Standard errors by which learning from nothing must be better."""
_PROBE_UPDATES: Final = 40
"""Gradient steps of each comparison, at most."""
_NEVER: Final = 1.1


@dataclass(frozen=True, eq=False)
class Learned:
    """What a bundle learned from verdicts decides with."""

    scorer: CandidateScorer
    calibration: Calibration
    thresholds: Thresholds
    from_nothing: bool
    """Whether the start was dropped."""
    step_share: float
    """Part of the way from the start that was gone; 1 from nothing."""

    def answers(self, cases: LoggedCases) -> NDArray[np.int64]:
        """The slot that each client is linked to, -1 for no match or review; shape (N,)."""
        return answers_of(self.scorer, self.calibration, self.thresholds, cases)


def learn_policy(
    start: CandidateScorer,
    judged: Judged,
    clients: LoggedCases,
    calibration: Calibration,
    thresholds: Thresholds | None,
    config: LearningConfig,
    seed: int,
    keeps_thresholds: bool = False,
) -> Learned:
    """Learn verdicts.

    Args:
        start: The scorer from which verdicts are learned.
        judged: All verdicts, at least one.
        clients: Clients of the list, judged or not, on which the threshold is chosen.
        calibration: Of the start.
        thresholds: Of the bundle so far; None where the policy decided by itself.
        config: How to learn, where the verdicts do not contradict the start (`conventions`).
        seed: Decides the order of the verdicts.
        keeps_thresholds: Whether the thresholds stay as they are.
    """
    config = fitting_config(start, judged, config, seed)
    dropped = nothing_is_better(start, judged, config, seed)
    share = 1.0 if dropped else config.step_share(judged.effective_size)
    teach = learn_from_nothing if dropped else learn
    scorer = teach(start, judged, config, seed)
    mixed = towards_identity(calibration, share)
    if not keeps_thresholds or thresholds is None:
        probability = confidence_of(scorer, mixed, clients)
        thresholds = _with_link(thresholds, expected_f1_threshold(probability))
    return Learned(scorer, mixed, thresholds, dropped, share)


def nothing_is_better(
    start: CandidateScorer, judged: Judged, config: LearningConfig, seed: int
) -> bool:
    """Whether verdicts alone teach a better policy than the start with them does.

    Two-fold cross-fitting: each half of the verdicts is explained by what was learned from the
    other one, and learning from nothing must be better by two standard errors.
    """
    if len(judged) < MIN_TO_DROP:
        return False
    config = replace(
        config,
        min_updates=min(config.min_updates, _PROBE_UPDATES),
        max_updates=min(config.max_updates, _PROBE_UPDATES),
    )
    fold = np.random.default_rng(seed).permutation(len(judged)) % 2
    gains = []
    for half in (0, 1):
        given, held_out = judged.take(fold == half), judged.take(fold != half)
        nothing = learn_from_nothing(start, given, config, seed)
        fall = verdict_losses(start, held_out, config) - verdict_losses(nothing, held_out, config)
        if fall.mean() <= 0:
            # even the untouched start is better, as good ones are: no need to tune it
            return False
        tuned = learn(start, given, config, seed)
        gains.append(
            verdict_losses(tuned, held_out, config) - verdict_losses(nothing, held_out, config)
        )
    gain = np.concatenate(gains)
    return bool(gain.mean() > _SURE * gain.std(ddof=1) / np.sqrt(len(gain)))


def towards_identity(calibration: Calibration, share: float) -> Calibration:
    """The calibration this share of the way to leaving confidence as it is.

    The likelihood teaches probabilities: the more a scorer has learned by it, the less its
    confidence has to be mapped.
    """
    scores = np.union1d(calibration.scores, [0.0, 1.0])
    mapped = np.interp(scores, calibration.scores, calibration.probabilities)
    probabilities = (1 - share) * mapped + share * np.clip(scores, 0, 1)
    return Calibration(scores, np.clip(probabilities, 0.0, 1.0))


def confidence_of(
    scorer: CandidateScorer, calibration: Calibration, cases: LoggedCases
) -> NDArray[np.float32]:
    """Calibrated confidence in the best candidate of each client, 0 without one; shape (N,)."""
    _, raw, tied = best_slots(answer_shares(scorer, cases), cases)
    mapped = calibration.apply(raw) / tied
    return np.where(cases.filled > 0, mapped, 0).astype(np.float32)


def answers_of(
    scorer: CandidateScorer,
    calibration: Calibration,
    thresholds: Thresholds | None,
    cases: LoggedCases,
) -> NDArray[np.int64]:
    """The slot that each client is linked to, -1 for no match or review; shape (N,).

    Args:
        scorer: The scorer.
        calibration: Of its confidence.
        thresholds: None takes the answer with the largest share.
        cases: The clients.
    """
    shares = answer_shares(scorer, cases)
    slot, raw, tied = best_slots(shares, cases)
    if thresholds is None:
        links = shares[np.arange(len(slot)), slot] > shares[:, -1]
    else:
        links = calibration.apply(raw) / tied >= thresholds.link
    return np.where(links & (cases.filled > 0), slot, -1)


def _with_link(thresholds: Thresholds | None, link: float) -> Thresholds:
    """A new threshold of links; that of reviews stays, below it."""
    review = _NEVER if thresholds is None else thresholds.review
    return Thresholds(link, review if review > 1 else min(review, link))
