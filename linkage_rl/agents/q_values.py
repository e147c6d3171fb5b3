"""Q-values from full labels: the warm start of the value-based algorithms.

In a labelled case the value of every link and of no match is known, not only that of an action that
was tried. The value of running a blocker is taken from the scorer that `warm_start` fitted.
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
    """How Q-values are expressed."""

    quantiles: int
    """Values per action: 1, or quantiles of the return."""
    reward_scale: float
    """Factor on the rewards, and so on the values."""
    temperature: float
    """Value, in correct links, that raises a logit by one."""


def q_value_scorer(
    scorer: CandidateScorer, q_config: QValueConfig, generator: torch.Generator
) -> CandidateScorer:
    """A scorer of Q-values with the embedding of `scorer` and new output layers.

    Args:
        scorer: Gives the embedding; stays as it is.
        q_config: How Q-values are expressed.
        generator: Draws the output layers.
    """
    config = replace(
        scorer.config,
        quantiles=q_config.quantiles,
        relative=False,
        temperature=q_config.temperature * q_config.reward_scale,
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
    q_config: QValueConfig,
    seed: int,
) -> CandidateScorer:
    """Fit the Q-values of all actions at once, by regression on sampled states.

    Args:
        start: From `warm_start`; gives the embedding and the value of running blockers.
        cases: Labelled cases.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
        config: How to fit.
        q_config: How Q-values are expressed.
        seed: Decides samples, order and new weights.
    """
    rng = np.random.default_rng(seed)
    trajectories = sample_trajectories(cases, len(view.costs), config.samples, rng)
    scorer = q_value_scorer(start, q_config, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(scorer.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.value_updates)
    with one_thread():
        next_blocker = _blocker_values(start, trajectories, cases, view, weights, config)
        for _ in range(config.value_updates):
            rows = rng.integers(len(trajectories.case), size=config.value_batch_size)
            observation = view.observe(cases, trajectories.case[rows], trajectories.ran[rows])
            targets, known = _targets(
                observation, cases, trajectories, rows, next_blocker[rows], view, weights
            )
            scores, _ = scorer.quantile_scores(*tensors(observation))
            loss = _loss(scores, torch.from_numpy(targets), torch.from_numpy(known))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    _rescale(scorer, q_config.reward_scale)
    return scorer


def _rescale(scorer: CandidateScorer, factor: float) -> None:
    """Multiply the values; they are fitted in correct links, a size that is learned fast."""
    with torch.no_grad():
        for last in (scorer.link, scorer.no_match[-1], scorer.gain[-1]):
            for parameter in last.parameters():
                parameter.mul_(factor)


def _blocker_values(
    start: CandidateScorer,
    trajectories: Trajectories,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    config: WarmStartConfig,
) -> NDArray[np.float32]:
    """Value of running the next blocker in each of M states, shape (M,).

    It has no meaning at the end of a trajectory.
    """
    values = evaluate_states(start, trajectories, cases, view, weights)
    with torch.no_grad():
        gains = start.gain(values.context)[:, 1:] * config.temperature
    best = gains.masked_fill(~values.legal, -torch.inf).amax(dim=1).clamp(min=0.0)
    following = np.minimum(np.arange(len(trajectories.case)) + 1, len(trajectories.case) - 1)
    costs = np.asarray(view.costs, dtype=np.float32)[np.maximum(trajectories.blocker, 0)]
    value: NDArray[np.float32] = (values.stop + best).numpy()[following]
    return (value - weights.blocker_cost_scale * costs).astype(np.float32)


def _targets(
    observation: Observation,
    cases: CaseSet,
    trajectories: Trajectories,
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
        cases.has_row[trajectories.case[rows]], weights.missed_link, weights.correct_reject
    )
    targets[:, layout.review] = weights.review
    known = observation.action_mask > 0
    known[:, layout.first_blocker :] = False
    runs = np.flatnonzero(trajectories.blocker[rows] >= 0)
    action = layout.first_blocker + trajectories.blocker[rows][runs]
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
