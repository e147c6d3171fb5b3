import numpy as np
import pytest

from linkage_rl.agents.baselines import TopOne
from linkage_rl.agents.plans import plan_reward, static_plan
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights, decision_rewards
from tests.cases_factory import (
    DRAWN_VIEW,
    Candidate,
    Client,
    synthetic_cases,
    typed_cases,
)

VIEW = View(2, (0.01, 0.05))


def test_the_reward_of_a_plan_is_what_its_decisions_earn() -> None:
    cases = synthetic_cases(100, np.random.default_rng(0))
    weights = RewardWeights()

    decider = Decider(TopOne(), DRAWN_VIEW, plan=(2, 1))
    decisions = decider.decide(PreparedPool(cases, DRAWN_VIEW), len(cases))

    assert plan_reward(TopOne(), 0b110, cases, DRAWN_VIEW, weights) == pytest.approx(
        float(decision_rewards(decisions, cases, weights).mean()), abs=1e-6
    )


def test_the_static_plan_leaves_out_a_blocker_that_does_not_pay() -> None:
    found_by_both = Client([Candidate("a", 0b11, 0.9, right=True)])
    cases = typed_cases([found_by_both] * 3)

    assert static_plan(TopOne(), cases, VIEW, RewardWeights()) == (0,)


def test_the_static_plan_finds_a_pair_that_no_single_blocker_suggests() -> None:
    """Each single blocker shows a wrong company first; with both, the right one comes first."""
    cases = typed_cases(
        [
            Client([Candidate("a", 0b11, 0.9, right=True)]),
            Client([Candidate("b", 0b10, 0.9, right=True), Candidate("c", 0b01, 0.8)]),
            Client([Candidate("d", 0b01, 0.9, right=True), Candidate("e", 0b10, 0.8)]),
        ]
    )

    assert static_plan(TopOne(), cases, VIEW, RewardWeights()) == (0, 1)


def test_running_nothing_is_a_plan_too() -> None:
    cases = typed_cases([Client([Candidate("a", 0b11, 0.9)], has_row=False)] * 2)

    assert static_plan(TopOne(), cases, VIEW, RewardWeights()) == ()
