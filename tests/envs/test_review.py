"""`linkage_rl/Review-v0` by hand, as an environment, and in a batch."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

from linkage_rl.envs import DrawnReviewLists, ReviewEnv, ReviewList
from linkage_rl.envs.review_core import ReviewCore
from linkage_rl.envs.review_process import ReviewRules
from linkage_rl.errors import ConfigError, IllegalActionError, SchemaError

NAME = "linkage_rl/Review-v0"
UNSURE, SURE, STOP = range(3)


def small_list() -> ReviewList:
    """Two unsure clients, one of them with a company further down, and four sure ones.

    With the threshold 0.75 the unsure ones are linked to none, the sure ones are linked; three
    links are right, and the last client has no row.
    """
    return ReviewList(
        confidence=np.array([0.4, 0.4, 0.9, 0.9, 0.9, 0.9], dtype=np.float32),
        right=np.array([True, False, True, True, True, False]),
        findable=np.array([True, True, True, True, True, False]),
        has_row=np.array([True, True, True, True, True, False]),
    )


def small(**settings: Any) -> ReviewEnv:
    defaults: dict[str, Any] = {"edges": (0.5,), "budget": 4, "clicks": 2, "prior_clicks": 2.0}
    return ReviewEnv([small_list()], **(defaults | settings))


def test_both_checkers_pass_without_a_warning() -> None:
    check_env(gym.make(NAME).unwrapped)
    check_env_for_sb3(gym.make(NAME).unwrapped)
    check_env_for_sb3(gym.make(NAME))


def test_two_clicks_find_two_missed_links() -> None:
    env = small()
    _, info = env.reset(seed=1)

    _, reward, done, _, after = env.step(UNSURE)

    assert info["decisions"] == {
        "correct_link": 3,
        "wrong_link": 1,
        "correct_reject": 0,
        "missed_link": 2,
    }
    # two missed links of -0.5 became links of 1.0, for two clicks of 0.1
    assert reward == pytest.approx(2 * 1.5 - 2 * 0.1)
    assert after["decisions"]["correct_link"] == 5
    assert after["clicks"] == 2
    assert not done


def test_a_click_undoes_a_wrong_link_and_corrects_the_others_of_its_stratum() -> None:
    wrong = np.zeros(4, dtype=np.bool_)
    sure = ReviewList(np.full(4, 0.9, dtype=np.float32), wrong, wrong, wrong)
    env = ReviewEnv([sure], edges=(0.5,), budget=4, clicks=1, prior_clicks=2.0)
    env.reset(seed=1)

    observation, reward, *_ = env.step(SURE)

    # (2 * 0.9 + 0) / (2 + 1) = 0.6 lies below 0.75: nobody is linked any more
    assert observation["strata"].reshape(2, 6)[SURE].tolist() == pytest.approx(
        [1, 0.9, 0.25, 0, 0.6, 0]
    )
    assert reward == pytest.approx(4 * (0.5 + 4) - 0.1)


def test_f1_counts_links_and_clients_with_a_row() -> None:
    env = small()

    _, info = env.reset(seed=1)

    # three right links, four links, five clients with a row
    assert info["f1"] == info["f1_before"] == pytest.approx(2 * 3 / (4 + 5))


def test_rewards_add_up_to_what_the_list_gained_minus_the_clicks() -> None:
    env = ReviewEnv(budget=100, clicks=7)
    rng = np.random.default_rng(0)
    observation, first = env.reset(seed=3)
    worth = {"correct_link": 1.0, "wrong_link": -4.0, "correct_reject": 0.5, "missed_link": -0.5}

    total, done = 0.0, False
    while not done:
        asks = np.flatnonzero(observation["action_mask"][:-1])
        observation, reward, done, _, info = env.step(int(rng.choice(asks)))
        total += reward

    gained = sum(
        worth[name] * (info["decisions"][name] - first["decisions"][name]) for name in worth
    )
    assert info["clicks"] == 100
    assert total == pytest.approx(gained - 100 * 0.1, abs=1e-4)


def test_the_review_ends_with_stop_or_with_the_budget() -> None:
    env = small()

    env.reset(seed=1)
    _, reward, stopped, _, _ = env.step(STOP)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(STOP)
    env.reset(seed=1)
    env.step(SURE)
    _, _, spent, _, info = env.step(SURE)

    assert (reward, stopped) == (0, True)
    assert (spent, info["clicks"]) == (True, 4)


def test_an_illegal_action_costs_its_penalty_and_changes_nothing() -> None:
    env = small(budget=6)
    env.reset(seed=1)
    before, *_ = env.step(UNSURE)

    after, reward, done, _, info = env.step(UNSURE)

    assert before["action_mask"].tolist() == [0, 1, 1]
    assert reward == pytest.approx(-0.05)
    assert (done, info["clicks"]) == (False, 2)
    assert all(np.array_equal(before[part], after[part]) for part in before)


def test_fewer_clicks_are_asked_where_fewer_are_left() -> None:
    env = small(budget=3)
    env.reset(seed=1)
    env.step(SURE)

    _, _, done, _, info = env.step(UNSURE)

    assert (done, info["clicks"], info["reward_terms"]["clicks"]) == (True, 3, 1)


def test_equal_seeds_give_equal_lists_and_answers() -> None:
    first, second = gym.make(NAME), gym.make(NAME)

    one, _ = first.reset(seed=5)
    two, _ = second.reset(seed=5)
    after = [env.step(4) for env in (first, second)]

    assert np.array_equal(one["strata"], two["strata"])
    assert after[0][1] == after[1][1]
    assert np.array_equal(after[0][0]["strata"], after[1][0]["strata"])


def test_every_info_has_the_same_keys_and_types() -> None:
    def shape(info: dict[str, Any]) -> dict[str, Any]:
        return {
            key: shape(value) if isinstance(value, dict) else type(value)
            for key, value in info.items()
        }

    env = gym.make(NAME)
    _, first = env.reset(seed=1)

    assert shape(env.step(3)[4]) == shape(first) == shape(env.step(8)[4])


def test_the_table_of_the_strata_can_be_printed() -> None:
    env = gym.make(NAME, lists=[small_list()], edges=(0.5,), render_mode="ansi")
    env.reset(seed=1)

    text = str(env.render())

    assert text.splitlines()[1].split()[:3] == ["0", "2", "0.400"]
    assert text.endswith("clicks left: 200")


def test_a_batch_agrees_with_one_environment_per_row() -> None:
    rules = ReviewRules(budget=30)
    rng = np.random.default_rng(2)
    lists = [DrawnReviewLists().draw(rng) for _ in range(4)]
    cores = [ReviewCore([one], rules, rng=np.random.default_rng(7)) for one in lists]
    # every list draws the order of its clients from a generator of its own
    batch = ReviewCore(lists, rules, batch=4)
    batch.begin(lists)
    for row, core in enumerate(cores):
        core.begin([lists[row]])
        batch.lists = batch.lists.with_rows(np.array([row]), core.lists)

    for actions in ([0, 3, 7, 5], [2, 3, 8, 4], [7, 6, 1, 6], [5, 5, 5, 5]):
        step = batch.step(np.array(actions))
        for row, core in enumerate(cores):
            alone = core.step(np.array(actions[row : row + 1]))
            assert alone.reward[0] == step.reward[row]
            assert alone.done[0] == step.done[row]
            seen, same = core.observation(), batch.observation()
            assert all(np.array_equal(seen[part][0], same[part][row]) for part in seen)


def test_a_review_that_is_done_is_replaced_by_another_list() -> None:
    core = ReviewCore(DrawnReviewLists(), ReviewRules(), batch=3, rng=np.random.default_rng(1))
    core.reset()
    sizes = core.lists.sizes.sum(axis=1)

    core.step(np.array([8, 4, 8]))
    core.replace_done()

    assert core.state.done.tolist() == [False] * 3
    assert core.state.left.tolist() == [200, 190, 200]
    assert (core.lists.sizes.sum(axis=1) == sizes).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"edges": (0.5, 0.4)}, "rising edges"),
        ({"budget": 0}, "budget must be at least 1"),
        ({"weights": {"wrong": 1}}, "reward weights among"),
        ({"render_mode": "human"}, "render_mode among"),
        ({"prior_clicks": 0}, "prior_clicks must"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small(**settings)


def test_lists_and_actions_that_make_no_sense_are_refused() -> None:
    no, yes = np.zeros(1, dtype=np.bool_), np.ones(1, dtype=np.bool_)
    half = np.full(1, 0.5, dtype=np.float32)
    env = small()
    env.reset()

    with pytest.raises(ConfigError, match="at least one list"):
        ReviewEnv([])
    with pytest.raises(SchemaError, match="must be findable"):
        ReviewList(half, yes, no, yes)
    with pytest.raises(SchemaError, match=r"confidences in \[0, 1\]"):
        ReviewList(half * 3, no, no, no)
    with pytest.raises(IllegalActionError, match="expected an action"):
        env.step(3)
    with pytest.raises(ConfigError, match=r"expected a list in 0\.\.0, got 1"):
        env.reset(options={"list": 1})
    with pytest.raises(ConfigError, match="reset options among"):
        env.reset(options={"case": 1})
    with pytest.raises(ConfigError, match=r"lists\.largest"):
        DrawnReviewLists(smallest=10, largest=5)


def test_drawn_lists_have_the_shape_of_real_ones() -> None:
    """Half of the clients are nearly certain; stated and true shares differ from list to list."""
    rng = np.random.default_rng(0)
    lists = [DrawnReviewLists().draw(rng) for _ in range(60)]

    sizes = np.array([len(one) for one in lists])
    sure = np.concatenate([one.confidence > 0.95 for one in lists])
    gaps = [float(one.right.mean() - one.confidence.mean()) for one in lists]
    assert 200 <= sizes.min() < 400
    assert 1_000 < sizes.max() <= 2_000
    assert 0.44 < sure.mean() < 0.52
    assert np.std(gaps) > 0.03
