"""Policies that a bundle can hold besides learned ones: the rules, and what runs a static plan.

A bundle has no plan of its own: its policy chooses the blockers. These modules therefore choose the
blockers of a plan first, one per round, whatever else they would prefer.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from linkage_rl.agents.baselines import NO_RULE, RULES, UNIQUE, Rules
from linkage_rl.agents.scorer import MASKED, CandidateScorer
from linkage_rl.errors import ConfigError


class RulesNet(nn.Module):
    """The logits of `Rules`, from the parts of an observation."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        """Keep where the features are.

        Args:
            columns: Where a slot has each feature, see `baselines.rule_columns`.
        """
        super().__init__()
        self._columns = dict(columns)

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        """Logits (B, A); arguments as of `CandidateScorer.forward`."""
        slots = candidates.shape[1]
        filled = action_mask[:, :slots] > 0
        links = torch.full_like(candidates[:, :, 0], NO_RULE)
        undecided = torch.ones_like(filled[:, :1])
        for conditions, confidence in zip(RULES, Rules.CONFIDENCE, strict=True):
            meets = filled
            for names in conditions:
                meets = meets & reduce(
                    torch.logical_or, [self._holds(candidates, name) for name in names]
                )
            found = meets.sum(dim=1, keepdim=True)
            odds = torch.tensor(confidence / (1 - confidence), dtype=torch.float64)
            links = torch.where(meets & undecided & (found == 1), odds.log().to(links.dtype), links)
            undecided = undecided & (found == 0)
        links = links.masked_fill(~filled, MASKED)
        # no match has even odds; a graph loses the inputs that it does not read
        no_match = 0.0 * (query[:, :1] + state[:, :1])
        others = torch.full_like(action_mask[:, slots + 1 :], MASKED, dtype=links.dtype)
        return torch.cat([links, no_match, others], dim=1)

    def _holds(self, candidates: Tensor, name: str) -> Tensor:
        values = candidates[:, :, self._columns[name]]
        return values <= UNIQUE if name.endswith("_frequency") else values > 0


class ScorerLogits(nn.Module):
    """A scorer without its value head, which linking does not need."""

    def __init__(self, scorer: CandidateScorer) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        """Logits (B, A); arguments as of `CandidateScorer.forward`."""
        logits: Tensor = self.scorer(candidates, query, state, action_mask)[0]
        return logits


class BlockerLogits(nn.Module):
    """What a scorer prefers of stopping, review and the blockers, without scores of the links.

    Its scores of review and blockers are relative to the best link or no match, which is 0 here: it
    stops, and runs blockers, where the scorer does.
    """

    def __init__(self, scorer: CandidateScorer) -> None:
        """Keep the scorer.

        Raises:
            ConfigError: Its scores are not relative.
        """
        super().__init__()
        if not scorer.config.relative:
            raise ConfigError("expected a scorer with relative scores of blockers, got another")
        self.scorer = scorer

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        """Logits (B, A), 0 for no match; arguments as of `CandidateScorer.forward`."""
        slots, config = candidates.shape[1], self.scorer.config
        _, context = self.scorer.pool(candidates, query, state, action_mask)
        gains = self.scorer.gain(context).unflatten(1, (-1, config.quantiles)).mean(dim=2)
        links = torch.full_like(candidates[:, :, 0], MASKED)
        others = (gains / config.temperature).masked_fill(action_mask[:, slots + 1 :] <= 0, MASKED)
        return torch.cat([links, torch.zeros_like(links[:, :1]), others], dim=1)


class PlanFirst(nn.Module):
    """Runs the blockers of a static plan that apply, and no others; then decides as `policy`.

    It links as a `Decider` with that plan does.
    """

    planned: Tensor

    def __init__(self, policy: nn.Module, plan: Sequence[int], blockers: int) -> None:
        """Keep policy and plan.

        Args:
            policy: Gives logits (B, A) for the parts of an observation.
            plan: Positions of the blockers to run.
            blockers: Number of blockers R.
        """
        super().__init__()
        self.policy = policy
        planned = torch.zeros(blockers)
        planned[list(plan)] = 1.0
        self.register_buffer("planned", planned)

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        """Logits (B, A); arguments as of `CandidateScorer.forward`."""
        logits = self.policy(candidates, query, state, action_mask)
        first_blocker = candidates.shape[1] + 2
        legal = action_mask[:, first_blocker:] > 0
        due = legal & (self.planned > 0)
        waits = due.any(dim=1, keepdim=True)
        stops = logits[:, :first_blocker].masked_fill(waits, MASKED)
        runs = torch.where(due, 0.0, MASKED).to(stops.dtype)
        return torch.cat([stops, runs], dim=1)


class BlockersOf(nn.Module):
    """Runs the blockers that one policy chooses; once it stops, another one links or declines."""

    def __init__(self, blockers: nn.Module, stops: nn.Module) -> None:
        """Keep both policies.

        Args:
            blockers: Decides whether to stop, and which blocker to run.
            stops: Decides on a link, no match or review after that.
        """
        super().__init__()
        self.blockers, self.stops = blockers, stops

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        """Logits (B, A); arguments as of `CandidateScorer.forward`."""
        first_blocker = candidates.shape[1] + 2
        chosen = self.blockers(candidates, query, state, action_mask)
        stopping, running = chosen[:, :first_blocker], chosen[:, first_blocker:]
        stops = self.stops(candidates, query, state, action_mask)[:, :first_blocker]
        ends = stopping.amax(dim=1, keepdim=True) >= running.amax(dim=1, keepdim=True)
        return torch.cat(
            [torch.where(ends, stops, MASKED), torch.where(ends, MASKED, running)], dim=1
        )
