"""Policies of Stable-Baselines3 and sb3-contrib with the candidate scorer inside."""

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from linkage_rl.agents.scorer import MASKED, CandidateScorer, ScorerConfig

Parts = Mapping[str, Tensor]
"""An observation by part, as tensors: candidates, query, state, action_mask."""


class PassthroughExtractor(BaseFeaturesExtractor):
    """A features extractor that changes nothing: the scorer takes the observation by part."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        super().__init__(observation_space, features_dim=1)

    def forward(self, observations: Parts) -> Parts:
        """The observation itself."""
        return observations


def scorer_inputs(observation: Parts, features: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The parts in the order and shape in which a scorer takes them.

    Args:
        observation: With candidates of shape (B, K * F), or (B, K, F).
        features: Features of a candidate slot, F.
    """
    candidates = observation["candidates"]
    return (
        candidates.reshape(len(candidates), -1, features),
        observation["query"],
        observation["state"],
        observation["action_mask"],
    )


class _ScorerExtractor(nn.Module):
    """The scorer in place of `MlpExtractor`: its latent codes are the logits and the value."""

    def __init__(self, scorer: CandidateScorer, actions: int, temperature: float) -> None:
        super().__init__()
        self.scorer = scorer
        self.temperature = temperature
        self.latent_dim_pi = actions
        self.latent_dim_vf = 1

    def forward(self, features: Parts) -> tuple[Tensor, Tensor]:
        logits, value = self.scorer(*scorer_inputs(features, self.scorer.config.features))
        return logits / self.temperature, value[:, None]

    def forward_actor(self, features: Parts) -> Tensor:
        return self.forward(features)[0]

    def forward_critic(self, features: Parts) -> Tensor:
        return self.forward(features)[1]


