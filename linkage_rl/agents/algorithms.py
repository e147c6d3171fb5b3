"""The learning algorithms; each is a frozen config that builds its model around a scorer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import torch
from sb3_contrib import QRDQN, MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from linkage_rl.agents.masked_dqn import CaseReplayBuffer, MaskedDQN, MaskedQRDQN
from linkage_rl.agents.q_values import QValueConfig, fit_q_values, q_value_scorer
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.agents.sb3_policies import (
    MaskableScorerActorCritic,
    ScorerActorCritic,
    ScorerDQNPolicy,
    ScorerQRDQNPolicy,
    load_weights,
)
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.agents.warm_start import WarmStartConfig
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Range, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError

Q_VALUE_TEMPERATURE = 0.25
"""Value, in correct links, that raises a logit by one; small enough to keep a softmax
over values that differ by a whole link below 1 in single precision."""


class AgentConfig(Protocol):
    """An algorithm with its settings; a new one needs its dataclass and a line in `AGENTS`."""

    @property
    def n_envs(self) -> int:
        """Episodes side by side."""

    def adapt(
        self,
        start: CandidateScorer,
        cases: CaseSet,
        view: View,
        weights: RewardWeights,
        warm: WarmStartConfig,
        seed: int,
    ) -> CandidateScorer:
        """A warm-started policy scorer in the form in which this algorithm learns."""

    def temperature(self, warm: WarmStartConfig) -> float:
        """Value, in correct links, that raises a logit of what `adapt` gives by one."""

    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """The form in which this algorithm learns, from the untaught scorer `start`."""

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights.

        Args:
            core: Steps `n_envs` episodes side by side.
            scorer: From `adapt` or `fresh`.
            seed: Given to Stable-Baselines3, which seeds its global generators with it.
            warm: Whether the scorer has been taught, so that little exploration is needed.
        """


@dataclass(frozen=True)
class PPOUpdates:
    """How PPO moves the policy."""

    n_steps: int
    """Steps of each episode between two updates."""
    batch_size: int
    """Steps of one gradient; must divide n_envs * n_steps."""
    learning_rate: float
    """At the start; it falls to 0 on a line."""
    clip_range: float
    temperature: float
    """Temperature of the sampled actions: near 0 they are the greedy ones, which are deployed."""
    ent_coef: float
    target_kl: float
    """An update ends early once the policy has moved this far."""
    n_epochs: int = 4


