"""Pictures of an episode, and Stable-Baselines3's standard ways to make an environment."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled
from gymnasium.wrappers import RecordVideo, RenderCollection
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env

from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome
from linkage_rl.envs import CandidateSelectionEnv, LinkageCore
from linkage_rl.envs.picture import SIZE, draw
from linkage_rl.envs.rendering import LastStep, Scene, scene_of
from tests.cases_factory import two_clients

IDS = ["linkage_rl/CandidateSelection-v0", "linkage_rl/Select-v0"]
LINK_0, LINK_1, NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = range(6)


def two_client_env(render_mode: str) -> Any:
    return gym.make(
        IDS[0],
        cases=two_clients(),
        max_candidates=2,
        costs=(0.01, 0.05),
        render_mode=render_mode,
    )


@pytest.mark.parametrize("name", IDS)
def test_every_frame_is_a_picture_of_one_size(name: str) -> None:
    env = RenderCollection(gym.make(name, render_mode="rgb_array"))
    env.reset(seed=1)
    for action in (22, 30, 20):
        *_, terminated, _, _ = env.step(action)
        if terminated:
            break

    frames: Any = env.render()

    assert len(frames) >= 2
    for frame in frames:
        assert frame.shape == (SIZE[1], SIZE[0], 3)
        assert frame.dtype == np.uint8
    assert not np.array_equal(frames[0], frames[-1])


def test_the_picture_changes_with_what_has_happened() -> None:
    env = two_client_env("rgb_array")
    env.reset(options={"case": 0})
    frames = [env.render()]

    for action in (RUN_NAME, RUN_NGRAM, LINK_0):
        env.step(action)
        frames.append(env.render())

    # something must be drawn at all, and each action must be visible
    assert all(frame.min() < 64 and frame.max() == 255 for frame in frames)
    assert not any(np.array_equal(frame, after) for frame, after in pairwise(frames))


def test_a_scene_holds_what_a_reader_needs_to_follow_an_episode() -> None:
    core = LinkageCore(two_clients(), View(2, (0.01, 0.05)))
    core.reset(np.array([1]))
    core.step(np.array([RUN_NAME]), restart=False)

    scene = scene_of(core, last=LastStep(RUN_NAME))

    assert scene.client == "client c1"
    assert [(one.name, one.ran, one.applies) for one in scene.blockers] == [
        ("name", True, True),
        ("ngram", False, False),
    ]
    assert scene.cost == pytest.approx(0.01)
    assert [one.company for one in scene.candidates] == ["company zeta"]
    assert scene.action == "run blocker name"
    assert not scene.ended


def test_the_link_of_a_scene_is_the_slot_that_was_linked() -> None:
    core = LinkageCore(two_clients(), View(2, (0.01, 0.05)))
    core.reset(np.array([0]))
    core.step(np.array([RUN_NGRAM]), restart=False)

    core.step(np.array([LINK_0]), restart=False)

    assert scene_of(core, last=LastStep(LINK_0, Outcome.CORRECT_LINK)).linked == 0
    assert scene_of(core, last=LastStep(LINK_0, Outcome.RUNNING)).linked is None


def test_more_candidates_than_fit_keep_the_size() -> None:
    core = LinkageCore(two_clients(), View(2, (0.01, 0.05)), all_run=True)
    core.reset(np.array([0]))
    scene = scene_of(core)
    crowded = Scene(**{**vars(scene), "candidates": scene.candidates * 40, "client": "長い名" * 99})

    assert draw(crowded).shape == (SIZE[1], SIZE[0], 3)


def test_a_machine_without_japanese_fonts_draws_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from linkage_rl.envs import picture

    monkeypatch.setattr(picture, "_FONTS", ())
    picture._font_file.cache_clear()
    picture._font.cache_clear()
    core = LinkageCore(two_clients(), View(2, (0.01, 0.05)))
    japanese = Scene(**{**vars(scene_of(core)), "client": "株式会社アクメ"})

    try:
        assert draw(japanese).shape == (SIZE[1], SIZE[0], 3)
        assert "DejaVu" in picture._font_file()
    finally:
        picture._font_file.cache_clear()
        picture._font.cache_clear()


@pytest.mark.skipif(importlib.util.find_spec("moviepy") is None, reason="needs moviepy")
def test_record_video_writes_a_video(tmp_path: Path) -> None:
    env: Any = RecordVideo(two_client_env("rgb_array"), str(tmp_path / "videos"))
    env.reset(options={"case": 0})
    env.step(RUN_NAME)
    env.step(NO_MATCH)
    env.close()

    assert list(tmp_path.glob("videos/*.mp4"))


@pytest.mark.skipif(importlib.util.find_spec("moviepy") is not None, reason="has moviepy")
def test_record_video_takes_the_environment_and_misses_only_moviepy(tmp_path: Path) -> None:
    """Gymnasium refuses an environment without pictures by ValueError, before it looks for it."""
    with pytest.raises(DependencyNotInstalled, match=r"(?i)moviepy"):
        RecordVideo(two_client_env("rgb_array"), str(tmp_path))
    with pytest.raises(ValueError, match="incompatible with RecordVideo"):
        RecordVideo(two_client_env("ansi"), str(tmp_path))


def test_a_frame_is_a_fresh_array() -> None:
    env = CandidateSelectionEnv(two_clients(), max_candidates=2, render_mode="rgb_array")
    env.reset(seed=0)

    env.render()[:] = 0

    assert env.render().max() == 255


@pytest.mark.parametrize("name", IDS)
def test_make_vec_env_of_stable_baselines_makes_it(name: str) -> None:
    env = make_vec_env(name, n_envs=2, seed=1)
    env.reset()

    *_, infos = env.step(np.array([20, 20]))

    assert all(info["outcome"] != "running" for info in infos)
    assert all(info["episode"]["l"] == 1 for info in infos)
    picture = env.render()
    assert picture is not None
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_an_algorithm_of_stable_baselines_learns_on_the_id(algorithm: Any) -> None:
    settings: dict[str, Any] = {"seed": 1, "device": "cpu"}
    settings |= {"n_steps": 32, "batch_size": 32} if algorithm is PPO else {"buffer_size": 100}

    model = algorithm("MultiInputPolicy", IDS[0], **settings).learn(64)

    assert model.num_timesteps >= 64


def test_the_native_sb3_environment_shows_all_its_episodes_in_one_picture() -> None:
    core = LinkageCore(two_clients(), View(2, (0.01, 0.05)), batch=4)
    env = LinkageVecEnv(core, render_mode="rgb_array")
    env.reset()

    picture = env.render()

    assert picture is not None
    assert picture.shape == (2 * SIZE[1], 2 * SIZE[0], 3)
