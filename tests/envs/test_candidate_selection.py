from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

from linkage_rl.envs import CandidateSelectionEnv
from linkage_rl.errors import ConfigError, IllegalActionError
from tests.cases_factory import two_clients

IDS = ["linkage_rl/CandidateSelection-v0", "linkage_rl/Select-v0"]
LINK_0, LINK_1, NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = range(6)


def small(render_mode: str | None = None, all_run: bool = False) -> CandidateSelectionEnv:
    return CandidateSelectionEnv(
        two_clients(),
        max_candidates=2,
        costs=(0.01, 0.05),
        render_mode=render_mode,
        all_run=all_run,
    )


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("allow_review", [False, True])
def test_both_checkers_pass_without_a_warning(name: str, allow_review: bool) -> None:
    check_env(gym.make(name, allow_review=allow_review).unwrapped)
    check_env_for_sb3(gym.make(name, allow_review=allow_review).unwrapped)
    check_env_for_sb3(gym.make(name, allow_review=allow_review))


def shape_of(info: dict[str, Any]) -> dict[str, Any]:
    """Keys and types, as a recorder of experience sees them."""
    return {
        key: shape_of(value) if isinstance(value, dict) else type(value)
        for key, value in info.items()
    }


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("last", [LINK_0, NO_MATCH])
def test_every_info_has_the_same_keys_and_types(name: str, last: int) -> None:
    env = gym.make(name, cases=two_clients(), max_candidates=2)
    _, first = env.reset(seed=1, options={"case": 0})

    infos = [env.step(action)[4] for action in (RUN_NGRAM, REVIEW, last)]

    assert infos[-1]["outcome"] != "running"
    assert first["outcome"] == "running"
    assert first["company_id"] == ""
    assert [shape_of(info) for info in infos] == [shape_of(first)] * 3


@pytest.mark.parametrize("name", IDS)
def test_made_without_arguments_it_plays_an_episode(name: str) -> None:
    env = gym.make(name)
    env.reset(seed=0)

    terminated = False
    while not terminated:
        masks: np.ndarray[tuple[int], np.dtype[np.bool_]] = env.get_wrapper_attr("action_masks")()
        *_, terminated, truncated, info = env.step(int(np.flatnonzero(masks)[-1]))
        assert not truncated

    assert info["outcome"] in ("correct_reject", "missed_link", "correct_link", "wrong_link")


def test_select_starts_with_every_blocker_run() -> None:
    env = gym.make("linkage_rl/Select-v0", cases=two_clients(), max_candidates=2)
    observation, _ = env.reset(options={"case": 0})

    assert observation["state"][:2].tolist() == [1, 1]
    assert observation["action_mask"].tolist() == [1, 1, 1, 0, 0, 0]


def test_the_last_info_says_how_the_episode_ended() -> None:
    env = small()
    env.reset(options={"case": 0})
    env.step(RUN_NGRAM)

    *_, terminated, _, info = env.step(LINK_0)

    assert terminated
    assert (info["client_id"], info["case"]) == ("c0", 0)
    assert info["outcome"] == "correct_link"
    assert info["is_success"] is True
    assert info["company_id"] == "apex"
    assert info["blockers_used"] == {"name": False, "ngram": True}
    assert info["cost"] == pytest.approx(0.05)
    assert info["reward_terms"]["correct_link"] == 1.0


def test_an_all_run_start_costs_nothing() -> None:
    env = small(all_run=True)
    env.reset(options={"case": 1})

    _, reward, *_, info = env.step(NO_MATCH)

    assert reward == pytest.approx(0.5)
    assert info["cost"] == 0.0
    assert info["company_id"] == ""


def test_candidates_come_as_a_table_on_request() -> None:
    flat, _ = small().reset(options={"case": 0})
    table = CandidateSelectionEnv(two_clients(), max_candidates=2, flat=False)

    seen, _ = table.reset(options={"case": 0})

    assert table.observation_space.contains(seen)
    assert seen["candidates"].shape == (2, 7)
    assert np.array_equal(seen["candidates"].reshape(-1), flat["candidates"])


def test_the_text_shows_client_candidates_and_decision() -> None:
    env = small(render_mode="ansi")
    env.reset(options={"case": 0})
    env.step(RUN_NAME)
    env.step(RUN_NGRAM)
    env.step(LINK_0)

    text = env.render()

    assert text is not None
    assert "client c0" in text
    assert "name, ngram; cost 0.060" in text
    assert "company acme" in text
    assert "company apex" in text
    assert "core_ratio" in text
    assert "link candidate 0: wrong_link" in text


def test_human_mode_prints_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    env = small(render_mode="human")
    env.reset(options={"case": 1})
    env.step(NO_MATCH)

    printed = capsys.readouterr().out

    assert printed.count("client c1") == 2
    assert "no match: correct_reject" in printed


def test_cases_can_be_a_folder(tmp_path: Path) -> None:
    two_clients().save(tmp_path / "cases")

    env = gym.make(IDS[0], cases=tmp_path / "cases", max_candidates=2)

    assert env.reset(options={"case": 1})[1]["client_id"] == "c1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_candidates": 0}, "max_candidates in 1..127, got 0"),
        ({"cases": "nowhere"}, "folder of saved cases with a cases.json, got nowhere"),
        ({"order": "backwards"}, "order 'random' or 'sequential', got 'backwards'"),
        ({"weights": {"wrong": 1}}, r"got \['wrong'\]"),
        ({"render_mode": "depth_array"}, "render_mode among"),
        ({"costs": (0.1,)}, r"expected 9 costs, one per blocker \['corporate_number'"),
        ({"costs": (-0.1,) * 9}, "cost of each blocker to be 0 or more"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CandidateSelectionEnv(**arguments)  # type: ignore[arg-type]


def test_an_unknown_reset_option_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"options among \['case'\], got \['cases'\]"):
        small().reset(options={"cases": 1})


@pytest.mark.parametrize("case", ["0", 0.0, [0, 1]])
def test_a_case_must_be_one_whole_number(case: object) -> None:
    with pytest.raises(ConfigError, match=r"options\['case'\] to be a whole number"):
        small().reset(options={"case": case})


def test_an_ended_episode_takes_no_more_actions() -> None:
    env = small()
    env.reset(options={"case": 1})
    env.step(NO_MATCH)

    with pytest.raises(ResetNeeded, match=r"call reset\(\)"):
        env.step(NO_MATCH)


def test_a_case_outside_the_set_is_refused() -> None:
    for case in (2, -1):
        with pytest.raises(ConfigError, match=rf"0\.\.1, got {case}"):
            small().reset(options={"case": case})


def test_an_action_outside_the_space_is_refused() -> None:
    env = small()
    env.reset()

    with pytest.raises(IllegalActionError, match=r"Discrete\(6\), got 6"):
        env.step(6)


def test_weights_can_be_named_singly() -> None:
    env = gym.make(IDS[0], cases=two_clients(), weights={"correct_reject": 0.25})
    env.reset(options={"case": 1})

    assert env.step(20)[1] == pytest.approx(0.25)