PPO_UPDATE_RANGES: Final[Mapping[str, Range]] = {
    "n_steps": COUNT,
    # advantages are normalised within a batch, which one step alone has no spread for
    "batch_size": Range(2),
    "learning_rate": POSITIVE,
    "clip_range": POSITIVE,
    "temperature": POSITIVE,
    "ent_coef": NOT_NEGATIVE,
    "target_kl": POSITIVE,
    "n_epochs": COUNT,
}
"""Ranges of `PPOUpdates`."""


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (Schulman et al. 2017)."""

    n_envs: int = 1024
    gae_lambda: float = 0.95
    vf_coef: float = 0.5
    refine: PPOUpdates = PPOUpdates(
        n_steps=16,
        batch_size=4096,
        learning_rate=1e-4,
        clip_range=0.1,
        temperature=0.25,
        ent_coef=0.0,
        target_kl=0.02,
    )
    """After a warm start: small steps on large batches, so that noise does not undo it."""
    scratch: PPOUpdates = PPOUpdates(
        n_steps=8,
        batch_size=1024,
        learning_rate=1e-3,
        clip_range=0.2,
        temperature=1.0,
        ent_coef=0.01,
        target_kl=1.0,
    )
    """Without one: large steps."""

    def __post_init__(self) -> None:
        check_ranges("agent", self, {"n_envs": COUNT, "gae_lambda": SHARE, "vf_coef": NOT_NEGATIVE})
        for name, updates in (("refine", self.refine), ("scratch", self.scratch)):
            check_ranges(f"agent.{name}", updates, PPO_UPDATE_RANGES)
            if (self.n_envs * updates.n_steps) % updates.batch_size:
                raise ConfigError(
                    f"agent.{name}.batch_size must divide n_envs * n_steps = "
                    f"{self.n_envs * updates.n_steps}, got {updates.batch_size}"
                )

    def adapt(
        self,
        start: CandidateScorer,
        cases: CaseSet,
        view: View,
        weights: RewardWeights,
        warm: WarmStartConfig,
        seed: int,
    ) -> CandidateScorer:
        """The scorer as it is: its logits are the policy, its value the critic."""
        return start

    def temperature(self, warm: WarmStartConfig) -> float:
        """That of the warm start."""
        return warm.temperature

    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """The scorer with even chances of running a blocker, since it has not been trained yet."""
        scorer = copy_scorer(start)
        with torch.no_grad():
            scorer.gain[-1].bias.zero_()  # type: ignore[operator]
        return scorer

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model = PPO(ScorerActorCritic, LinkageVecEnv(core), **self._arguments(scorer, seed, warm))
        load_weights(model.policy, scorer)  # type: ignore[arg-type]
        return model

    def _arguments(self, scorer: CandidateScorer, seed: int, warm: bool) -> dict[str, Any]:
        updates = self.refine if warm else self.scratch
        return {
            "learning_rate": LinearSchedule(updates.learning_rate, 0.0, 1.0),
            "n_steps": updates.n_steps,
            "batch_size": updates.batch_size,
            "n_epochs": updates.n_epochs,
            "gamma": 1.0,
            "gae_lambda": self.gae_lambda,
            "clip_range": updates.clip_range,
            "target_kl": updates.target_kl,
            "ent_coef": updates.ent_coef,
            "vf_coef": self.vf_coef,
            "policy_kwargs": {"scorer": scorer.config, "temperature": updates.temperature},
            "seed": seed,
            "device": "cpu",
        }


@dataclass(frozen=True)
class MaskablePPOConfig(PPOConfig):
    """PPO of sb3-contrib, which asks the environment for the mask; here it equals PPO."""

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model: BaseAlgorithm = MaskablePPO(
            MaskableScorerActorCritic, LinkageVecEnv(core), **self._arguments(scorer, seed, warm)
        )
        load_weights(model.policy, scorer)  # type: ignore[arg-type]
        return model


@dataclass(frozen=True)
class DQNConfig:
    """Deep Q-learning (Mnih et al. 2015) with masked targets and exploration."""

    n_envs: int = 512
    batch_size: int = 512
    gradient_steps: int = 4
    """Updates after each step of all episodes."""
    learning_rate: float = 3e-4
    """At the start; it falls to 0 on a line."""
    scratch_learning_rate: float = 1e-3
    buffer_size: int = 100_000
    """Transitions remembered."""
    target_update_interval: int = 4096
    """Steps between two copies of the weights to the target network."""
    exploration_initial_eps: float = 0.1
    """Share of random actions at the start; without a warm start all of them."""
    exploration_final_eps: float = 0.02
    exploration_fraction: float = 0.3
    """Share of the training over which exploration falls."""
    reward_scale: float = 0.2
    """Keeps every error below 1, where the Huber loss is a square: beyond, it is an absolute value
    that would learn a median and play down the rare costly link."""

    _quantiles: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_ranges(
            "agent",
            self,
            {
                "n_envs": COUNT,
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
    def shape(self) -> QValueConfig:
        """How the values are expressed."""
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
        """Action values, fitted with full labels."""
        return fit_q_values(start, cases, view, weights, warm, self.shape, seed)

    def temperature(self, warm: WarmStartConfig) -> float:
        """The same for every warm start: logits are values."""
        return Q_VALUE_TEMPERATURE

    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """Action values that nobody has taught."""
        return q_value_scorer(start, self.shape, torch.Generator().manual_seed(seed))

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
            "device": "cpu",
        }


@dataclass(frozen=True)
class QRDQNConfig(DQNConfig):
    """Quantile-regression DQN (Dabney et al. 2018) with masked targets and exploration."""

    n_quantiles: int = 16
    """Values per action."""
    reward_scale: float = 4.0
    """Makes errors large against 1, where the quantile Huber loss is a quantile loss: below, it
    learns expectiles, whose mean is not the expected return."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges("agent", self, {"n_quantiles": COUNT})

    @property
    def shape(self) -> QValueConfig:
        """How the values are expressed."""
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


AGENTS: dict[str, type[PPOConfig] | type[DQNConfig]] = {
    "ppo": PPOConfig,
    "maskable_ppo": MaskablePPOConfig,
    "dqn": DQNConfig,
    "qrdqn": QRDQNConfig,
}
"""Every learning algorithm by name."""


def to_policy(model: BaseAlgorithm) -> ScorerPolicy:
    """The greedy policy of a model as it stands; later training does not change it."""
    scorer = model.policy.scorer
    assert isinstance(scorer, CandidateScorer)
    return ScorerPolicy(copy_scorer(scorer))


def training_core(
    agent: AgentConfig, cases: CaseSet, view: View, weights: RewardWeights, seed: int
) -> LinkageCore:
    """A core that draws cases at random for this algorithm."""
    rng = np.random.default_rng(seed)
    return LinkageCore(cases, view, weights, batch=agent.n_envs, rng=rng)
