"""Verdicts that contradict a policy are learned boldly, others with care."""

import numpy as np
import pytest

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.feedback.answers import Judged, judged
from linkage_rl.feedback.conventions import MIN_VERDICTS, bold, fitting_config
from linkage_rl.feedback.learning import LearningConfig, learn, learn_from_nothing
from linkage_rl.feedback.scoring import answer_shares
from tests.feedback.test_learning import cases, full_verdicts, right_answers, scorer

CONFIG = LearningConfig(min_updates=60, max_updates=60)


@pytest.fixture(scope="module")
def start() -> CandidateScorer:
    """A policy that knows the convention of everyone."""
    return learn_from_nothing(scorer(), full_verdicts(300), LearningConfig(), seed=0)


def verdicts_of_a_customer(number: int) -> Judged:
    """Only candidates whose second feature is above 0.5 are the same company to the customer."""
    logged = cases(number, seed=5)
    allowed = right_answers(logged)
    is_other = np.ones_like(allowed)
    is_other[:, :-1] = logged.candidates[:, :, 1] < 0.5
    unlinked = (allowed & is_other).any(axis=1)
    allowed[unlinked] = np.arange(allowed.shape[1]) == allowed.shape[1] - 1
    return judged(logged, allowed)[0]


def test_another_convention_is_learned_boldly(start: CandidateScorer) -> None:
    theirs, held_out = verdicts_of_a_customer(60), verdicts_of_a_customer(600)

    config = fitting_config(start, theirs, CONFIG, seed=0)

    assert config == bold(CONFIG)
    assert config.step_share(60) == 1.0
    assert share_allowed(learn(start, theirs, config, 0), held_out) > share_allowed(
        learn(start, theirs, CONFIG, 0), held_out
    )


def test_the_convention_that_is_known_is_learned_with_care(start: CandidateScorer) -> None:
    assert fitting_config(start, full_verdicts(60, seed=3), CONFIG, seed=0) == CONFIG


def test_a_handful_of_verdicts_is_learned_with_care(start: CandidateScorer) -> None:
    few = verdicts_of_a_customer(MIN_VERDICTS - 1)

    assert fitting_config(start, few, CONFIG, seed=0) == CONFIG


def share_allowed(of: CandidateScorer, verdicts: Judged) -> float:
    chosen = answer_shares(of, verdicts.cases).argmax(axis=1)
    return float(verdicts.allowed[np.arange(len(verdicts)), chosen].mean())
