"""PPO and MaskablePPO around the candidate scorer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from linkage_rl.agents.agent_config import AgentConfig
from linkage_rl.agents.rollouts import MaskableRollouts, Rollouts
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.agents.sb3_policies import (
    MaskableScorerActorCritic,
    ScorerActorCritic,
    load_weights,
)
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.warm_start import WarmStartConfig
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Range, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class PPOUpdates:
    """Settings of PPO that depend on where training starts."""

    n_steps: int
    """Steps of each of the n_envs episodes between two updates."""
    batch_size: int
    """Steps in one gradient step; must divide n_envs * n_steps."""
    learning_rate: float
    """At the start; it falls linearly to 0."""
    clip_range: float
    """How far one update may change the probability of an action, as a share of it."""
    temperature: float
    """Temperature of the softmax that actions are sampled from: near 0 they are the greedy ones,
    which are deployed."""
    ent_coef: float
    """Weight of the entropy bonus in the loss."""
    target_kl: float
    """An update ends early once the KL divergence from the policy before it exceeds 1.5 times
    this."""
    n_epochs: int = 4
    """Passes over the collected steps in an update."""


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
class PPOConfig(AgentConfig):
    """Proximal policy optimisation (Schulman et al. 2017)."""

    gae_lambda: float = 0.95
    """Bias against variance of the advantages (Schulman et al. 2016)."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
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
        super().__post_init__()
        check_ranges("agent", self, {"gae_lambda": SHARE, "vf_coef": NOT_NEGATIVE})
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
        """The temperature of the warm start, which gives the logits."""
        return warm.temperature

    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """The scorer with every blocker as likely as the best stop, so that blockers are tried."""
        scorer = copy_scorer(start)
        with torch.no_grad():
            scorer.gain[-1].bias.zero_()  # type: ignore[operator]
        return scorer

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model = PPO(
            ScorerActorCritic,
            LinkageVecEnv(core),
            rollout_buffer_class=Rollouts,
            **self._arguments(scorer, seed, warm),
        )
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
            "device": self.device,
        }


@dataclass(frozen=True)
class MaskablePPOConfig(PPOConfig):
    """PPO of sb3-contrib, which asks the environment for the mask.

    The mask is part of the observation as well, so that PPO learns the same.
    """

    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights."""
        model: BaseAlgorithm = MaskablePPO(
            MaskableScorerActorCritic,
            LinkageVecEnv(core),
            rollout_buffer_class=MaskableRollouts,
            **self._arguments(scorer, seed, warm),
        )
        load_weights(model.policy, scorer)  # type: ignore[arg-type]
        return model
