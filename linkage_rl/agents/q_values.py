"""Action values with full labels: the warm start of the value-based algorithms.

In a labelled case the value of every stop is known, not only of the one that was tried, and the
value of running a blocker follows from the scorer that `warm_start` gave.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.ranker import right_answers
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import one_thread, tensors
from linkage_rl.agents.warm_start import (
    Trajectories,
    WarmStartConfig,
    evaluate_states,
    sample_trajectories,
)
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.records import Observation


@dataclass(frozen=True)
class QValueConfig:
    """How values are expressed."""

    quantiles: int
    """Values per action."""
    reward_scale: float
    """Factor on the rewards."""
    temperature: float
    """Value, in correct links, that raises a logit by one."""


def q_value_scorer(
    scorer: CandidateScorer, shape: QValueConfig, generator: torch.Generator
) -> CandidateScorer:
    """A scorer of action values with the embedding of another and new output layers."""
    config = replace(
        scorer.config,
        quantiles=shape.quantiles,
        relative=False,
        temperature=shape.temperature * shape.reward_scale,
    )
    values = CandidateScorer(config, generator)
    kept = ("embed.", "embed_query.", "mix.", "link_own.", "link_context.")
    weights = {name: w for name, w in scorer.state_dict().items() if name.startswith(kept)}
    values.load_state_dict({**values.state_dict(), **weights})
    return values


def fit_q_values(
    start: CandidateScorer,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    config: WarmStartConfig,
    shape: QValueConfig,
    seed: int,
) -> CandidateScorer:
    """Regress the values of all actions at once on sampled situations.

    Args:
        start: From `warm_start`; gives the embedding and the value of running blockers.
        cases: Labelled cases.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
        config: How to fit.
        shape: How values are expressed.
        seed: Decides samples, order and new weights.
    """
    rng = np.random.default_rng(seed)
    chains = sample_trajectories(cases, len(view.costs), config.samples, rng)
    scorer = q_value_scorer(start, shape, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(scorer.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.value_updates)
    with one_thread():
        next_blocker = _blocker_values(start, chains, cases, view, weights, config)
        for _ in range(config.value_updates):
            rows = rng.integers(len(chains.case), size=config.value_batch_size)
            observation = view.observe(cases, chains.case[rows], chains.ran[rows])
            targets, known = _targets(
                observation, cases, chains, rows, next_blocker[rows], view, weights
            )
            scores, _ = scorer.quantile_scores(*tensors(observation))
            loss = _loss(scores, torch.from_numpy(targets), torch.from_numpy(known))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    _rescale(scorer, shape.reward_scale)
    return scorer


def _rescale(scorer: CandidateScorer, factor: float) -> None:
    """Multiply the values; fitted in correct links they are of a size that is learned fast."""
    with torch.no_grad():
        for last in (scorer.link, scorer.no_match[-1], scorer.gain[-1]):
            for parameter in last.parameters():
                parameter.mul_(factor)


def _blocker_values(
    start: CandidateScorer,
    chains: Trajectories,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    config: WarmStartConfig,
) -> NDArray[np.float32]:
    """Value of running the next blocker of each chain, shape (M,); of no meaning at a chain's end."""
    seen = evaluate_states(start, chains, cases, view, weights)
    with torch.no_grad():
        gains = start.gain(seen.context)[:, 1:] * config.temperature
    best = gains.masked_fill(~seen.legal, -torch.inf).amax(dim=1).clamp(min=0.0)
    following = np.minimum(np.arange(len(chains.case)) + 1, len(chains.case) - 1)
    costs = np.asarray(view.costs, dtype=np.float32)[np.maximum(chains.blocker, 0)]
    value: NDArray[np.float32] = (seen.stop + best).numpy()[following]
    return (value - weights.blocker_cost_scale * costs).astype(np.float32)


def _targets(
    observation: Observation,
    cases: CaseSet,
    chains: Trajectories,
    rows: NDArray[np.int64],
    next_blocker: NDArray[np.float32],
    view: View,
    weights: RewardWeights,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Value of each action, and which of them are known; shapes (B, A)."""
    layout = view.layout
    targets = np.zeros(observation.action_mask.shape, dtype=np.float32)
    right = right_answers(cases, observation)[:, : layout.slots]
    targets[:, : layout.slots] = np.where(right, weights.correct_link, weights.wrong_link)
    targets[:, layout.no_match] = np.where(
        cases.has_row[chains.case[rows]], weights.missed_link, weights.correct_reject
    )
    targets[:, layout.review] = weights.review
    known = observation.action_mask > 0
    known[:, layout.first_blocker :] = False
    runs = np.flatnonzero(chains.blocker[rows] >= 0)
    action = layout.first_blocker + chains.blocker[rows][runs]
    targets[runs, action] = next_blocker[runs]
    known[runs, action] = True
    return targets, known


def _loss(scores: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """Squared error, or for several values the quantile loss (Dabney et al. 2018, eq. 8).

    Args:
        scores: Shape (B, A, quantiles).
        targets: Shape (B, A).
        known: Shape (B, A).
    """
    errors = targets[:, :, None] - scores
    quantiles = scores.shape[2]
    if quantiles == 1:
        return errors.square().squeeze(2)[known].mean()
    levels = (torch.arange(quantiles) + 0.5) / quantiles
    pinball = torch.maximum(levels * errors, (levels - 1) * errors)
    return pinball.mean(dim=2)[known].mean()
