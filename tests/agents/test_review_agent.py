"""Baselines and the learning agent of `linkage_rl/Review-v0`."""

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.agents.review_agent import ReviewAgentConfig, ReviewVecEnv, train_reviewer
from linkage_rl.agents.review_baselines import ReviewPolicy, baselines, beta_binomial
from linkage_rl.envs import DrawnReviewLists, ReviewList
from linkage_rl.envs.review_core import ReviewCore
from linkage_rl.envs.review_process import ReviewRules
from linkage_rl.errors import ConfigError

RULES = ReviewRules(budget=100)
NAMES = list(baselines(RULES))


def two_strata(confidence: float, right: bool, clients: int = 100) -> ReviewList:
    """As many clients of confidence 0.2 that have no row, and clients of the given kind."""
    known = np.repeat([False, right], clients)
    confidences = np.repeat([0.2, confidence], clients).astype(np.float32)
    return ReviewList(confidences, known, known, known)


def asked(policy: ReviewPolicy, one: ReviewList, rules: ReviewRules) -> NDArray[np.int64]:
    """Clients of each stratum about whom the policy asks."""
    core = ReviewCore([one], rules, rng=np.random.default_rng(0))
    core.begin([one])
    while not core.state.done.all():
        core.step(policy.act(core.observation()))
    answered: NDArray[np.int64] = core.state.answered[0]
    return answered


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_takes_legal_actions_until_the_review_ends(name: str) -> None:
    rng = np.random.default_rng(4)
    lists = [DrawnReviewLists(smallest=20, largest=60).draw(rng) for _ in range(8)]
    core = ReviewCore(lists, RULES, batch=8, rng=rng)
    core.begin(lists)

    steps = 0
    while not core.state.done.all():
        actions = baselines(RULES)[name].act(core.observation())
        assert core.action_masks()[np.arange(8), actions].all()
        core.step(actions)
        steps += 1

    assert steps <= 50


def test_where_each_baseline_asks() -> None:
    one = two_strata(0.72, right=True)
    rules = ReviewRules(edges=(0.5,), budget=100, prior_clicks=1e6)
    found = {name: asked(policy, one, rules).tolist() for name, policy in baselines(rules).items()}

    assert found["no clicks"] == [0, 0]
    assert found["uniform"] == found["stratified"] == [50, 50]
    # 0.72 is nearer to the threshold 0.75 than 0.2
    assert found["uncertainty"] == [0, 100]
    # standard deviations 0.4 and 0.449: of ten rounds five and five
    assert found["importance"] == [50, 50]
    # nobody is linked: a click finds a link worth 1.5 with chance 0.72 or 0.2
    assert found["expected gain"] == found["knowledge gradient"] == [0, 100]


def test_expected_gain_stops_where_no_click_is_worth_its_cost() -> None:
    rules = ReviewRules(edges=(0.5,), click_cost=0.5, prior_clicks=1e6)
    one = two_strata(0.95, right=True)

    # 1.5 * 0.2 = 0.3 and 4.5 * 0.05 = 0.225 both lie below 0.5
    assert asked(baselines(rules)["expected gain"], one, rules).tolist() == [0, 0]


def test_the_knowledge_gradient_looks_where_many_links_may_prove_wrong() -> None:
    rules = ReviewRules(edges=(0.5,), click_cost=0.5, prior_clicks=5)
    wrong, right = two_strata(0.95, False, 300), two_strata(0.95, True, 300)

    looks = [asked(baselines(rules)["knowledge gradient"], one, rules)[1] for one in (wrong, right)]

    # a second look would cost more than it can still teach
    assert looks == [10, 10]
    assert asked(baselines(rules)["expected gain"], wrong, rules)[1] == 0


def test_the_chances_of_the_next_answers() -> None:
    draws = np.array([2.0, 1.0])

    chances = list(beta_binomial(np.array([2.0, 2.0]), np.array([1.0, 1.0]), draws))

    # of two: wrong wrong 1/3 * 2/4, one of each 2 * 2/3 * 1/4, right right 2/3 * 3/4
    assert np.stack(chances).T.tolist() == [
        pytest.approx([1 / 6, 1 / 3, 1 / 2]),
        pytest.approx([1 / 3, 2 / 3, 0]),
    ]


def test_the_environment_of_sb3_shows_what_the_registered_one_shows() -> None:
    one = two_strata(0.6, right=True)
    vector = ReviewVecEnv(ReviewCore([one], RULES, batch=2))
    single = gym.make("linkage_rl/Review-v0", lists=[one], budget=100)

    vector.seed(3)
    rows = vector.reset()
    first, _ = single.reset(seed=3)
    assert isinstance(rows, dict)
    _, rewards, _, _ = vector.step(np.array([3, 8]))

    assert vector.observation_space == single.observation_space
    assert vector.action_space == single.action_space
    assert all(np.array_equal(rows[part][0], first[part]) for part in first)
    # (5 * 0.6 + 10) / (5 + 10) = 0.87: all 100 are linked, each worth 1.5, for ten clicks; and stop
    assert rewards.tolist() == pytest.approx([100 * 1.5 - 1, 0])
    assert vector.env_method("action_masks", indices=[1])[0].tolist()[-1]


def test_an_agent_learns_where_clicks_are_worth_their_cost() -> None:
    """Only clients of confidence 0.7 can be found, which the others hide at a loss."""
    rules = ReviewRules(edges=(0.5,), budget=40, clicks=20, prior_clicks=1e6)
    one = two_strata(0.7, right=True)
    config = ReviewAgentConfig(
        steps=640, n_envs=8, n_steps=16, batch_size=64, learning_rate=1e-2, width=16
    )

    agent = train_reviewer([one], rules, config, seed=1)

    assert asked(agent, one, rules).tolist() == [0, 40]


def test_a_batch_that_does_not_divide_the_steps_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"agent\.batch_size must divide"):
        ReviewAgentConfig(n_envs=3, n_steps=5, batch_size=4)
