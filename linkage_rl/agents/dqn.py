"""DQN and QR-DQN around the candidate scorer."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from linkage_rl.agents.agent_config import AgentConfig
from linkage_rl.agents.masked_dqn import CaseReplayBuffer, MaskedDQN, MaskedQRDQN
from linkage_rl.agents.q_values import QValueConfig, fit_q_values, q_value_scorer
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.agents.sb3_policies import ScorerDQNPolicy, ScorerQRDQNPolicy, load_weights
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.warm_start import WarmStartConfig
from linkage_rl.checks import COUNT, POSITIVE, SHARE, Range, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore

Q_VALUE_TEMPERATURE: Final = 0.25
"""Value, in correct links, that raises a logit by one; large enough to keep a softmax
over Q-values that differ by a whole link below 1 in single precision."""


@dataclass(frozen=True)
class DQNConfig(AgentConfig):
    """Deep Q-learning (Mnih et al. 2015) with masked targets and exploration."""

    n_envs: int = 512
    batch_size: int = 512
    """Transitions in one gradient step."""
    gradient_steps: int = 4
    """Gradient steps after each step of all episodes."""
    learning_rate: float = 3e-4
    """At the start; it falls linearly to 0."""
    scratch_learning_rate: float = 1e-3
    """The same without a warm start."""
    buffer_size: int = 100_000
    """Transitions kept."""
    target_update_interval: int = 4096
    """Steps between two copies of the weights to the target network."""
    exploration_initial_eps: float = 0.1
    """Share of random actions at the start; without a warm start it is 1."""
    exploration_final_eps: float = 0.02
    """Share of random actions once exploration has fallen."""
    exploration_fraction: float = 0.3
    """Share of the training over which exploration falls."""
    reward_scale: float = 0.2
    """Factor on the rewards that keeps errors below 1, where the Huber loss is a square. Beyond 1
    it is an absolute value, which learns a median and underrates the rare wrong link."""

    _quantiles: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(
            "agent",
            self,
            {
                "batch_size": COUNT,
                "gradient_steps": COUNT,
                "learning_rate": POSITIVE,
                "scratch_learning_rate": POSITIVE,
                "buffer_size": COUNT,
                "target_update_interval": COUNT,
                "exploration_initial_eps": SHARE,
                "exploration_final_eps": SHARE,
                "exploration_fraction": Range(0, 1, open_low=True),
                "reward_scale": POSITIVE,
            },
        )

    @property
    def q_values(self) -> QValueConfig:
        """How Q-values are expressed."""
        return QValueConfig(self._quantiles, self.reward_scale, Q_VALUE_TEMPERATURE)

    def adapt(
        self,
        start: CandidateScorer,
        cases: CaseSet,
        view: View,
        weights: RewardWeights,
        warm: WarmStartConfig,
        seed: int,
    ) -> CandidateScorer:
        """Q-values of all actions, fitted with full labels."""
        return fit_q_values(start, cases, view, weights, warm, self.q_values, seed)

    def temperature(self, warm: WarmStartConfig) -> float:
        """The same for every warm start: logits are Q-values."""
        return Q_VALUE_TEMPERATURE

    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """Untrained Q-values."""
        return q_value_scorer(start, self.q_values, torch.Generator().manual_seed(seed))

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model: DQN = MaskedDQN(
            ScorerDQNPolicy,
            LinkageVecEnv(core, reward_scale=self.reward_scale),
            **self._arguments(core, scorer, seed, warm),
        )
        load_weights(model.policy, scorer)  # type: ignore[arg-type]
        return model

    def _arguments(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, warm: bool
    ) -> dict[str, Any]:
        rate = self.learning_rate if warm else self.scratch_learning_rate
        return {
            "learning_rate": LinearSchedule(rate, 0.0, 1.0),
            "buffer_size": self.buffer_size,
            "learning_starts": 4 * self.n_envs,
            "batch_size": self.batch_size,
            "gamma": 1.0,
            "train_freq": 1,
            "gradient_steps": self.gradient_steps,
            "target_update_interval": max(self.target_update_interval, self.n_envs),
            "exploration_initial_eps": self.exploration_initial_eps if warm else 1.0,
            "exploration_final_eps": self.exploration_final_eps,
            "exploration_fraction": self.exploration_fraction,
            "max_grad_norm": 10.0,
            "replay_buffer_class": CaseReplayBuffer,
            "replay_buffer_kwargs": {"core": core},
            "policy_kwargs": {"scorer": scorer.config},
            "seed": seed,
            "device": self.device,
        }


@dataclass(frozen=True)
class QRDQNConfig(DQNConfig):
    """Quantile-regression DQN (Dabney et al. 2018) with masked targets and exploration."""

    n_quantiles: int = 16
    """Quantiles of the return per action."""
    reward_scale: float = 4.0
    """Factor on the rewards that makes errors large against 1, where the quantile Huber loss is a
    quantile loss. Below 1 it learns expectiles, whose mean is not the expected return."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges("agent", self, {"n_quantiles": COUNT})

    @property
    def q_values(self) -> QValueConfig:
        """How Q-values are expressed."""
        return QValueConfig(self.n_quantiles, self.reward_scale, Q_VALUE_TEMPERATURE)

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model: QRDQN = MaskedQRDQN(
            ScorerQRDQNPolicy,
            LinkageVecEnv(core, reward_scale=self.reward_scale),
            **self._arguments(core, scorer, seed, warm),
        )
        load_weights(model.policy, scorer)  # type: ignore[arg-type]
        return model
