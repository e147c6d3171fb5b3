"""The ranker: the scorer, trained with full labels to choose the right candidate or no match."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.scorer import MASKED, CandidateScorer, ScorerConfig, copy_scorer
from linkage_rl.agents.scorer_policy import one_thread, tensors
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Range, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.records import Observation
from linkage_rl.threads import ahead, spread

_log = logging.getLogger(__name__)
_CHUNK: Final = 2048


@dataclass(frozen=True)
class RankerConfig:
    """How the ranker is trained."""

    width: int = 32
    """Units of every hidden layer."""
    epochs: int = 20
    """Passes over the training cases, at most; training stops early once the validation loss no
    longer falls."""
    patience: int = 4
    """Passes without a lower validation loss before training stops."""
    batch_size: int = 512
    """Cases in a gradient step, at most."""
    min_batches: int = 64
    """Gradient steps for one showing of all cases, at least, as long as each has 16 cases."""
    min_updates: int = 100
    """Gradient steps in a pass, at least: few cases are repeated within a pass."""
    learning_rate: float = 3e-3
    """At the start; it falls to 0 along a cosine."""
    weight_decay: float = 0.05
    """Decoupled weight decay (AdamW, Loshchilov and Hutter 2019)."""
    ema_decay: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and
    returned (Polyak and Juditsky 1992); 0 takes the last weights."""
    all_blockers_share: float = 0.5
    """Share of the cases that are observed with every blocker run; the others with a random set."""

    def __post_init__(self) -> None:
        counts = ("width", "epochs", "patience", "batch_size", "min_batches", "min_updates")
        check_ranges(
            "ranker",
            self,
            {
                **dict.fromkeys(counts, COUNT),
                "learning_rate": POSITIVE,
                "weight_decay": NOT_NEGATIVE,
                "ema_decay": Range(0, 1, open_high=True),
                "all_blockers_share": SHARE,
            },
        )

    def batch_schedule(self, cases: int) -> tuple[int, int]:
        """Cases in a gradient step, and how often a pass repeats each of the training cases.

        >>> RankerConfig().batch_schedule(300), RankerConfig().batch_schedule(100_000)
        ((16, 6), (512, 1))
        """
        batch = min(self.batch_size, max(cases // self.min_batches, 16))
        return batch, -(-self.min_updates // -(-cases // batch))


Report = Callable[[int, float], None]
"""Called after each pass with its number, from 1, and the validation loss."""


def train_ranker(
    train: CaseSet,
    valid: CaseSet,
    view: View,
    config: RankerConfig,
    seed: int,
    report: Report | None = None,
) -> CandidateScorer:
    """Minimise the listwise cross-entropy; returns the weights with the lowest validation loss.

    The softmax over links and no match is then the probability of each answer. Several candidates
    can be right: the loss is the negative log of their summed probability. No match is the right
    answer where no right candidate is visible.

    Args:
        train: Labelled cases.
        valid: Labelled cases for the validation loss.
        view: How cases are shown.
        config: How to train.
        seed: Decides weights, order and sets of blockers; equal seeds give equal scorers.
        report: Called after each pass.
    """
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    scorer = CandidateScorer(ScorerConfig.fitting(train, view, config.width), generator)
    optimizer = torch.optim.AdamW(
        scorer.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    batch, repeats = config.batch_schedule(len(train))
    max_updates = -(-len(train) // batch) * repeats * config.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: 0.5 * (1 + math.cos(math.pi * min(step / max_updates, 1.0))),
    )
    average, updates = copy_scorer(scorer), 0
    best, best_loss, waited = average, math.inf, 0
    with one_thread():
        for epoch in range(1, config.epochs + 1):
            for shown in ahead(_shown_batches(train, view, config, rng)):
                loss = _batch_loss(scorer, *shown)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                updates += 1
                # A short average at first, so that the random initial weights soon drop out of it.
                _update_average(average, scorer, min(config.ema_decay, updates / (updates + 9)))
            valid_loss = _mean_loss(average, valid, view, config)
            if report is not None:
                report(epoch, valid_loss)
            _log.debug("ranker pass %d: validation loss %.4f", epoch, valid_loss)
            waited += 1
            if valid_loss < best_loss:
                best, best_loss, waited = copy_scorer(average), valid_loss, 0
            if waited >= config.patience:
                break
    return best


def _update_average(average: CandidateScorer, scorer: CandidateScorer, decay: float) -> None:
    with torch.no_grad():
        for mean, new in zip(average.parameters(), scorer.parameters(), strict=True):
            mean.lerp_(new, 1 - decay)


def batches(
    cases: int, config: RankerConfig, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Positions of the cases in each gradient step of one pass, in random order."""
    batch, repeats = config.batch_schedule(cases)
    for _ in range(repeats):
        order = rng.permutation(cases)
        for begin in range(0, cases, batch):
            yield order[begin : begin + batch]


def _shown_batches(
    cases: CaseSet, view: View, config: RankerConfig, rng: np.random.Generator
) -> Iterator[tuple[Observation, NDArray[np.bool_]]]:
    """What is observed in each gradient step of one pass, and the right answers."""
    for case in batches(len(cases), config, rng):
        ran = random_blockers(
            cases.available[case], len(view.costs), config.all_blockers_share, rng
        )
        yield _shown(cases, view, case, ran)


def _shown(
    cases: CaseSet, view: View, case: NDArray[np.int64], ran: NDArray[np.uint16]
) -> tuple[Observation, NDArray[np.bool_]]:
    observation = view.observe(cases, case, ran)
    return observation, right_answers(cases, observation)


def listwise_loss(stops: Tensor, right: Tensor) -> Tensor:
    """Negative log of the summed probability of the right answers, mean over the batch.

    Args:
        stops: Logits of the links and no match, shape (B, K + 1).
        right: Which of them are right, shape (B, K + 1), at least one per row.
    """
    chosen = torch.logsumexp(stops.masked_fill(~right, MASKED), dim=1)
    return (torch.logsumexp(stops, dim=1) - chosen).mean()


def right_answers(cases: CaseSet, observation: Observation) -> NDArray[np.bool_]:
    """Which answers are right: slots, or no match where no slot is; shape (B, K + 1)."""
    slots = observation.slot_candidates.shape[1]
    right = np.zeros((len(observation), slots + 1), dtype=np.bool_)
    if cases.pairs:
        pairs = observation.slot_candidates
        right[:, :slots] = (pairs >= 0) & cases.is_right[np.maximum(pairs, 0)]
    right[:, slots] = ~right[:, :slots].any(axis=1)
    return right


def random_blockers(
    available: NDArray[np.uint16], blockers: int, all_share: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Random sets of available blockers, one bit per blocker, shape (B,).

    Args:
        available: Blockers that apply to each case, shape (B,).
        blockers: Number of blockers R.
        all_share: Probability that all available blockers are in the set.
        rng: Draws the sets.
    """
    drawn = rng.integers(0, 1 << blockers, size=len(available), dtype=np.uint16)
    everything = rng.random(len(available)) < all_share
    return np.where(everything, available, available & drawn).astype(np.uint16)


def _batch_loss(
    scorer: CandidateScorer, observation: Observation, right: NDArray[np.bool_]
) -> Tensor:
    candidates, query, state, mask = tensors(observation)
    stops = scorer.stops(*scorer.pool(candidates, query, state, mask)).squeeze(2)
    legal = mask[:, : stops.shape[1]] > 0
    return listwise_loss(stops.masked_fill(~legal, MASKED), torch.from_numpy(right))


def _mean_loss(scorer: CandidateScorer, cases: CaseSet, view: View, config: RankerConfig) -> float:
    """Mean loss over all cases; their sets of blockers are random, but the same at each call."""
    ran = random_blockers(
        cases.available, len(view.costs), config.all_blockers_share, np.random.default_rng(0)
    )

    def loss_of(case: NDArray[np.int64]) -> float:
        with torch.inference_mode():
            loss = _batch_loss(scorer, *_shown(cases, view, case, ran[case]))
        return float(loss) * len(case)

    every = np.arange(len(cases))
    chunks = [every[begin : begin + _CHUNK] for begin in range(0, len(every), _CHUNK)]
    return sum(spread(loss_of, chunks)) / len(every)


def with_link_threshold(scorer: CandidateScorer, probability: float) -> CandidateScorer:
    """A copy that prefers a link to no match at this probability or above, by raising no match.

    The greedy action of the ranker links from one half on; a link has the highest value from
    `RewardWeights.break_even().link` on.
    """
    raised = copy_scorer(scorer)
    raise_by = math.log(probability / (1 - probability)) * raised.config.temperature
    with torch.no_grad():
        raised.no_match[-1].bias.add_(raise_by)  # type: ignore[operator]
    return raised
