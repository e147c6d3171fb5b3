"""The three adapters of the core agree: single, vector, and Stable-Baselines3."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.envs import CandidateSelectionEnv, CandidateSelectionVectorEnv, LinkageCore
from linkage_rl.errors import ConfigError
from tests.cases_factory import DRAWN_VIEW, synthetic_cases

CASES = synthetic_cases(200, np.random.default_rng(5))
STEPS = 30
PARTS = ("candidates", "query", "state", "action_mask")


def vector_env(num_envs: int) -> CandidateSelectionVectorEnv:
    return CandidateSelectionVectorEnv(
        CASES,
        num_envs=num_envs,
        max_candidates=DRAWN_VIEW.max_candidates,
        costs=DRAWN_VIEW.costs,
    )


def sb3_env(num_envs: int) -> LinkageVecEnv:
    return LinkageVecEnv(LinkageCore(CASES, DRAWN_VIEW, batch=num_envs))


def single_env() -> CandidateSelectionEnv:
    return CandidateSelectionEnv(
        CASES, max_candidates=DRAWN_VIEW.max_candidates, costs=DRAWN_VIEW.costs
    )


def some_actions(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Mostly legal ones, blockers preferred so that episodes last."""
    liking = rng.random(mask.shape)
    liking[:, DRAWN_VIEW.layout.first_blocker :] += 0.5
    legal: NDArray[np.int64] = np.where(mask, liking, -1).argmax(axis=1)
    other = rng.integers(mask.shape[1], size=len(mask))
    return np.where(rng.random(len(mask)) < 0.1, other, legal)


def test_all_three_agree_step_by_step_with_one_client() -> None:
    single, vector, sb3 = single_env(), vector_env(1), sb3_env(1)
    rng = np.random.default_rng(0)
    one, _ = single.reset(seed=7)
    many, _ = vector.reset(seed=7)
    sb3.core.rng = gym.utils.seeding.np_random(7)[0]
    batch = sb3.reset()

    for _ in range(STEPS):
        for part in PARTS:
            assert np.array_equal(one[part], many[part][0])
            assert np.array_equal(many[part], batch[part])
        action = some_actions(vector.action_masks(), rng)
        one, reward, terminated, _, info = single.step(int(action[0]))
        many, rewards, dones, _, infos = vector.step(action)
        sb3.step_async(action)
        batch, sb3_rewards, sb3_dones, _ = sb3.step_wait()  # type: ignore[assignment]
        assert reward == rewards[0] == sb3_rewards[0]
        assert terminated == dones[0] == sb3_dones[0]
        if terminated:
            last = infos["final_obs"][0]
            assert all(np.array_equal(one[part], last[part]) for part in PARTS)
            assert infos["final_info"]["outcome"][0] == info["outcome"]
            one, _ = single.reset()


def test_a_batch_agrees_with_one_environment_per_row() -> None:
    vector, sb3 = vector_env(5), sb3_env(5)
    singles = [single_env() for _ in range(5)]
    rng = np.random.default_rng(1)
    many, infos = vector.reset(seed=3)
    sb3.core.rng = gym.utils.seeding.np_random(3)[0]
    batch = sb3.reset()
    ones = [
        env.reset(options={"case": case})[0]
        for env, case in zip(singles, infos["case"], strict=True)
    ]

    for _ in range(STEPS):
        for part in PARTS:
            assert np.array_equal(np.stack([one[part] for one in ones]), many[part])
            assert np.array_equal(many[part], batch[part])
        actions = some_actions(vector.action_masks(), rng)
        many, rewards, dones, _, infos = vector.step(actions)
        batch, sb3_rewards, sb3_dones, _ = sb3.step(actions)  # type: ignore[assignment]
        assert np.array_equal(rewards, sb3_rewards)
        assert np.array_equal(dones, sb3_dones)
        for row, env in enumerate(singles):
            ones[row], reward, terminated, _, _ = env.step(int(actions[row]))
            assert reward == rewards[row]
            assert terminated == dones[row]
            if terminated:
                ones[row], _ = env.reset(options={"case": infos["case"][row]})


def test_make_vec_builds_the_vector_adapter() -> None:
    env = gym.make_vec("linkage_rl/CandidateSelection-v0", num_envs=3, cases=CASES)

    observation, _ = env.reset(seed=1)

    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert env.observation_space.contains(observation)
    assert env.action_space.shape == (3,)


def test_an_episode_that_runs_too_long_is_truncated() -> None:
    env = CandidateSelectionVectorEnv(CASES, num_envs=2, max_candidates=8, max_episode_steps=2)
    env.reset(seed=0)
    illegal = np.array([0, 0])

    env.step(illegal)
    _, _, terminated, truncated, infos = env.step(illegal)

    assert truncated.tolist() == [True, True]
    assert terminated.tolist() == [False, False]
    assert infos["_final_obs"].tolist() == [True, True]


def test_an_unknown_vector_render_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="render_mode among"):
        CandidateSelectionVectorEnv(CASES, render_mode="human")


def test_neighbouring_sb3_seeds_share_no_stream() -> None:
    env = sb3_env(4)

    env.seed(1)
    env.reset()
    first = env.core.episodes.case.copy()
    env.seed(2)
    env.reset()

    assert not set(first.tolist()) & set(env.core.episodes.case.tolist())


def test_rewards_can_be_scaled_for_sb3() -> None:
    plain, scaled = (
        sb3_env(4),
        LinkageVecEnv(LinkageCore(CASES, DRAWN_VIEW, batch=4), reward_scale=0.5),
    )
    for env in (plain, scaled):
        env.seed(1)
        env.reset()
    actions = np.full(4, DRAWN_VIEW.layout.no_match)

    assert np.array_equal(scaled.step(actions)[1], 0.5 * plain.step(actions)[1])
