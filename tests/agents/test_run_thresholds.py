"""Run thresholds of the blockers, on cases whose best plan can be worked out by hand."""

import numpy as np
import pytest
import torch

from linkage_rl.agents.plans import plan_reward, static_plan
from linkage_rl.agents.q_values import QValueConfig, fit_q_values
from linkage_rl.agents.ranker import RankerConfig, train_ranker
from linkage_rl.agents.run_thresholds import with_run_thresholds
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.agents.warm_start import WarmStartConfig, warm_start
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, decide_cases
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers, apply_threshold
from tests.cases_factory import Candidate, Client, typed_cases

TEMPERATURE = 0.05
VIEW = View(2, (0.01, 0.05))
WEIGHTS = RewardWeights()


def cases_of(n: int) -> CaseSet:
    """Name finds every second company, ngram all of them."""
    return typed_cases(
        [
            Client([Candidate(f"{row}", 0b11 if row % 2 else 0b10, 0.9, right=True)])
            for row in range(n)
        ]
    )


@pytest.fixture(scope="module")
def ranker() -> CandidateScorer:
    config = RankerConfig(width=16, epochs=10, batch_size=64)
    return train_ranker(cases_of(800), cases_of(100), VIEW, config, 0)


def promising(ranker: CandidateScorer, *gains: float) -> CandidateScorer:
    """A scorer that promises these gains for the blockers, whatever it sees."""
    scorer = copy_scorer(ranker)
    with torch.no_grad():
        scorer.gain[-1].weight.zero_()  # type: ignore[operator]
        scorer.gain[-1].bias[1:] = torch.tensor(gains) / TEMPERATURE  # type: ignore[operator]
    return scorer


def earned(scorer: CandidateScorer, cases: CaseSet, view: View) -> float:
    decider = Decider(ScorerPolicy(scorer), view)
    answers = Answers.of(decide_cases(decider, cases), cases)
    return apply_threshold(answers, None, WEIGHTS).metrics.expected_reward


def test_a_blocker_that_promises_too_much_is_left_alone(ranker: CandidateScorer) -> None:
    """Ngram alone earns 1 - 0.05; name first costs 0.01 more and saves 0.05 for half: 1 - 0.035."""
    cases, greedy = cases_of(400), promising(ranker, 0.03, 0.9)

    settled = with_run_thresholds(greedy, cases, VIEW, WEIGHTS, TEMPERATURE)

    assert earned(greedy, cases, VIEW) == pytest.approx(1 - 0.06)
    assert earned(settled, cases, VIEW) >= 1 - 0.05 - 1e-6


def test_a_blocker_that_promises_too_little_is_ran(ranker: CandidateScorer) -> None:
    cases, shy = cases_of(400), promising(ranker, -0.3, -0.3)

    settled = with_run_thresholds(shy, cases, VIEW, WEIGHTS, TEMPERATURE)

    # without a blocker every company is missed
    assert earned(shy, cases, VIEW) == pytest.approx(-0.5)
    assert earned(settled, cases, VIEW) == pytest.approx(1 - 0.05)


@pytest.mark.parametrize("gain", [0.5, 1.6])
@pytest.mark.parametrize("cost", [0.02, 0.4, 2.0])
def test_no_static_plan_earns_more_on_the_cases_that_chose(
    ranker: CandidateScorer, cost: float, gain: float
) -> None:
    cases, view = cases_of(400), View(2, (0.01, cost))
    start = promising(ranker, gain, gain)

    settled = with_run_thresholds(start, cases, view, WEIGHTS, TEMPERATURE)

    plan = static_plan(ScorerPolicy(start), cases, view, WEIGHTS)
    bits = sum(1 << blocker for blocker in plan)
    assert (
        earned(settled, cases, view)
        >= plan_reward(ScorerPolicy(start), bits, cases, view, WEIGHTS) - 1e-6
    )


@pytest.mark.parametrize("quantiles", [1, 8])
def test_action_values_that_promise_too_little_are_raised(
    ranker: CandidateScorer, quantiles: int
) -> None:
    cases, shape = cases_of(400), QValueConfig(quantiles, reward_scale=0.5, temperature=0.25)
    config = WarmStartConfig(samples=3000, updates=200, batch_size=256, value_updates=300)
    started = warm_start(ranker, cases, VIEW, WEIGHTS, config, 0)
    shy = fit_q_values(started, cases, VIEW, WEIGHTS, config, shape, 0)
    with torch.no_grad():
        # two correct links less for each blocker
        shy.gain[-1].bias[quantiles:].sub_(2 * shape.reward_scale)  # type: ignore[index]

    settled = with_run_thresholds(shy, cases, VIEW, WEIGHTS, shape.temperature)

    assert earned(shy, cases, VIEW) == pytest.approx(-0.5)
    assert earned(settled, cases, VIEW) >= 1 - 0.05 - 1e-6


def test_only_the_running_changes(ranker: CandidateScorer) -> None:
    start = promising(ranker, 0.5, -0.5)
    before = {name: value.clone() for name, value in start.state_dict().items()}

    settled = with_run_thresholds(start, cases_of(50), VIEW, WEIGHTS, TEMPERATURE)

    changed = [
        name for name, value in settled.state_dict().items() if not torch.equal(value, before[name])
    ]
    assert set(changed) <= {"gain.2.bias"}
    assert np.all([torch.equal(start.state_dict()[name], before[name]) for name in before])
