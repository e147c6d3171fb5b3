"""The warm start: when to run a blocker, fitted to the ranker's answers from full labels.

A state is a case with the set s of blockers that have run. In each state it is known whether the
answer of the ranker, a link or no match, would be right, and so its value R(s). Running blocker r
gains

    G(s, r) = -cost(r) + R(s + r) - R(s) + max(0, max_r' G(s + r, r')).

G is fitted by regression on sampled trajectories, the last term by its own estimate (fitted Q
iteration, Ernst et al. 2005). Only the output layers are trained, on contexts that are computed
once, so that it takes seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from linkage_rl.agents.plans import stop_rewards
from linkage_rl.agents.ranker import with_link_threshold
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy, one_thread, tensors
from linkage_rl.checks import COUNT, COUNT_OR_NONE, POSITIVE, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.threads import ahead, spread

_CHUNK = 2048


@dataclass(frozen=True)
class WarmStartConfig:
    """How the output layers for blockers and value are fitted.

    Raises:
        ConfigError: A number is out of its range.
    """

    samples: int = 500_000
    """States to fit to, at most."""
    iterations: int = 3
    """Fits of the gain, each of which looks one blocker further ahead."""
    updates: int = 2_000
    """Gradient steps of each fit."""
    batch_size: int = 1024
    """States in one gradient step."""
    learning_rate: float = 3e-3
    """At the start; it falls linearly to 0."""
    value_updates: int = 1000
    """Gradient steps in which the value-based algorithms fit the Q-values of all actions."""
    value_batch_size: int = 512
    """States in one of those."""
    run_threshold_cases: int = 8_000
    """Cases on which the run thresholds of the blockers are chosen (see `run_thresholds`): those of
    validation, and training cases where there are fewer; 0 sets no run thresholds."""
    temperature: float = 0.05
    """Gain, in correct links, that raises a blocker's logit by one."""

    def __post_init__(self) -> None:
        counts = ("samples", "iterations", "updates", "value_updates")
        check_ranges(
            "training.warm_start",
            self,
            {
                **dict.fromkeys((*counts, "batch_size", "value_batch_size"), COUNT),
                "run_threshold_cases": COUNT_OR_NONE,
                "learning_rate": POSITIVE,
                "temperature": POSITIVE,
            },
        )


@dataclass(frozen=True)
class Trajectories:
    """M states of trajectories, one trajectory after the other.

    A trajectory belongs to one case. It starts at the state in which no blocker has run; each next
    state has one blocker more.
    """

    case: NDArray[np.int64]
    """Shape (M,)."""
    ran: NDArray[np.uint16]
    """Blockers that have run, one bit per blocker; shape (M,)."""
    blocker: NDArray[np.int64]
    """Blocker that leads to the next state, -1 at the end of a trajectory; shape (M,)."""


