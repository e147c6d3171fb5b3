"""The network of every learned policy: it scores a set of candidates, whatever their order."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError

MASKED: Final = -1e8
"""Logit of an illegal action; finite, because 0 * -inf is nan."""

UNLIKELY: Final = -20.0
"""Logit of review and blockers over the best stop in an untrained scorer, which avoids them."""


@dataclass(frozen=True)
class ScorerConfig:
    """Shape of a scorer; the number of candidates K is not part of it."""

    features: int
    """Features of a candidate slot, F."""
    query: int
    """Features of a client, Q."""
    blockers: int
    """Blockers, R."""
    width: int = 32
    """Units of every hidden layer."""
    quantiles: int = 1
    """Values per action; more than 1 only for distributional Q-learning."""
    relative: bool = True
    """Whether the scores of review and blockers are relative to the best link or no match: above 0
    they are preferred to it."""
    temperature: float = 1.0
    """Scores are divided by it to give logits."""

    def __post_init__(self) -> None:
        if min(self.features, self.query, self.blockers, self.width, self.quantiles) < 1:
            raise ConfigError(f"a scorer needs every size at least 1, got {self}")
        if self.temperature <= 0:
            raise ConfigError(f"agent.temperature must be above 0, got {self.temperature}")

    @classmethod
    def fitting(cls, cases: CaseSet, view: View, width: int = 32) -> "ScorerConfig":
        """The shape that fits these cases under this view."""
        return cls(
            features=len(view.candidate_features(cases)),
            query=cases.query.shape[1],
            blockers=len(view.costs),
            width=width,
        )


class CandidateScorer(nn.Module):
    """Scores of all actions and the value of the state, from a set of candidates.

    DeepSets (Zaheer et al. 2017, eq. 4): each candidate is embedded alike, the embeddings are
    pooled by mean and maximum into a context, and each candidate is scored against the context.
    Reordering the candidates reorders the link scores and changes nothing else, and the same
    weights serve any number of candidates.
    """

    def __init__(self, config: ScorerConfig, generator: torch.Generator | None = None) -> None:
        """Draw the weights.

        Args:
            config: The shape.
            generator: Draws the weights; the global one of torch if None.
        """
        super().__init__()
        self.config = config
        width, outputs = config.width, config.quantiles
        pooled = 2 * width + config.query + config.blockers + 2
        self.embed = nn.Linear(config.features, width)
        self.embed_query = nn.Linear(config.query, width, bias=False)
        self.mix = nn.Linear(width, width)
        self.link_own = nn.Linear(width, width)
        self.link_context = nn.Linear(pooled, width, bias=False)
        self.link = nn.Linear(width, outputs)
        self.no_match = _head(pooled, width, outputs)
        self.gain = _head(pooled, width, (1 + config.blockers) * outputs)
        self.value = _head(pooled, width, 1)
        self._draw(generator)

    def _draw(self, generator: torch.Generator | None) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        # Small last layers start every action alike.
        for last in (self.link, self.no_match[-1], self.gain[-1], self.value[-1]):
            assert isinstance(last, nn.Linear)
            with torch.no_grad():
                last.weight.mul_(0.1)
                if last is self.gain[-1] and self.config.relative:
                    last.bias.fill_(UNLIKELY)

    def pool(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Embedded candidates (B, K, width) and the context (B, 2 * width + Q + R + 2)."""
        filled = action_mask[:, : candidates.shape[1], None].to(candidates.dtype)
        client = self.embed_query(query)[:, None]
        if torch.onnx.is_in_onnx_export():
            own = torch.relu(self.mix(torch.relu(self.embed(candidates) + client))) * filled
        else:
            own = self._embed_filled(candidates, client, filled)
        return own, _context(own, filled, query, state)

    def pool_rows(
        self, rows: Tensor, place: Tensor, filled: Tensor, query: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `pool`, from the features of the filled slots alone: faster to differentiate.

        Args:
            rows: Features of the M filled slots of all clients, shape (M, F).
            place: Client times K plus slot of each, shape (M,).
            filled: 1 where a slot is filled, else 0; shape (B, K, 1).
            query: As of `forward`.
            state: As of `forward`.
        """
        embedded = self.embed(rows)
        slots = embedded.new_zeros(filled.numel(), self.config.width)
        slots = slots.index_copy(0, place, embedded).unflatten(0, filled.shape[:2])
        client = self.embed_query(query)[:, None]
        own = torch.relu(self.mix(torch.relu(slots + client))) * filled
        return own, _context(own, filled, query, state)

    def _embed_filled(self, candidates: Tensor, client: Tensor, filled: Tensor) -> Tensor:
        """Embeddings of the filled slots, 0 in the empty ones, which most slots are early on.

        The exported graph embeds all slots instead: it cannot depend on how many are filled.
        """
        rows = filled.flatten().nonzero().squeeze(1)
        own = candidates.flatten(0, 1)[rows]
        own = torch.relu(self.embed(own) + client[rows // candidates.shape[1], 0])
        own = torch.relu(self.mix(own))
        empty = own.new_zeros(filled.numel(), own.shape[1])
        return empty.index_copy(0, rows, own).reshape(*candidates.shape[:2], own.shape[1])

    def stops(self, own: Tensor, context: Tensor) -> Tensor:
        """Scores of the K links and no match, shape (B, K + 1, quantiles)."""
        hidden = torch.relu(self.link_own(own) + self.link_context(context)[:, None])
        return torch.cat([self.link(hidden), self.no_match(context)[:, None]], dim=1)

    def quantile_scores(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Unmasked scores (B, A, quantiles) and value (B,)."""
        own, context = self.pool(candidates, query, state, action_mask)
        stops = self.stops(own, context)
        gains = self.gain(context).unflatten(1, (1 + self.config.blockers, self.config.quantiles))
        if self.config.relative:
            legal = action_mask[:, : stops.shape[1], None] > 0
            gains = gains + stops.masked_fill(~legal, MASKED).amax(dim=1, keepdim=True)
        return torch.cat([stops, gains], dim=1), self.value(context).squeeze(1)

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, A), illegal ones at -1e8, and value (B,).

        Args:
            candidates: Features of the slots, shape (B, K, F).
            query: Features of the client, shape (B, Q).
            state: Blockers run, share of slots filled, cost; shape (B, R + 2).
            action_mask: Above 0 where an action is legal, shape (B, K + 2 + R).
        """
        scores, value = self.quantile_scores(candidates, query, state, action_mask)
        logits = scores.mean(dim=2) / self.config.temperature
        return logits.masked_fill(action_mask <= 0, MASKED), value


def _context(own: Tensor, filled: Tensor, query: Tensor, state: Tensor) -> Tensor:
    """What is known of a client and all its candidates, shape (B, 2 * width + Q + R + 2)."""
    mean = own.sum(dim=1) / filled.sum(dim=1).clamp(min=1.0)
    # Embeddings are never negative, so the zeros of empty slots do not raise the maximum.
    return torch.cat([mean, own.amax(dim=1), query, state], dim=1)


def _head(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def copy_scorer(scorer: CandidateScorer, **changes: object) -> CandidateScorer:
    """An independent copy, with these fields of its config changed where the weights allow it."""
    config = replace(scorer.config, **changes)  # type: ignore[arg-type]
    twin = CandidateScorer(config, torch.Generator().manual_seed(0))
    twin.load_state_dict(scorer.state_dict())
    return twin


def save_scorer(scorer: CandidateScorer, path: Path) -> None:
    """Write weights and shape into one file without pickled code."""
    torch.save({"config": json.dumps(asdict(scorer.config)), "weights": scorer.state_dict()}, path)


def load_scorer(path: Path) -> CandidateScorer:
    """Read what `save_scorer` wrote."""
    saved = torch.load(path, weights_only=True)
    scorer = CandidateScorer(
        ScorerConfig(**json.loads(saved["config"])), torch.Generator().manual_seed(0)
    )
    scorer.load_state_dict(saved["weights"])
    return scorer
