"""Off-policy policy gradients on logged links, to be compared with learning by likelihood.

A policy is the softmax over the links and no match. Its value is estimated from links of another
policy whose chances are known; gradient ascent, prior, number of steps and the kept part of the
way are those of `feedback.learning`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import torch
from torch import Tensor

from experiments.suite.logged_links import LoggedLinks
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.feedback.learning import STOP_LAYERS, LearningConfig, between
from linkage_rl.feedback.scoring import Inputs, inputs_of, stop_logits

_MAX_RATIO: Final = 20.0
"""Ratios of new to old chances are cut here."""
_DECAY: Final = 0.98


class Estimator(StrEnum):
    """Of the value of a policy from the links of another."""

    IPS = "ips"
    """Rewards weighted by the ratio of the chances (Horvitz and Thompson 1952)."""
    SNIPS = "snips"
    """The same over the sum of the ratios (Swaminathan and Joachims 2015)."""
    DR = "dr"
    """A reward model, corrected by the ratios (Dudik, Langford and Li 2011)."""


@dataclass(frozen=True, eq=False)
class _Batch:
    """Logged links as tensors."""

    inputs: Inputs
    slot: Tensor
    reward: Tensor
    propensity: Tensor
    model: Tensor
    """What each answer earns if the shares of the logging policy are right, shape (B, K + 1)."""

    def take(self, rows: Tensor) -> "_Batch":
        inputs = self.inputs[0][rows], self.inputs[1][rows], self.inputs[2][rows]
        return _Batch(
            (*inputs, self.inputs[3][rows]),
            self.slot[rows],
            self.reward[rows],
            self.propensity[rows],
            self.model[rows],
        )


def climb(
    start: CandidateScorer,
    links: LoggedLinks,
    weights: RewardWeights,
    estimator: Estimator,
    seed: int,
) -> CandidateScorer:
    """A scorer of higher estimated value; `start` itself is unchanged.

    Args:
        start: Where the ascent begins; it made the links.
        links: Judged links.
        weights: Value of the outcomes.
        estimator: Of the value.
        seed: Of the order of the links.
    """
    config = LearningConfig()
    tuned = copy_scorer(start)
    learned: list[Tensor] = [
        weight
        for name, weight in tuned.named_parameters()
        if name.split(".", maxsplit=1)[0] in STOP_LAYERS
    ]
    anchor = [weight.detach().clone() for weight in learned]
    average = [weight.detach().clone() for weight in learned]
    updates, pull = config.updates(len(links)), config.prior / len(links)
    optimizer = torch.optim.AdamW(learned, lr=config.learning_rate, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / updates))
    )
    data, rng = _tensors(links, weights), np.random.default_rng(seed)
    with one_thread():
        for update in range(updates):
            size = min(config.batch_size, len(links))
            batch = data.take(torch.from_numpy(rng.permutation(len(links))[:size]))
            loss = -_value(tuned, batch, estimator)
            for weight, first in zip(learned, anchor, strict=True):
                loss = loss + pull * (weight - first).square().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, learned, 1 - min(_DECAY, update / (update + 9)))
    with torch.no_grad():
        torch._foreach_copy_(learned, average)
    return between(start, tuned, config.step_share(len(links)))


def _value(scorer: CandidateScorer, batch: _Batch, estimator: Estimator) -> Tensor:
    """Estimated mean reward of a client."""
    policy = torch.softmax(stop_logits(scorer, batch.inputs), dim=1)
    rows = torch.arange(len(batch.slot))
    ratio = (policy[rows, batch.slot] / batch.propensity).clamp(max=_MAX_RATIO)
    if estimator is Estimator.SNIPS:
        return (ratio * batch.reward).sum() / ratio.sum().clamp(min=1e-6)
    if estimator is Estimator.IPS:
        return (ratio * batch.reward).mean()
    beyond = batch.reward - batch.model[rows, batch.slot]
    return ((policy * batch.model).sum(dim=1) + ratio * beyond).mean()


def _tensors(links: LoggedLinks, weights: RewardWeights) -> _Batch:
    shares = links.shares
    model = shares * weights.correct_link + (1 - shares) * weights.wrong_link
    none = shares[:, -1]
    model[:, -1] = none * weights.correct_reject + (1 - none) * weights.missed_link
    reward = np.where(links.right, weights.correct_link, weights.wrong_link)
    return _Batch(
        inputs_of(links.cases),
        torch.from_numpy(links.slot),
        torch.from_numpy(reward.astype(np.float32)),
        torch.from_numpy(links.propensity.astype(np.float32)),
        torch.from_numpy(model.astype(np.float32)),
    )
