"""A shared policy learns from customers whose conventions agree."""

import numpy as np

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.feedback.answers import Judged, judged
from linkage_rl.feedback.customers import contradicting
from linkage_rl.feedback.learning import LearningConfig, learn
from linkage_rl.feedback.scoring import answer_shares
from tests.feedback.test_learning import cases, right_answers, scorer

CONFIG = LearningConfig(min_updates=120, max_updates=120)
MOVED = 2
"""Feature that is high where a company has moved."""


def verdicts(number: int, seed: int, links_moved: bool) -> Judged:
    """The right answer is the candidate with the highest first feature; for a customer who wants
    moved companies unlinked, no match where that one has moved."""
    logged = cases(number, seed)
    allowed = right_answers(logged)
    if not links_moved:
        best = logged.candidates[:, :, 0].argmax(axis=1)
        moved = logged.candidates[np.arange(number), best, MOVED] > 0.5
        allowed[moved] = np.arange(4) == 3
    return judged(logged, allowed)[0]


def together(*parts: Judged) -> Judged:
    first = parts[0].cases
    columns = {
        name: np.concatenate([getattr(part.cases, name) for part in parts]) for name in vars(first)
    }
    return Judged(
        type(first)(**columns),
        np.concatenate([part.allowed for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def agreeing_start() -> CandidateScorer:
    """A policy that links as most customers want."""
    return learn(scorer(), verdicts(600, 7, links_moved=True), LearningConfig(), seed=1)


START = agreeing_start()


def test_the_customer_who_wants_moved_companies_unlinked_is_left_out() -> None:
    odd_one = verdicts(40, 1, links_moved=False)
    others = [verdicts(60, seed, links_moved=True) for seed in (2, 3)]
    names = ["odd"] * 40 + ["a"] * 60 + ["b"] * 60

    found = contradicting(START, together(odd_one, *others), names, CONFIG, seed=1)

    assert [(one.customer, one.verdicts) for one in found] == [("odd", 40)]
    assert found[0].harm > 0.01


def test_customers_who_agree_are_all_learned_from() -> None:
    parts = [verdicts(60, seed, links_moved=True) for seed in (1, 2, 3)]
    names = ["a"] * 60 + ["b"] * 60 + [""] * 60

    assert contradicting(START, together(*parts), names, CONFIG, seed=1) == []


def test_one_customer_alone_contradicts_nobody() -> None:
    assert contradicting(START, verdicts(30, 1, False), ["a"] * 30, CONFIG, seed=1) == []


def test_thirty_verdicts_teach_a_customer_their_own_convention() -> None:
    """And the shared policy stays as it is."""
    held_out = verdicts(1_000, 50, links_moved=False)

    own = learn(START, verdicts(30, 1, links_moved=False), LearningConfig(half_step=0), seed=1)

    def right(policy: CandidateScorer) -> float:
        chosen = answer_shares(policy, held_out.cases).argmax(axis=1)
        return float(held_out.allowed[np.arange(1_000), chosen].mean())

    before = right(START)
    assert right(own) > before + 0.1
    assert right(START) == before
