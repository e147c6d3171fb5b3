from pathlib import Path

import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.algorithms import PPOConfig, training_core
from linkage_rl.agents.checkpoint import latest_checkpoint, save_checkpoint
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import OutputError
from tests.cases_factory import two_clients

VIEW = View(2, (0.01, 0.05))


def model() -> BaseAlgorithm:
    agent = PPOConfig(n_envs=256)
    core = training_core(agent, two_clients(), VIEW, RewardWeights(), 0)
    config = ScorerConfig.fitting(two_clients(), VIEW, width=4)
    scorer = CandidateScorer(config, torch.Generator().manual_seed(0))
    return agent.build(core, scorer, 0, warm=True)


def test_the_newest_checkpoint_counts_and_the_oldest_are_deleted(tmp_path: Path) -> None:
    saved = model()

    for steps in (900, 1000, 2000, 10_000):
        saved.num_timesteps = steps
        save_checkpoint(saved, tmp_path)

    assert latest_checkpoint(tmp_path) == (10_000, tmp_path / "rl_model_10000_steps.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rl_model_10000_steps.zip",
        "rl_model_1000_steps.zip",
        "rl_model_2000_steps.zip",
    ]


def test_a_folder_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    (tmp_path / "rl_model_final.zip").write_text("")

    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / "nowhere") is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match=r"cannot write .*file/rl_model_0_steps"):
        save_checkpoint(model(), tmp_path / "file")
