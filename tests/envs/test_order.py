"""The order in which clients are drawn, through every adapter."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.envs import CandidateSelectionEnv, CandidateSelectionVectorEnv, LinkageCore
from linkage_rl.errors import ConfigError
from tests.cases_factory import DRAWN_VIEW, Client, synthetic_cases, typed_cases

CASES = synthetic_cases(6, np.random.default_rng(5))
NO_MATCH = DRAWN_VIEW.layout.no_match
ARGUMENTS: dict[str, Any] = {
    "cases": CASES,
    "max_candidates": DRAWN_VIEW.max_candidates,
    "costs": DRAWN_VIEW.costs,
    "order": "sequential",
}


class Reject:
    """Declares no match for every client."""

    def predict(
        self, observation: Any, *_: object, **__: object
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], ...] | None]:
        return np.full(len(observation["query"]), NO_MATCH), None


def test_each_reset_takes_the_next_case_and_a_seed_begins_anew() -> None:
    env = gym.make("linkage_rl/CandidateSelection-v0", **ARGUMENTS)

    seen = [env.reset(seed=1)[1]["case"], *(env.reset()[1]["case"] for _ in range(7))]
    again = [env.reset(seed=1)[1]["case"], env.reset()[1]["case"]]

    assert seen == [0, 1, 2, 3, 4, 5, 0, 1]
    assert again == [0, 1]


def test_a_chosen_case_does_not_move_the_order() -> None:
    env = CandidateSelectionEnv(**ARGUMENTS)

    seen = [env.reset(options=options)[1]["case"] for options in (None, {"case": 4}, None)]

    assert seen == [0, 4, 1]


def test_the_rows_of_a_vector_environment_take_one_case_each() -> None:
    env = CandidateSelectionVectorEnv(**ARGUMENTS, num_envs=2)
    _, infos = env.reset(seed=1)
    seen = [infos["case"].tolist()]

    seen += [env.step(np.full(2, NO_MATCH))[4]["case"].tolist() for _ in range(2)]
    after_reset = env.reset()[1]["case"].tolist()

    assert seen == [[0, 1], [2, 3], [4, 5]]
    assert after_reset == [0, 1]
    assert env.reset()[1]["case"].tolist() == [2, 3]
    assert env.reset(seed=1)[1]["case"].tolist() == [0, 1]


def test_the_rows_of_an_sb3_environment_take_one_case_each() -> None:
    env = LinkageVecEnv(LinkageCore(CASES, DRAWN_VIEW, batch=2, order="sequential"))
    env.reset()
    seen = [env.core.episodes.case.tolist()]
    env.reset()
    seen.append(env.core.episodes.case.tolist())
    env.seed(3)
    env.reset()
    seen.append(env.core.episodes.case.tolist())

    assert seen == [[0, 1], [2, 3], [0, 1]]


@pytest.mark.parametrize("native", [False, True])
def test_evaluate_policy_judges_one_client_after_the_other(native: bool) -> None:
    """Of every three clients the first has a row: rejecting loses 0.5 there and earns 0.5 else."""
    cases = typed_cases([Client([], has_row=row % 3 == 0) for row in range(6)])
    arguments = {**ARGUMENTS, "cases": cases, "costs": (0.0, 0.0)}
    env: Any = Monitor(CandidateSelectionEnv(**arguments))
    if native:
        view = env.unwrapped.core.view
        env = LinkageVecEnv(LinkageCore(cases, view, batch=3, order="sequential"))

    rewards: Any
    rewards, _ = evaluate_policy(
        Reject(), env, n_eval_episodes=6, return_episode_rewards=True, warn=False
    )

    assert sorted(rewards) == [-0.5, -0.5, 0.5, 0.5, 0.5, 0.5]


def test_options_of_sb3_choose_cases_row_by_row() -> None:
    env = LinkageVecEnv(LinkageCore(CASES, DRAWN_VIEW, batch=3, order="sequential"))
    env.set_options([{"case": 4}, {}, {"case": 2}])
    env.reset()
    chosen = env.core.episodes.case.tolist()
    env.set_options({"cases": 1})

    assert chosen == [4, 0, 2]
    with pytest.raises(ConfigError, match=r"got \['cases'\]"):
        env.reset()
