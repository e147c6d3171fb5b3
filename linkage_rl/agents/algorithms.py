"""The learning algorithms by name, and what they have in common."""

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.agent_config import AgentConfig
from linkage_rl.agents.dqn import DQNConfig, QRDQNConfig
from linkage_rl.agents.ppo import MaskablePPOConfig, PPOConfig, PPOUpdates
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore

__all__ = [
    "AGENTS",
    "AgentConfig",
    "DQNConfig",
    "MaskablePPOConfig",
    "PPOConfig",
    "PPOUpdates",
    "QRDQNConfig",
    "to_policy",
    "training_core",
]

AGENTS: dict[str, type[AgentConfig]] = {
    "ppo": PPOConfig,
    "maskable_ppo": MaskablePPOConfig,
    "dqn": DQNConfig,
    "qrdqn": QRDQNConfig,
}
"""Every learning algorithm by its name in `agent=NAME`."""


def to_policy(model: BaseAlgorithm) -> ScorerPolicy:
    """The greedy policy of a model as it is now, on the CPU; later training does not change it."""
    scorer = model.policy.scorer
    assert isinstance(scorer, CandidateScorer)
    return ScorerPolicy(copy_scorer(scorer))


def training_core(
    agent: AgentConfig, cases: CaseSet, view: View, weights: RewardWeights, seed: int
) -> LinkageCore:
    """A core that draws cases at random for this algorithm."""
    rng = np.random.default_rng(seed)
    return LinkageCore(cases, view, weights, batch=agent.n_envs, rng=rng)