def sample_trajectories(
    cases: CaseSet, blockers: int, states: int, rng: np.random.Generator
) -> Trajectories:
    """Trajectories of cases in random order, each through its available blockers in random order.

    Args:
        cases: Where to draw from.
        blockers: Number of blockers R.
        states: States to return, at most; every trajectory is complete.
        rng: Draws cases and orders.
    """
    chosen = rng.permutation(len(cases))[: max(states // (blockers + 1), 1)]
    available = (cases.available[chosen][:, None] >> np.arange(blockers)) & 1 > 0
    # Unavailable blockers sort to the end of each row.
    order = np.argsort(rng.random(available.shape) + ~available, axis=1)
    counts = available.sum(axis=1)
    bits = np.where(np.arange(blockers) < counts[:, None], 1 << order, 0)
    ran = np.zeros((len(chosen), blockers + 1), dtype=np.uint16)
    ran[:, 1:] = np.bitwise_or.accumulate(bits, axis=1)
    blocker = np.full(ran.shape, -1, dtype=np.int64)
    blocker[:, :-1] = np.where(np.arange(blockers) < counts[:, None], order, -1)
    kept = np.arange(blockers + 1) <= counts[:, None]
    case = np.broadcast_to(chosen[:, None], ran.shape)
    return Trajectories(case[kept], ran[kept], blocker[kept])


@dataclass(frozen=True)
class StateValues:
    """What the output layers are fitted to, for M states."""

    context: Tensor
    """Context of the scorer, the input of its output layers; shape (M, C)."""
    stop: Tensor
    """Value of the scorer's preferred link or no match, shape (M,)."""
    legal: Tensor
    """Which blockers can be run, shape (M, R)."""
    blocker: Tensor
    """Blocker that leads to the next state, -1 at the end of a trajectory; shape (M,)."""


def warm_start(
    ranker: CandidateScorer,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    config: WarmStartConfig,
    seed: int,
) -> CandidateScorer:
    """A scorer that answers like the ranker, and runs a blocker where a gain is expected.

    Args:
        ranker: As trained by `train_ranker`; stays as it is.
        cases: Labelled cases.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
        config: How to fit.
        seed: Decides samples and order; equal seeds give equal scorers.
    """
    scorer = with_link_threshold(ranker, weights.break_even().link)
    rng = np.random.default_rng(seed)
    trajectories = sample_trajectories(cases, len(view.costs), config.samples, rng)
    with one_thread():
        values = evaluate_states(scorer, trajectories, cases, view, weights)
        costs = weights.blocker_cost_scale * torch.tensor(view.costs, dtype=torch.float32)
        gains = _fit_gains(scorer, values, costs, weights, config, rng)
        best = values.stop + gains.clamp(min=0.0)
        _regress(scorer.value, values.context, best[:, None], None, config, rng)
    _scale_gains(scorer, config.temperature)
    return scorer


def evaluate_states(
    scorer: CandidateScorer,
    trajectories: Trajectories,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
) -> StateValues:
    """Contexts and values of stopping in all states of the trajectories."""
    slots = view.max_candidates

    def evaluated(begin: int) -> tuple[Tensor, NDArray[np.float32], NDArray[np.bool_]]:
        case = trajectories.case[begin : begin + _CHUNK]
        observation = view.observe(cases, case, trajectories.ran[begin : begin + _CHUNK])
        with torch.no_grad():
            _, context = scorer.pool(*tensors(observation))
        logits = ScorerPolicy(scorer).logits(observation)
        value = stop_rewards(logits, observation, cases, case, weights)
        return context, value, observation.action_mask[:, slots + 2 :] > 0

    chunks = range(0, len(trajectories.case), _CHUNK)
    contexts, stops, legal = zip(*spread(evaluated, chunks), strict=True)
    return StateValues(
        torch.cat(contexts),
        torch.from_numpy(np.concatenate(stops)),
        torch.from_numpy(np.concatenate(legal)),
        torch.from_numpy(trajectories.blocker),
    )


def _fit_gains(
    scorer: CandidateScorer,
    values: StateValues,
    costs: Tensor,
    weights: RewardWeights,
    config: WarmStartConfig,
    rng: np.random.Generator,
) -> Tensor:
    """Fit the gains of review and blockers; returns the best one per state, -inf without any."""
    blockers = len(costs)
    runs = values.blocker >= 0
    column = values.blocker.clamp(min=0)
    # The next row is the next state of the trajectory.
    following = (torch.arange(len(values.stop)) + 1).clamp(max=len(values.stop) - 1)
    difference = values.stop[following] - values.stop - costs[column]
    targets = torch.zeros(len(values.stop), 1 + blockers)
    targets[:, 0] = weights.review - values.stop
    known = torch.zeros_like(targets, dtype=torch.bool)
    known[:, 0] = True
    known[torch.arange(len(runs)), 1 + column] = runs
    _reset(scorer, values)
    best = torch.zeros(len(values.stop))
    for _ in range(config.iterations):
        ahead = difference + best[following].clamp(min=0.0)
        targets[torch.arange(len(runs)), 1 + column] = ahead
        targets[:, 0] = weights.review - values.stop
        _regress(scorer.gain, values.context, targets, known, config, rng)
        with torch.no_grad():
            gains = scorer.gain(values.context)[:, 1:]
        best = gains.masked_fill(~values.legal, -torch.inf).amax(dim=1)
    return best


def _reset(scorer: CandidateScorer, values: StateValues) -> None:
    """Let value and gains start at the level of their targets."""
    with torch.no_grad():
        scorer.gain[-1].bias.zero_()  # type: ignore[operator]
        scorer.value[-1].bias.fill_(float(values.stop.mean()))  # type: ignore[operator]


def _regress(
    head: torch.nn.Module,
    inputs: Tensor,
    targets: Tensor,
    known: Tensor | None,
    config: WarmStartConfig,
    rng: np.random.Generator,
) -> None:
    """Least squares on the known targets, shape (M, O)."""
    optimizer = torch.optim.Adam(head.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, config.updates)
    for some, wanted, counted in ahead(_batches(inputs, targets, known, config, rng)):
        errors = functional.mse_loss(head(some), wanted, reduction="none")
        loss = errors.mean() if counted is None else errors[counted].mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def _batches(
    inputs: Tensor,
    targets: Tensor,
    known: Tensor | None,
    config: WarmStartConfig,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Inputs, targets and which of them are known, of randomly drawn rows."""
    for _ in range(config.updates):
        rows = torch.from_numpy(rng.integers(len(inputs), size=config.batch_size))
        yield inputs[rows], targets[rows], None if known is None else known[rows]


def _scale_gains(scorer: CandidateScorer, temperature: float) -> None:
    """Divide the gains by the temperature, so that they are logits."""
    with torch.no_grad():
        for parameter in scorer.gain[-1].parameters():
            parameter.div_(temperature)
