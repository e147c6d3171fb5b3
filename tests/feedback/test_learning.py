"""Learning from verdicts, on cases small enough to read."""

import numpy as np
import pytest
import torch

from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.feedback.answers import Judged, Says, allowed_answers, judged
from linkage_rl.feedback.learning import (
    LearningConfig,
    between,
    learn,
    learn_from_nothing,
    verdict_losses,
)
from linkage_rl.feedback.scoring import answer_shares, best_slots
from linkage_rl.feedback.thresholds import expected_f1_threshold

CONFIG = LearningConfig()
SHAPE = ScorerConfig(features=3, query=1, blockers=1)


def scorer(seed: int = 0) -> CandidateScorer:
    return CandidateScorer(SHAPE, torch.Generator().manual_seed(seed))


def cases(number: int, seed: int = 0, slots: int = 3) -> LoggedCases:
    """Clients with three candidates each, features drawn evenly."""
    rng = np.random.default_rng(seed)
    return LoggedCases(
        rng.random((number, slots, 3), dtype=np.float32),
        np.zeros((number, 1), dtype=np.float32),
        np.ones((number, 3), dtype=np.float32),
        np.tile(np.arange(slots, dtype=np.int8), (number, 1)),
        np.full(number, slots),
    )


def right_answers(of: LoggedCases) -> np.ndarray:
    """The candidate with the highest first feature, where that is above 0.5; else no match."""
    first = of.candidates[:, :, 0]
    allowed = np.zeros((len(of), first.shape[1] + 1), dtype=np.bool_)
    best = np.where(first.max(axis=1) > 0.5, first.argmax(axis=1), first.shape[1])
    allowed[np.arange(len(of)), best] = True
    return allowed


def full_verdicts(number: int, seed: int = 0) -> Judged:
    logged = cases(number, seed)
    return judged(logged, right_answers(logged))[0]


def share_right(of: CandidateScorer) -> float:
    held_out = cases(2_000, seed=99)
    chosen = answer_shares(of, held_out).argmax(axis=1)
    return float(right_answers(held_out)[np.arange(2_000), chosen].mean())


def test_each_verdict_leaves_the_answers_that_it_says() -> None:
    logged = cases(5)
    says = np.array(
        [Says.RIGHT, Says.WRONG, Says.NO_COMPANY, Says.SOME_COMPANY, Says.NOT_SHOWN], dtype=np.int8
    )
    named = np.zeros((5, 3), dtype=np.bool_)
    named[:2, 0] = True

    allowed = allowed_answers(logged, says, named, shown=2)

    assert allowed.astype(int).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 1],
        [0, 0, 0, 1],
        [1, 1, 1, 0],
        [0, 0, 1, 1],
    ]


def test_empty_slots_are_never_possible() -> None:
    logged = cases(1)
    logged.filled[0] = 1

    allowed = allowed_answers(
        logged, np.array([Says.WRONG], dtype=np.int8), np.eye(1, 3, dtype=np.bool_), shown=3
    )

    assert allowed.tolist() == [[False, False, False, True]]


def test_verdicts_that_leave_everything_possible_are_left_out() -> None:
    logged = cases(3)
    says = np.array([Says.NOTHING, Says.WRONG, Says.RIGHT], dtype=np.int8)
    named = np.zeros((3, 3), dtype=np.bool_)
    named[2, 1] = True

    learned, rows = judged(logged, allowed_answers(logged, says, named, shown=3))

    assert rows.tolist() == [2]
    assert len(learned) == 1


def test_no_verdicts_change_nothing() -> None:
    start = scorer()
    none = full_verdicts(4).take(np.zeros(0, dtype=np.int64))

    learned = learn(start, none, CONFIG, seed=1)

    for before, after in zip(start.parameters(), learned.parameters(), strict=True):
        assert torch.equal(before, after)


def test_verdicts_teach_and_equal_seeds_agree() -> None:
    start = scorer()
    verdicts = full_verdicts(600)

    learned, again = learn(start, verdicts, CONFIG, seed=1), learn(start, verdicts, CONFIG, seed=1)

    assert share_right(learned) > share_right(start) + 0.2
    assert torch.equal(learned.link.weight, again.link.weight)
    # what a policy prefers of blockers is no part of a verdict
    assert torch.equal(start.gain[2].weight, learned.gain[2].weight)  # type: ignore[arg-type]


def test_rejects_alone_teach_what_is_right() -> None:
    """Every reject leaves three of four answers; together they single one out."""
    logged = cases(1_500)
    shown = np.random.default_rng(5).integers(0, 3, 1_500)
    right = right_answers(logged)
    was_right = right[np.arange(1_500), shown]
    named = np.eye(3, dtype=np.bool_)[shown]
    says = np.where(was_right, Says.RIGHT, Says.WRONG).astype(np.int8)
    answers = judged(logged, allowed_answers(logged, says, named, shown=3))[0]

    learned = learn(scorer(), answers, CONFIG, seed=1)

    assert share_right(learned) > 0.75


def test_two_hundred_verdicts_go_half_of_the_way() -> None:
    assert CONFIG.step_share(0) == 0
    assert CONFIG.step_share(200) == 0.5
    start, end = scorer(0), scorer(1)

    half = between(start, end, 0.5)

    expected = (start.link.weight + end.link.weight) / 2
    assert torch.allclose(half.link.weight, expected)


def test_weights_of_verdicts_shrink_their_number() -> None:
    """One verdict of weight 3 and three of weight 1: 6 squared / 12 = 3 equal verdicts."""
    verdicts = full_verdicts(4)
    weighted = Judged(verdicts.cases, verdicts.allowed, np.array([3, 1, 1, 1], dtype=np.float32))

    assert verdicts.effective_size == 4
    assert weighted.effective_size == pytest.approx(3)


def test_nothing_learns_from_many_verdicts() -> None:
    assert share_right(learn_from_nothing(scorer(), full_verdicts(1_000), CONFIG, 1)) > 0.85


def test_slips_bound_the_loss() -> None:
    """With 2 % slips, no verdict costs more than -log(0.02)."""
    losses = verdict_losses(scorer(), full_verdicts(50), CONFIG)

    assert (losses > 0).all()
    assert losses.max() <= -np.log(0.02)


def test_confidence_adds_the_shares_of_tied_candidates() -> None:
    logged = cases(1)
    logged.ties[0] = [0, 0, 2]
    shares = np.array([[0.4, 0.3, 0.1, 0.2]], dtype=np.float32)

    slot, confidence, tied = best_slots(shares, logged)

    assert (slot.tolist(), tied.tolist()) == ([0], [2])
    assert confidence == pytest.approx([0.7])


def test_the_threshold_lies_where_expected_f1_is_highest() -> None:
    """Linking two: 2 * 1.7 / (2 + 1.8) = .89; all three: 2 * 1.8 / (3 + 1.8) = .75."""
    confidence = np.array([0.1, 0.9, 0.8])

    assert expected_f1_threshold(confidence, best_is_right=1.0) == pytest.approx(0.45)
