"""Learns from verdicts: maximum a posteriori fine-tuning of a scorer, of which a part is kept.

A verdict leaves a set of answers possible, and the loss is the negative log of their summed
probability. Few verdicts would harm a good scorer: the weights are therefore held at the start by
a Gaussian prior, and only n / (n + 200) of the way from the start is gone with n verdicts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.ranker import RankerConfig
from linkage_rl.agents.scorer import MASKED, CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, Range, check_ranges
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.scoring import FilledSlots, answer_shares

STOP_LAYERS: Final = (
    "embed",
    "embed_query",
    "mix",
    "link_own",
    "link_context",
    "link",
    "no_match",
)
"""Layers that links and no match depend on: those that verdicts teach."""

_MEMORY: Final = 0.95
"""Share of the moving average of the weights that a gradient step leaves as it was."""
_MORE_UPDATES: Final = 3
"""Times as many gradient steps are made from nothing as from a policy."""


@dataclass(frozen=True)
class LearningConfig:
    """How verdicts are learned."""

    learning_rate: float = 4e-3
    """At the start; it falls to 0 along a cosine."""
    batch_size: int = 128
    """Verdicts in a gradient step, at most."""
    min_updates: int = 60
    """Gradient steps for a handful of verdicts."""
    max_updates: int = 120
    """Gradient steps from 1,000 verdicts on."""
    prior: float = 10.0
    """Weight of the squared distance from the start, in verdicts."""
    half_step: float = 200.0
    """Verdicts at which half of the way from the start is gone."""
    wrong_share: float = 0.02
    """Share of verdicts that are taken for slips, in [0, 0.5)."""

    def __post_init__(self) -> None:
        check_ranges(
            "learning",
            self,
            {
                **dict.fromkeys(("batch_size", "min_updates", "max_updates"), COUNT),
                "learning_rate": POSITIVE,
                "prior": NOT_NEGATIVE,
                "half_step": NOT_NEGATIVE,
                "wrong_share": Range(0, 0.5, open_high=True),
            },
        )

    def updates(self, verdicts: int) -> int:
        """Gradient steps.

        >>> LearningConfig().updates(0), LearningConfig().updates(5_000)
        (60, 120)
        """
        rising = self.min_updates + (self.max_updates - self.min_updates) * verdicts / 1_000
        return int(min(rising, max(self.max_updates, self.min_updates)))

    def rate(self, gone: float) -> float:
        """Learning rate once this share of the gradient steps is gone."""
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * gone))

    def step_share(self, verdicts: float) -> float:
        """Part of the way from the start to the tuned weights that is gone.

        >>> LearningConfig().step_share(200)
        0.5
        """
        return verdicts / (verdicts + self.half_step) if verdicts else 0.0


def learn(
    start: CandidateScorer, judged: Judged, config: LearningConfig, seed: int
) -> CandidateScorer:
    """A scorer that has learned verdicts; `start` itself is unchanged.

    Args:
        start: What is fine-tuned.
        judged: Verdicts on logged cases of the same features.
        config: How to learn.
        seed: Decides the order of the verdicts; equal seeds give equal scorers.
    """
    if not len(judged):
        return copy_scorer(start)
    tuned = _tuned(start, judged, config, seed)
    return between(start, tuned, config.step_share(judged.effective_size))


def learn_from_nothing(
    shape: CandidateScorer, judged: Judged, config: LearningConfig, seed: int
) -> CandidateScorer:
    """A scorer that knows nothing but the verdicts, trained as a ranker is.

    Args:
        shape: A scorer whose sizes are taken; its value and what it prefers of blockers are kept.
        judged: Verdicts, at least one.
        config: How to learn; rate and prior are those of a ranker.
        seed: Decides the first weights and the order.
    """
    fresh = CandidateScorer(shape.config, torch.Generator().manual_seed(seed))
    nothing = copy_scorer(shape)
    for name, layer in nothing.named_children():
        if name in STOP_LAYERS:
            layer.load_state_dict(fresh.get_submodule(name).state_dict())
    ranker = RankerConfig()
    from_scratch = replace(
        config,
        learning_rate=ranker.learning_rate,
        prior=0.0,
        min_updates=_MORE_UPDATES * config.min_updates,
        max_updates=_MORE_UPDATES * config.max_updates,
    )
    return _tuned(nothing, judged, from_scratch, seed, ranker.weight_decay)


def between(start: CandidateScorer, end: CandidateScorer, share: float) -> CandidateScorer:
    """The scorer at this share of the straight line from one to another of the same shape."""
    mixed = copy_scorer(start)
    with torch.no_grad():
        for weight, target in zip(mixed.parameters(), end.parameters(), strict=True):
            weight.lerp_(target, share)
    return mixed


def verdict_losses(
    scorer: CandidateScorer, judged: Judged, config: LearningConfig
) -> NDArray[np.float64]:
    """Negative log-likelihood of each verdict, slips allowed for, shape (N,)."""
    shares = answer_shares(scorer, judged.cases)
    allowed = np.where(judged.allowed, shares, 0).sum(axis=1, dtype=np.float64)
    slips = config.wrong_share
    likelihood: NDArray[np.float64] = -np.log(
        np.maximum((1 - 2 * slips) * np.minimum(allowed, 1) + slips, 1e-12)
    )
    return likelihood


def _tuned(
    start: CandidateScorer,
    judged: Judged,
    config: LearningConfig,
    seed: int,
    weight_decay: float = 0.0,
) -> CandidateScorer:
    """The moving average of the weights at the end of fine-tuning."""
    scorer = copy_scorer(start)
    weights = _stop_weights(scorer)
    average = [weight.detach().clone() for weight in weights]
    anchor = [weight.detach().clone() for weight in weights]
    updates, pull = config.updates(len(judged)), config.prior / len(judged)
    optimizer = torch.optim.AdamW(weights, weight_decay=weight_decay, fused=True)
    slots, allowed = FilledSlots(judged.cases), torch.from_numpy(judged.allowed)
    weighting = torch.from_numpy(judged.weights / judged.weights.mean())
    with one_thread():
        for update, batch in enumerate(_batches(len(judged), config.batch_size, updates, seed)):
            rows = torch.from_numpy(batch)
            loss = _loss(
                slots.logits(scorer, batch), allowed[rows], weighting[rows], config.wrong_share
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                # gradient of pull * |weights - anchor|^2
                gradients = [weight.grad for weight in weights if weight.grad is not None]
                torch._foreach_add_(gradients, weights, alpha=2 * pull)
                torch._foreach_add_(gradients, anchor, alpha=-2 * pull)
            optimizer.param_groups[0]["lr"] = config.rate(update / updates)
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, weights, 1 - min(_MEMORY, update / (update + 9)))
    with torch.no_grad():
        torch._foreach_copy_(weights, average)
    return scorer


def _stop_weights(scorer: CandidateScorer) -> list[Tensor]:
    return [
        weight
        for name, weight in scorer.named_parameters()
        if name.split(".", maxsplit=1)[0] in STOP_LAYERS
    ]


def _loss(logits: Tensor, allowed: Tensor, weights: Tensor, slips: float) -> Tensor:
    """Weighted mean of -log((1 - 2 slips) P(allowed) + slips)."""
    log_allowed = torch.logsumexp(logits.masked_fill(~allowed, MASKED), dim=1)
    log_likelihood = log_allowed - torch.logsumexp(logits, dim=1)
    if slips:
        log_likelihood = torch.log((1 - 2 * slips) * log_likelihood.exp() + slips)
    return -(weights * log_likelihood).mean()


def _batches(
    verdicts: int, batch_size: int, updates: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Positions of the verdicts in each gradient step: all of them where they are few."""
    rng = np.random.default_rng(seed)
    order = np.zeros(0, dtype=np.int64)
    for _ in range(updates):
        if verdicts <= batch_size:
            yield np.arange(verdicts)
            continue
        if len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(verdicts)])
        yield order[:batch_size]
        order = order[batch_size:]
