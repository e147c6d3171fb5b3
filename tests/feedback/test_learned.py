"""What a bundle learned: start or nothing, calibration, threshold, answers."""

import numpy as np
import pytest
import torch

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.feedback.learned import (
    answers_of,
    confidence_of,
    learn_policy,
    nothing_is_better,
    towards_identity,
)
from linkage_rl.feedback.learning import LearningConfig, learn
from tests.feedback.test_learning import cases, full_verdicts, scorer, share_right

CONFIG = LearningConfig(min_updates=150, max_updates=150)
GOOD = learn(scorer(), full_verdicts(600, seed=3), LearningConfig(half_step=0), seed=1)


def test_a_good_start_is_never_dropped() -> None:
    assert not nothing_is_better(GOOD, full_verdicts(150), CONFIG, seed=1)


def test_a_start_that_knows_the_opposite_is_dropped() -> None:
    """Its links rank candidates by falling first feature."""
    opposite = learn(scorer(), full_verdicts(600, seed=3), LearningConfig(half_step=0), seed=1)
    with torch.no_grad():
        opposite.link.weight.mul_(-20.0)

    assert nothing_is_better(opposite, full_verdicts(300), LearningConfig(max_updates=200), seed=1)


def test_few_verdicts_never_drop_the_start() -> None:
    assert not nothing_is_better(scorer(), full_verdicts(99), CONFIG, seed=1)


def test_half_of_the_way_calibration_is_half_as_far_from_identity() -> None:
    """0.4 was mapped to 0.8: half-way it is 0.6."""
    calibration = Calibration(np.array([0.0, 0.4, 1.0]), np.array([0.0, 0.8, 1.0]))

    mixed = towards_identity(calibration, 0.5)

    assert mixed.apply(np.array([0.4])) == pytest.approx([0.6])
    assert towards_identity(calibration, 1.0).apply(np.array([0.4])) == pytest.approx([0.4])


def test_clients_without_candidates_have_no_confidence_and_no_link() -> None:
    logged = cases(2)
    logged.filled[1] = 0
    identity = Calibration.identity()

    confidence = confidence_of(GOOD, identity, logged)
    answers = answers_of(GOOD, identity, Thresholds(0.0), logged)

    assert confidence[0] > 0
    assert confidence[1] == 0
    assert answers[0] >= 0
    assert answers[1] == -1


def test_the_threshold_is_chosen_on_unlabelled_clients_or_kept() -> None:
    given = (GOOD, full_verdicts(19), cases(400, seed=5), Calibration.identity())

    chosen = learn_policy(*given, Thresholds(0.99), CONFIG, seed=1)
    kept = learn_policy(*given, Thresholds(0.99), CONFIG, seed=1, keeps_thresholds=True)

    assert 0.2 < chosen.thresholds.link < 0.8
    assert kept.thresholds == Thresholds(0.99)
    assert chosen.step_share == pytest.approx(19 / 219)
    assert share_right(chosen.scorer) > 0.85
    assert (chosen.answers(cases(50, seed=6)) >= 0).any()


def test_reviews_stay_below_the_new_threshold() -> None:
    given = (GOOD, full_verdicts(10), cases(200, seed=5), Calibration.identity())

    learned = learn_policy(*given, Thresholds(0.99, review=0.9), CONFIG, seed=1)

    assert learned.thresholds.review == learned.thresholds.link
