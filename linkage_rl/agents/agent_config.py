"""What every learning algorithm is: a frozen dataclass of settings that builds its model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.warm_start import WarmStartConfig
from linkage_rl.checks import COUNT, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class AgentConfig(ABC):
    """An algorithm with its settings; `agent.*` in the configuration.

    To add one: write a subclass, and either name it in a YAML file of your own by
    `_target_: package.module.ClassName` (`--config-dir DIR agent=FILE`), or add a line to
    `algorithms.AGENTS` and a preset to `configs/agent/`. The contract tests run over `AGENTS`.

    Raises:
        ConfigError: A setting is out of its range.
    """

    n_envs: int = 1024
    """Episodes side by side."""
    device: str = "auto"
    """Device on which torch learns, as Stable-Baselines3 takes it: auto (CUDA where there is one),
    cpu, cuda, cuda:1, ... The matrices are small, so that the CPU is often the faster one; only the
    CPU has been measured here. Decisions are always made on the CPU."""

    def __post_init__(self) -> None:
        check_ranges("agent", self, {"n_envs": COUNT})
        if self.device != "auto":
            try:
                torch.device(self.device)
            except (RuntimeError, TypeError) as error:
                raise ConfigError(
                    f"expected agent.device to be auto, cpu, cuda or cuda:N, got {self.device!r}"
                ) from error

    @abstractmethod
    def adapt(
        self,
        start: CandidateScorer,
        cases: CaseSet,
        view: View,
        weights: RewardWeights,
        warm: WarmStartConfig,
        seed: int,
    ) -> CandidateScorer:
        """A warm-started scorer in the form in which this algorithm learns.

        Args:
            start: From `warm_start`; its logits are a policy, its value is that of the state.
            cases: Labelled cases.
            view: How cases are shown, and what blockers cost.
            weights: Value of each outcome.
            warm: How the warm start was fitted.
            seed: Decides samples and new weights.
        """

    @abstractmethod
    def temperature(self, warm: WarmStartConfig) -> float:
        """Value, in correct links, that raises a logit of the adapted scorer by one."""

    @abstractmethod
    def fresh(self, start: CandidateScorer, seed: int) -> CandidateScorer:
        """The untrained scorer `start` in the form in which this algorithm learns."""

    @abstractmethod
    def build(
        self, core: LinkageCore, scorer: CandidateScorer, seed: int, *, warm: bool
    ) -> BaseAlgorithm:
        """A model that learns on this core from these weights.

        Its policy must have the property `scorer`, from which decisions are made.

        Args:
            core: Steps `n_envs` episodes side by side.
            scorer: From `adapt` or `fresh`.
            seed: Given to Stable-Baselines3, which seeds its global generators with it.
            warm: Whether the scorer comes from `adapt`, so that little exploration is needed.
        """
