"""Learning reaches stated scores from stated baselines, where the answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.agents.baselines import TopOne
from linkage_rl.agents.plans import static_plan
from linkage_rl.agents.ranker import RankerConfig, train_ranker, with_link_threshold
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.agents.warm_start import WarmStartConfig, warm_start
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights, decision_rewards
from linkage_rl.errors import CollapsedPolicyError
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind
from linkage_rl.training.agent import Task, TrainingConfig, train_agent
from tests.cases_factory import DRAWN_VIEW, second_is_right, synthetic_cases

pytestmark = pytest.mark.slow

WEIGHTS = RewardWeights()


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(
        synthetic_cases(6000, np.random.default_rng(1)),
        synthetic_cases(2000, np.random.default_rng(2)),
        DRAWN_VIEW,
        WEIGHTS,
    )


@pytest.fixture(scope="module")
def test_cases() -> CaseSet:
    return synthetic_cases(6000, np.random.default_rng(3))


@pytest.fixture(scope="module")
def ranker(task: Task) -> CandidateScorer:
    return train_ranker(task.train, task.valid, task.view, RankerConfig(epochs=6), 0)


def reward(
    policy: Policy, cases: CaseSet, plan: tuple[int, ...] | None = None, view: View = DRAWN_VIEW
) -> float:
    decisions = Decider(policy, view, plan=plan).decide(PreparedPool(cases, view), len(cases))
    return float(decision_rewards(decisions, cases, WEIGHTS).mean())


def test_the_ranker_learns_what_top_one_cannot() -> None:
    """The right company always ranks second: top-1 scores 0.0, a uniform pick 0.2."""
    view = View(5, (0.0, 0.0))
    train, valid, test = (second_is_right(800, 5, np.random.default_rng(s)) for s in (0, 1, 2))
    ranker = train_ranker(train, valid, view, RankerConfig(epochs=15), 3)

    def precision(policy: Policy) -> float:
        decisions = Decider(policy, view, plan=(0,)).decide(PreparedPool(test, view), len(test))
        linked = decisions.kind == DecisionKind.LINK
        return float(test.is_right[decisions.candidate[linked]].mean())

    assert precision(TopOne()) == 0.0
    assert precision(ScorerPolicy(ranker)) > 0.9


def test_the_ranker_turns_the_loss_of_top_one_into_a_gain(
    ranker: CandidateScorer, test_cases: CaseSet
) -> None:
    """With every blocker run, linking the first candidate loses 0.6 a client."""
    every = (0, 1, 2)

    assert reward(TopOne(), test_cases, every) < -0.5
    assert reward(ScorerPolicy(with_link_threshold(ranker, 0.75)), test_cases, every) > 0.5


def test_the_warm_start_runs_better_than_the_static_plan(
    task: Task, ranker: CandidateScorer, test_cases: CaseSet
) -> None:
    thresholded = ScorerPolicy(with_link_threshold(ranker, WEIGHTS.break_even().link))
    plan = static_plan(thresholded, task.valid, task.view, WEIGHTS)

    started = warm_start(ranker, task.train, task.view, WEIGHTS, WarmStartConfig(), 0)

    fixed = reward(thresholded, test_cases, plan)
    assert fixed > 0.5
    assert reward(ScorerPolicy(started), test_cases) > fixed


def test_a_scorer_trained_with_eight_slots_serves_thirty(
    ranker: CandidateScorer, test_cases: CaseSet
) -> None:
    policy = ScorerPolicy(with_link_threshold(ranker, 0.75))
    every = (0, 1, 2)

    wide = reward(policy, test_cases, every, View(30, DRAWN_VIEW.costs))

    assert wide == pytest.approx(reward(policy, test_cases, every), abs=0.05)


@pytest.mark.parametrize(
    "name",
    [
        # learning from scratch is among the slow tests for each of them
        pytest.param(name, marks=pytest.mark.slow if name == "ppo" else pytest.mark.extras)
        for name in AGENTS
    ],
)
def test_every_algorithm_stays_above_the_static_plan(
    name: str, task: Task, ranker: CandidateScorer, test_cases: CaseSet, tmp_path: Path
) -> None:
    thresholded = ScorerPolicy(with_link_threshold(ranker, WEIGHTS.break_even().link))
    plan = static_plan(thresholded, task.valid, task.view, WEIGHTS)
    training = TrainingConfig(total_timesteps=32_768, evaluations=4, progress=False)

    policy = train_agent(AGENTS[name](), task, training, 1, tmp_path, ranker)

    assert reward(policy, test_cases) > reward(thresholded, test_cases, plan) - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_every_algorithm_learns_from_scratch_by_the_curriculum(
    name: str, task: Task, ranker: CandidateScorer, test_cases: CaseSet, tmp_path: Path
) -> None:
    """Rejecting every client earns -0.25; the agent learns from rewards only."""
    training = TrainingConfig(
        total_timesteps=98_304, evaluations=4, start="curriculum", width=32, progress=False
    )

    policy = train_agent(AGENTS[name](), task, training, 1, tmp_path)

    assert reward(policy, test_cases) > 0.4


@pytest.mark.slow
def test_from_scratch_ppo_collapses_and_the_guard_says_so(task: Task, tmp_path: Path) -> None:
    hostile = replace(task, weights=RewardWeights(wrong_link=-20.0))
    training = TrainingConfig(
        total_timesteps=65_536, evaluations=8, start="scratch", progress=False
    )

    with pytest.raises(CollapsedPolicyError, match=r"training\.start=warm"):
        train_agent(AGENTS["ppo"](), hostile, training, 1, tmp_path)