class _ScorerActorCriticMixin:
    """Makes a scorer the network of an actor-critic policy; mixed in before the base class."""

    mlp_extractor: Any
    action_net: Any
    value_net: Any

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        scorer: ScorerConfig,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        """As the base class.

        Args:
            observation_space: That of the environment.
            action_space: That of the environment.
            lr_schedule: Learning rate by remaining progress.
            scorer: Shape of the network.
            temperature: Temperature of the sampled actions; the greedy one does not depend on it.
            **kwargs: For the base class.
        """
        self._scorer_config = scorer
        self._temperature = temperature
        kwargs.setdefault("features_extractor_class", PassthroughExtractor)
        # Orthogonal weights of gain sqrt(2) would overwrite those that the scorer draws.
        kwargs["ortho_init"] = False
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)  # type: ignore[call-arg]

    def _build_mlp_extractor(self) -> None:
        actions: int = self.action_space.n  # type: ignore[attr-defined]
        self.mlp_extractor = _ScorerExtractor(
            CandidateScorer(self._scorer_config), actions, self._temperature
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        # The scorer gives logits and value itself; the base class would put layers on top.
        self.action_net = nn.Identity()
        self.value_net = nn.Identity()
        self.optimizer = self.optimizer_class(  # type: ignore[attr-defined]
            self.parameters(),  # type: ignore[attr-defined]
            lr=lr_schedule(1),
            **self.optimizer_kwargs,  # type: ignore[attr-defined]
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._get_constructor_parameters()  # type: ignore[misc]
        return {
            **parameters,
            "scorer": self._scorer_config,
            "temperature": self._temperature,
        }

    @property
    def scorer(self) -> CandidateScorer:
        """The network."""
        scorer: CandidateScorer = self.mlp_extractor.scorer
        return scorer


class ScorerActorCritic(_ScorerActorCriticMixin, ActorCriticPolicy):
    """Policy for PPO; the mask in the observation rules out illegal actions."""


class MaskableScorerActorCritic(_ScorerActorCriticMixin, MaskableActorCriticPolicy):
    """Policy for MaskablePPO, which applies the mask a second time, without effect."""


def _extracted(
    network: QNetwork | QuantileNetwork, obs: Any, features: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    extracted: Any = network.extract_features(obs, network.features_extractor)
    return scorer_inputs(extracted, features)


class ScorerQNetwork(QNetwork):
    """Q-values from a scorer; those of illegal actions are -1e8."""

    def __init__(self, *args: Any, scorer: ScorerConfig, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.q_net = CandidateScorer(scorer)  # type: ignore[assignment]
        self._scorer_features = scorer.features

    def forward(self, obs: Any) -> Tensor:
        """Q-values of all actions, shape (B, A)."""
        parts = _extracted(self, obs, self._scorer_features)
        scores, _ = self.q_net.quantile_scores(*parts)  # type: ignore[operator]
        values: Tensor = scores.squeeze(2)
        return values.masked_fill(parts[3] <= 0, MASKED)


class ScorerDQNPolicy(DQNPolicy):
    """Policy for DQN; the maximum in the target is over the legal actions only."""

    def __init__(self, *args: Any, scorer: ScorerConfig, **kwargs: Any) -> None:
        self._scorer_config = scorer
        kwargs.setdefault("features_extractor_class", PassthroughExtractor)
        super().__init__(*args, **kwargs)

    def make_q_net(self) -> QNetwork:
        """A Q-network with a scorer inside."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return ScorerQNetwork(**arguments, scorer=self._scorer_config).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "scorer": self._scorer_config}

    @property
    def scorer(self) -> CandidateScorer:
        """The network."""
        network: Any = self.q_net.q_net
        assert isinstance(network, CandidateScorer)
        return network


class ScorerQuantileNetwork(QuantileNetwork):
    """Quantiles of the return from a scorer; those of illegal actions are -1e8."""

    def __init__(self, *args: Any, scorer: ScorerConfig, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "n_quantiles": scorer.quantiles})
        self.quantile_net = CandidateScorer(scorer)  # type: ignore[assignment]
        self._scorer_features = scorer.features

    def forward(self, obs: Any) -> Tensor:
        """Quantiles of all actions, shape (B, quantiles, A)."""
        parts = _extracted(self, obs, self._scorer_features)
        scores, _ = self.quantile_net.quantile_scores(*parts)  # type: ignore[operator]
        masked: Tensor = scores.masked_fill(parts[3][:, :, None] <= 0, MASKED)
        return masked.transpose(1, 2)


class ScorerQRDQNPolicy(QRDQNPolicy):
    """Policy for QR-DQN."""

    def __init__(self, *args: Any, scorer: ScorerConfig, **kwargs: Any) -> None:
        self._scorer_config = scorer
        kwargs.setdefault("features_extractor_class", PassthroughExtractor)
        super().__init__(*args, **{**kwargs, "n_quantiles": scorer.quantiles})

    def make_quantile_net(self) -> QuantileNetwork:
        """A quantile network with a scorer inside."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        arguments.pop("n_quantiles")
        return ScorerQuantileNetwork(**arguments, scorer=self._scorer_config).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parameters = {**super()._get_constructor_parameters(), "scorer": self._scorer_config}
        parameters.pop("n_quantiles")
        return parameters

    @property
    def scorer(self) -> CandidateScorer:
        """The network."""
        network: Any = self.quantile_net.quantile_net
        assert isinstance(network, CandidateScorer)
        return network


ScorerModelPolicy = (
    ScorerActorCritic | MaskableScorerActorCritic | ScorerDQNPolicy | ScorerQRDQNPolicy
)


def load_weights(policy: ScorerModelPolicy, scorer: CandidateScorer) -> None:
    """Give a policy, and its target network if it has one, the weights of a scorer."""
    with torch.no_grad():
        policy.scorer.load_state_dict(scorer.state_dict())
        if isinstance(policy, ScorerDQNPolicy):
            policy.q_net_target.load_state_dict(policy.q_net.state_dict())
        elif isinstance(policy, ScorerQRDQNPolicy):
            policy.quantile_net_target.load_state_dict(policy.quantile_net.state_dict())
