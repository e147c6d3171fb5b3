from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.decision.episode import ActionLayout
from linkage_rl.decision.rewards import (
    TERMS,
    Outcome,
    RewardWeights,
    decision_outcomes,
    decision_rewards,
    outcomes,
)
from linkage_rl.errors import ConfigError
from linkage_rl.records import DecisionKind, Decisions
from tests.cases_factory import two_clients

WEIGHTS = [
    RewardWeights(),
    RewardWeights(wrong_link=-9.0),
    RewardWeights(correct_reject=0.0, missed_link=-1.0, review=-0.2),
    RewardWeights(correct_link=2.0, wrong_link=-1.0, review=0.9),
]


def best_action(weights: RewardWeights, p: float, allow_review: bool) -> str:
    value = {
        "link": p * weights.correct_link + (1 - p) * weights.wrong_link,
        "no_match": p * weights.missed_link + (1 - p) * weights.correct_reject,
    }
    if allow_review:
        value["review"] = weights.review
    return max(value, key=lambda action: value[action])


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("allow_review", [False, True])
def test_break_even_is_where_the_best_decision_by_brute_force_changes(
    weights: RewardWeights, allow_review: bool
) -> None:
    even = weights.break_even(allow_review)

    for p in np.linspace(0.0005, 0.9995, 1000):
        action = best_action(weights, float(p), allow_review)
        expected = "link" if p > even.link else "no_match" if p < even.no_match else "review"
        assert action == expected, p


def test_amounts_in_yen_become_units_of_one_correct_link() -> None:
    weights = RewardWeights.from_costs(
        link_value=200, wrong_link_cost=800, missed_link_cost=100, reject_value=100, review_cost=180
    )

    assert weights.review == pytest.approx(0.1)
    assert replace(weights, review=0.1) == RewardWeights()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"wrong_link": 2.0}, "wrong_link"),
        ({"missed_link": 0.6}, "missed_link"),
        ({"illegal": 0.1}, "illegal"),
        ({"blocker_cost_scale": -1.0}, "blocker_cost_scale"),
    ],
)
def test_weights_that_reward_mistakes_are_refused(changes: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        RewardWeights(**changes)


def test_costs_need_a_positive_value_of_a_link() -> None:
    with pytest.raises(ConfigError, match="link_value above 0, got 0"):
        RewardWeights.from_costs(0, 1, 1, 1, 1)


def test_each_stop_has_its_outcome() -> None:
    layout = ActionLayout(slots=2, blockers=1)
    action = np.array([0, 1, 2, 2, 3, -1])
    right = np.array([True, False, False, False, False, False])
    has_row = np.array([True, True, False, True, True, True])

    found = outcomes(layout, action, right, has_row)

    assert [Outcome(int(code)) for code in found] == [
        Outcome.CORRECT_LINK,
        Outcome.WRONG_LINK,
        Outcome.CORRECT_REJECT,
        Outcome.MISSED_LINK,
        Outcome.REVIEW,
        Outcome.RUNNING,
    ]


def test_terms_and_outcomes_share_their_order() -> None:
    assert [outcome.name.lower() for outcome in list(Outcome)[1:]] == list(TERMS[:5])


def test_decisions_earn_their_outcome_less_the_scaled_cost() -> None:
    cases = two_clients()
    decisions = Decisions(
        kind=np.array([DecisionKind.LINK, DecisionKind.NO_MATCH], dtype=np.int8),
        candidate=np.array([1, 2]),
        confidence=np.array([0.9, 0.2], dtype=np.float32),
        tied=np.ones(2, dtype=np.int16),
        ran=np.array([0b10, 0b01], dtype=np.uint16),
        cost=np.array([0.03, 0.01], dtype=np.float32),
    )

    earned = decision_rewards(decisions, cases, RewardWeights(blocker_cost_scale=2.0))

    assert decision_outcomes(decisions, cases).tolist() == [
        Outcome.CORRECT_LINK,
        Outcome.CORRECT_REJECT,
    ]
    assert earned == pytest.approx([1.0 - 0.06, 0.5 - 0.02])
