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


def with_gains(ranker: CandidateScorer, *gains: float) -> CandidateScorer:
    """A scorer with these gains for the blockers in every state."""
    scorer = copy_scorer(ranker)
    with torch.no_grad():
        scorer.gain[-1].weight.zero_()  # type: ignore[operator]
        scorer.gain[-1].bias[1:] = torch.tensor(gains) / TEMPERATURE  # type: ignore[operator]
    return scorer


def earned(scorer: CandidateScorer, cases: CaseSet, view: View) -> float:
    decider = Decider(ScorerPolicy(scorer), view)
    answers = Answers.of(decide_cases(decider, cases), cases)
    return apply_threshold(answers, None, WEIGHTS).metrics.expected_reward


def test_a_blocker_with_an_overrated_gain_is_not_run(ranker: CandidateScorer) -> None:
    """Only ngram earns 1 - 0.05; name first costs 0.01 more and saves 0.05 for half: 1 - 0.035."""
    cases, greedy = cases_of(400), with_gains(ranker, 0.03, 0.9)

    thresholded = with_run_thresholds(greedy, cases, VIEW, WEIGHTS, TEMPERATURE)

    assert earned(greedy, cases, VIEW) == pytest.approx(1 - 0.06)
    assert earned(thresholded, cases, VIEW) >= 1 - 0.05 - 1e-6


def test_a_blocker_with_an_underrated_gain_is_run(ranker: CandidateScorer) -> None:
    cases, reluctant = cases_of(400), with_gains(ranker, -0.3, -0.3)

    thresholded = with_run_thresholds(reluctant, cases, VIEW, WEIGHTS, TEMPERATURE)

    # without a blocker every company is missed
    assert earned(reluctant, cases, VIEW) == pytest.approx(-0.5)
    assert earned(thresholded, cases, VIEW) == pytest.approx(1 - 0.05)


@pytest.mark.parametrize("gain", [0.5, 1.6])
@pytest.mark.parametrize("cost", [0.02, 0.4, 2.0])
def test_no_static_plan_earns_more_on_the_cases_that_chose_the_thresholds(
    ranker: CandidateScorer, cost: float, gain: float
) -> None:
    cases, view = cases_of(400), View(2, (0.01, cost))
    start = with_gains(ranker, gain, gain)

    thresholded = with_run_thresholds(start, cases, view, WEIGHTS, TEMPERATURE)

    plan = static_plan(ScorerPolicy(start), cases, view, WEIGHTS)
    bits = sum(1 << blocker for blocker in plan)
    assert (
        earned(thresholded, cases, view)
        >= plan_reward(ScorerPolicy(start), bits, cases, view, WEIGHTS) - 1e-6
    )


@pytest.mark.parametrize("quantiles", [1, 8])
def test_q_values_that_are_too_low_are_raised(ranker: CandidateScorer, quantiles: int) -> None:
    cases, shape = cases_of(400), QValueConfig(quantiles, reward_scale=0.5, temperature=0.25)
    config = WarmStartConfig(samples=3000, updates=200, batch_size=256, value_updates=300)
    started = warm_start(ranker, cases, VIEW, WEIGHTS, config, 0)
    reluctant = fit_q_values(started, cases, VIEW, WEIGHTS, config, shape, 0)
    with torch.no_grad():
        # two correct links less for each blocker
        reluctant.gain[-1].bias[quantiles:].sub_(2 * shape.reward_scale)  # type: ignore[index]

    thresholded = with_run_thresholds(reluctant, cases, VIEW, WEIGHTS, shape.temperature)

    assert earned(reluctant, cases, VIEW) == pytest.approx(-0.5)
    assert earned(thresholded, cases, VIEW) >= 1 - 0.05 - 1e-6


def test_only_the_bias_of_the_gains_changes(ranker: CandidateScorer) -> None:
    start = with_gains(ranker, 0.5, -0.5)
    before = {name: value.clone() for name, value in start.state_dict().items()}

    thresholded = with_run_thresholds(start, cases_of(50), VIEW, WEIGHTS, TEMPERATURE)

    changed = [
        name
        for name, value in thresholded.state_dict().items()
        if not torch.equal(value, before[name])
    ]
    assert set(changed) <= {"gain.2.bias"}
    assert np.all([torch.equal(start.state_dict()[name], before[name]) for name in before])
