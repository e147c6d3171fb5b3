"""An agent of one's own: one Python file and one YAML file outside of the package."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict, read_write

from linkage_rl.agents.algorithms import AgentConfig
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.train import COMPONENTS, TrainSettings
from linkage_rl.training.agent import Task, TrainingConfig, train_agent
from tests.cases_factory import DRAWN_VIEW, synthetic_cases

A2C_AGENT = '''
    from dataclasses import dataclass

    from stable_baselines3 import A2C

    from linkage_rl.agents.algorithms import AgentConfig
    from linkage_rl.agents.sb3_env import LinkageVecEnv
    from linkage_rl.agents.sb3_policies import ScorerActorCritic, load_weights


    @dataclass(frozen=True)
    class A2CAgent(AgentConfig):
        """Advantage actor-critic of Stable-Baselines3."""

        n_steps: int = 5

        def adapt(self, start, cases, view, weights, warm, seed):
            return start

        def temperature(self, warm):
            return warm.temperature

        def fresh(self, start, seed):
            return start

        def build(self, core, scorer, seed, *, warm):
            model = A2C(
                ScorerActorCritic,
                LinkageVecEnv(core),
                n_steps=self.n_steps,
                policy_kwargs={"scorer": scorer.config},
                seed=seed,
                device=self.device,
            )
            load_weights(model.policy, scorer)
            return model
'''
PRESET = """
    # @package agent
    _target_: a2c_agent.A2CAgent
    n_envs: 32
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder with the agent and its preset."""
    (tmp_path / "a2c_agent.py").write_text(textwrap.dedent(A2C_AGENT), encoding="utf-8")
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "a2c.yaml").write_text(textwrap.dedent(PRESET), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("a2c_agent", None)


def agent_of(folder: Path, *words: str) -> AgentConfig:
    """The agent as `train --config-dir FOLDER` composes it."""
    nodes.register("train", TrainSettings, COMPONENTS)
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            search = f"hydra.searchpath=[file://{folder}]"
            config = compose("train", [search, *words], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        with open_dict(config), read_write(config):
            config.pop("hydra")
        agent: AgentConfig = nodes.settings(config, TrainSettings).agent
        return agent
    finally:
        HydraConfig.instance().cfg = None


def test_it_is_chosen_by_the_name_of_its_file_and_learns(folder: Path) -> None:
    agent = agent_of(folder, "agent=a2c", "agent.n_envs=64")
    cases = synthetic_cases(300, np.random.default_rng(0))
    training = TrainingConfig(
        total_timesteps=960,
        start="scratch",
        evaluations=1,
        collapse_rate=0.0,
        progress=False,
        tensorboard=False,
    )

    policy = train_agent(
        agent, Task(cases, cases, DRAWN_VIEW, RewardWeights()), training, 0, folder
    )

    assert type(agent).__name__ == "A2CAgent"
    assert agent.n_envs == 64
    ran = np.asarray(cases.available)
    logits = policy.logits(DRAWN_VIEW.observe(cases, np.arange(len(cases)), ran))
    assert np.isfinite(logits).all()
    assert (folder / "best_model.zip").is_file()
