"""Laws that every learning algorithm keeps."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.algorithms import (
    AGENTS,
    AgentConfig,
    PPOUpdates,
    to_policy,
    training_core,
)
from linkage_rl.agents.checkpoint import (
    latest_checkpoint,
    restore,
    save_checkpoint,
    save_model,
)
from linkage_rl.agents.masked_dqn import CaseReplayBuffer
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.build import as_dict
from linkage_rl.errors import ConfigError
from linkage_rl.exporting.onnx import export_scorer
from linkage_rl.records import Observation
from tests.cases_factory import DRAWN_VIEW, synthetic_cases

CASES = synthetic_cases(300, np.random.default_rng(9))
SMALL: dict[str, Any] = {
    "n_envs": 64,
    "batch_size": 64,
    "buffer_size": 2048,
    "n_quantiles": 4,
}
"""Values for fields of these names, whichever agent has them; other fields keep their defaults."""
SMALL_UPDATES: dict[str, Any] = {
    "n_steps": 4,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "clip_range": 0.2,
    "temperature": 1.0,
    "ent_coef": 0.0,
    "target_kl": 1.0,
}


def small(kind: type[AgentConfig]) -> AgentConfig:
    """The agent with few episodes and small batches, so that it learns in a second."""
    changes: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in SMALL:
            changes[field.name] = SMALL[field.name]
        elif isinstance(field.default, PPOUpdates):
            changes[field.name] = replace(field.default, **SMALL_UPDATES)
    return kind(**changes)


def build(name: str, seed: int = 0) -> BaseAlgorithm:
    return built(small(AGENTS[name]), seed)


def built(agent: AgentConfig, seed: int = 0) -> BaseAlgorithm:
    core = training_core(agent, CASES, DRAWN_VIEW, RewardWeights(), seed)
    config = ScorerConfig.fitting(CASES, DRAWN_VIEW, width=8)
    start = CandidateScorer(config, torch.Generator().manual_seed(seed))
    return agent.build(core, agent.fresh(start, seed), seed, warm=False)


def learned(name: str, steps: int, seed: int = 0) -> BaseAlgorithm:
    return build(name, seed).learn(steps, log_interval=10**9)


def half_ran() -> Observation:
    case = np.arange(len(CASES))
    return DRAWN_VIEW.observe(CASES, case, np.asarray(CASES.available & np.uint16(0b011)))


@pytest.mark.parametrize("name", AGENTS)
class TestEveryAlgorithm:
    def test_never_takes_an_illegal_action(self, name: str) -> None:
        model = learned(name, 1024)
        observation = half_ran()
        model.set_random_seed(0)

        for deterministic in (True, False):
            for _ in range(5):
                actions, _ = model.predict(
                    as_dict(observation, flat=True),
                    deterministic=deterministic,
                )
                assert observation.action_mask[np.arange(len(actions)), actions].all()

    def test_explores_without_a_single_illegal_step(self, name: str) -> None:
        model = build(name)
        core = model.env.unwrapped.core  # type: ignore[union-attr]
        core.weights = RewardWeights(
            correct_link=0.0,
            wrong_link=-1e-6,
            correct_reject=0.0,
            missed_link=-1e-6,
            review=0.0,
            illegal=-1e6,
            blocker_cost_scale=0.0,
        )

        model.learn(1024, log_interval=10**9)

        assert core.clear_tally().reward > -1.0

    @pytest.mark.slow
    def test_learning_moves_the_weights_and_equal_seeds_move_them_alike(self, name: str) -> None:
        before = to_policy(build(name)).logits(half_ran())

        first = to_policy(learned(name, 1024)).logits(half_ran())
        again = to_policy(learned(name, 1024)).logits(half_ran())

        assert not np.array_equal(before, first)
        assert np.array_equal(first, again)

    def test_its_policy_acts_as_the_model_does(self, name: str) -> None:
        model = learned(name, 512)
        observation = half_ran()

        actions, _ = model.predict(
            as_dict(observation, flat=True),
            deterministic=True,
        )

        assert np.array_equal(to_policy(model).logits(observation).argmax(axis=1), actions)

    def test_its_exported_graph_gives_its_logits(self, name: str, tmp_path: Path) -> None:
        policy = to_policy(learned(name, 512))

        export_scorer(policy.scorer, tmp_path / "policy.onnx")

        graph = OnnxPolicy(tmp_path / "policy.onnx").logits(half_ran())
        assert np.allclose(graph, policy.logits(half_ran()), rtol=0, atol=1e-5)

    def test_a_checkpoint_restores_it(self, name: str, tmp_path: Path) -> None:
        model = learned(name, 512)
        save_checkpoint(model, tmp_path)
        twin = build(name, seed=5)

        found = latest_checkpoint(tmp_path)
        assert found is not None
        restore(twin, *found)

        assert twin.num_timesteps == model.num_timesteps
        assert np.array_equal(
            to_policy(twin).logits(half_ran()),
            to_policy(model).logits(half_ran()),
        )
        buffer = getattr(twin, "replay_buffer", None)
        if isinstance(buffer, CaseReplayBuffer):
            assert buffer.pos == model.replay_buffer.pos  # type: ignore[attr-defined]

    def test_its_zip_holds_neither_cases_nor_observations(self, name: str, tmp_path: Path) -> None:
        model = learned(name, 512)

        assert save_checkpoint(model, tmp_path).stat().st_size < 100_000

    @pytest.mark.slow
    def test_a_saved_model_acts_and_learns_on_in_the_registered_environment(
        self, name: str, tmp_path: Path
    ) -> None:
        """The rows of both environments are alike, so that the actions must be equal, too."""
        model = learned(name, 512)
        save_model(model, tmp_path / "best_model.zip")
        env = gym.make(
            "linkage_rl/CandidateSelection-v0",
            cases=CASES,
            max_candidates=DRAWN_VIEW.max_candidates,
            costs=DRAWN_VIEW.costs,
        )

        loaded = type(model).load(tmp_path / "best_model.zip", env=env, device="cpu")

        observation, _ = env.reset(seed=1, options={"case": 0})
        rows = {part: value[None] for part, value in observation.items()}
        action, _ = loaded.predict(observation, deterministic=True)
        assert action == model.predict(rows, deterministic=True)[0][0]
        assert env.action_space.contains(int(action))
        loaded.learn(64, reset_num_timesteps=False, log_interval=10**9)
        assert loaded.num_timesteps >= model.num_timesteps + 64

    @pytest.mark.parametrize("device", ["gpu", "cuda:one", ""])
    def test_a_device_that_torch_does_not_know_is_refused(self, name: str, device: str) -> None:
        with pytest.raises(ConfigError, match=r"agent\.device to be auto, cpu, cuda or cuda:N"):
            AGENTS[name](device=device)

    @pytest.mark.slow
    def test_a_named_device_learns_what_auto_learns_there(self, name: str) -> None:
        agent = small(AGENTS[name])
        auto, named = (
            to_policy(built(replace(agent, device=device)).learn(512, log_interval=10**9))
            for device in ("auto", "cuda" if torch.cuda.is_available() else "cpu")
        )

        assert np.array_equal(auto.logits(half_ran()), named.logits(half_ran()))
