"""The native vector environment: infos, options of reset, autoreset modes, pictures."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from linkage_rl.envs import CandidateSelectionEnv, CandidateSelectionVectorEnv
from linkage_rl.errors import ConfigError
from tests.cases_factory import two_clients

LINK_0, LINK_1, NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = range(6)
ARGUMENTS: dict[str, Any] = {
    "cases": two_clients(),
    "max_candidates": 2,
    "costs": (0.01, 0.05),
    "order": "sequential",
}
ID = "linkage_rl/CandidateSelection-v0"


def native(mode: AutoresetMode = AutoresetMode.SAME_STEP) -> CandidateSelectionVectorEnv:
    return CandidateSelectionVectorEnv(**ARGUMENTS, num_envs=2, autoreset_mode=mode)


def of_gymnasium(mode: AutoresetMode) -> SyncVectorEnv[Any, Any]:
    """Gymnasium's own vector environment over two single ones, the reference."""
    return SyncVectorEnv(
        [lambda: CandidateSelectionEnv(**ARGUMENTS)] * 2,
        autoreset_mode=mode,
    )


def layout(infos: dict[str, Any]) -> dict[str, Any]:
    return {
        key: layout(value) if isinstance(value, dict) else value.dtype
        for key, value in infos.items()
    }


def lacking_masks(infos: dict[str, Any]) -> list[str]:
    lacking = [key for key in infos if not key.startswith("_") and f"_{key}" not in infos]
    for value in infos.values():
        if isinstance(value, dict):
            lacking += lacking_masks(value)
    return lacking


def as_lists(infos: dict[str, Any]) -> dict[str, Any]:
    """Without what names the client: each single environment counts its own cases."""
    return {
        key: as_lists(value) if isinstance(value, dict) else value.tolist()
        for key, value in infos.items()
        if key not in ("case", "client_id", "final_obs")
    }


def test_every_info_has_its_mask() -> None:
    env = native()
    _, first = env.reset(seed=1)

    *_, running = env.step(np.array([RUN_NGRAM, RUN_NAME]))
    *_, ended = env.step(np.array([NO_MATCH, NO_MATCH]))

    assert lacking_masks(first) == lacking_masks(running) == lacking_masks(ended) == []
    assert layout(first) == layout(running)
    assert ended["final_info"]["outcome"].tolist() == ["missed_link", "correct_reject"]
    assert ended["outcome"].tolist() == ["running", "running"]


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_infos_equal_those_of_gymnasiums_own_vector_environment(mode: AutoresetMode) -> None:
    ours, theirs = native(mode), of_gymnasium(mode)
    pairs = [(ours.reset(options={"case": 0})[1], theirs.reset(options={"case": 0})[1])]

    for actions in ([RUN_NGRAM, NO_MATCH], [LINK_0, RUN_NAME], [RUN_NAME, NO_MATCH]):
        pairs.append((ours.step(np.array(actions))[4], theirs.step(np.array(actions))[4]))

    for our_infos, their_infos in pairs:
        assert as_lists(our_infos) == as_lists(their_infos)


def test_reset_starts_the_cases_asked_for() -> None:
    env = native()

    same = env.reset(options={"case": 1})[1]["case"].tolist()
    each = env.reset(options={"case": np.array([1, 0])})[1]["case"].tolist()

    assert same == [1, 1]
    assert each == [1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": 1}, r"options among \['case', 'reset_mask'\], got \['cases'\]"),
        ({"case": 2}, r"expected a case in 0\.\.1, got 2"),
        ({"case": [0, 1, 0]}, "whole number or 2 of them"),
        ({"reset_mask": [True, False]}, r"boolean array of shape \(2,\)"),
        ({"reset_mask": np.zeros(2, dtype=np.bool_)}, "at least one episode"),
    ],
)
def test_reset_refuses_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        native().reset(options=options)


def test_a_mask_resets_its_rows_only() -> None:
    env = native(AutoresetMode.DISABLED)
    env.reset(seed=1)
    env.step(np.array([RUN_NGRAM, NO_MATCH]))

    observation, infos = env.reset(options={"reset_mask": np.array([False, True])})

    assert observation["state"][:, 1].tolist() == [1.0, 0.0]
    assert infos["_case"].tolist() == [False, True]
    assert infos["case"].tolist() == [0, 0]
    env.step(np.array([LINK_0, NO_MATCH]))


def test_without_autoreset_an_ended_episode_waits_for_its_reset() -> None:
    env = native(AutoresetMode.DISABLED)
    env.reset(seed=1)
    *_, infos = env.step(np.array([RUN_NGRAM, NO_MATCH]))

    assert infos["outcome"].tolist() == ["running", "correct_reject"]
    with pytest.raises(ResetNeeded, match=r"episodes \[1\] have ended"):
        env.step(np.array([LINK_0, NO_MATCH]))


def test_in_next_step_mode_the_step_after_the_end_only_starts_the_next_client() -> None:
    env = native(AutoresetMode.NEXT_STEP)
    env.reset(seed=1)
    env.step(np.array([RUN_NGRAM, NO_MATCH]))

    _, reward, done, truncated, infos = env.step(np.array([LINK_0, NO_MATCH]))

    # row 0 links its company; row 1 starts with case 0, whatever its action
    assert reward.tolist() == [1.0, 0.0]
    assert done.tolist() == [True, False]
    assert not truncated.any()
    assert infos["case"].tolist() == [0, 0]
    assert infos["reward_terms"]["illegal"].tolist() == [0.0, 0.0]
    assert env.core.tally.steps == 3


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_make_vec_takes_the_autoreset_mode(mode: AutoresetMode) -> None:
    env = gym.make_vec(ID, num_envs=2, autoreset_mode=mode, **ARGUMENTS)

    assert env.metadata["autoreset_mode"] == mode
    assert CandidateSelectionVectorEnv.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP


def test_an_unknown_autoreset_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"autoreset_mode among .*SameStep.*, got 'never'"):
        gym.make_vec(ID, num_envs=2, autoreset_mode="never", **ARGUMENTS)


def test_each_episode_has_its_picture() -> None:
    env = gym.make_vec(ID, num_envs=2, render_mode="rgb_array", **ARGUMENTS)
    env.reset(seed=1)
    env.step(np.array([RUN_NGRAM, RUN_NAME]))

    frames: Any = env.render()

    assert [frame.shape for frame in frames] == [(720, 1280, 3)] * 2
    assert not np.array_equal(*frames)
