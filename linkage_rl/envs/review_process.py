"""The decision process of reviewing a list: pure functions of B lists side by side."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.checks import COUNT, NOT_NEGATIVE, Range, check_ranges
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.review_stack import StackedLists
from linkage_rl.errors import ConfigError

EDGES: Final = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
"""Confidences at which a stratum ends and the next begins."""
OUTCOMES: Final = ("correct_link", "wrong_link", "correct_reject", "missed_link")
"""What a decision about a client is; the order of every count of decisions."""
TERMS: Final = (*OUTCOMES, "clicks", "illegal")
"""Names of the reward terms."""
FEATURES: Final = ("size", "confidence", "answered", "right", "estimate", "linked")
"""What is observed of a stratum, each in [0, 1]."""


@dataclass(frozen=True)
class ReviewRules:
    """What a review costs, and what becomes of the clients that nobody was asked about."""

    edges: tuple[float, ...] = EDGES
    """Rising confidences in (0, 1) that bound the strata; S is one more than their number."""
    budget: int = 200
    """Clicks that may be spent on a list; a click is one answer about one client."""
    clicks: int = 10
    """Clicks of one action."""
    click_cost: float = 0.1
    """Unit: one correct link."""
    prior_clicks: float = 5.0
    """Answers that the stated confidence of a stratum weighs as much as."""
    weights: RewardWeights = field(default_factory=RewardWeights)
    """Value of a decision by its outcome; the costs of blockers play no role."""

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise((0, *self.edges, 1)))
        if not self.edges or not rising:
            raise ConfigError(f"expected rising edges between 0 and 1, got {self.edges}")
        check_ranges(
            "",
            self,
            {
                "budget": COUNT,
                "clicks": COUNT,
                "click_cost": NOT_NEGATIVE,
                "prior_clicks": Range(0, open_low=True),
            },
        )

    @property
    def strata(self) -> int:
        """Number of strata S."""
        return len(self.edges) + 1

    @property
    def values(self) -> NDArray[np.float64]:
        """Value of each of `OUTCOMES`, shape (4,)."""
        return np.array([getattr(self.weights, name) for name in OUTCOMES], dtype=np.float64)

    @property
    def threshold(self) -> float:
        """Probability from which on a link is worth more than no match."""
        return self.weights.break_even().link


@dataclass(frozen=True, eq=False)
class Review:
    """How far B reviews have come."""

    answered: NDArray[np.int64]
    """Clients of each stratum about which a person has answered, shape (B, S)."""
    right: NDArray[np.int64]
    """Those of them whose best candidate is right, shape (B, S)."""
    left: NDArray[np.int64]
    """Clicks left, shape (B,)."""
    done: NDArray[np.bool_]
    """Shape (B,)."""


def begin(lists: StackedLists, rules: ReviewRules) -> Review:
    """Nothing is answered yet."""
    batch = len(lists)
    nothing = np.zeros_like(lists.sizes)
    budget = np.full(batch, rules.budget)
    return Review(nothing, nothing, budget, np.zeros(batch, dtype=np.bool_))


def legal(lists: StackedLists, state: Review) -> NDArray[np.bool_]:
    """Legal actions, shape (B, S + 1): a stratum with open clients while clicks are left; stop."""
    asks = (lists.sizes > state.answered) & (state.left > 0)[:, None]
    return np.concatenate([asks, np.ones((len(lists), 1), dtype=np.bool_)], axis=1)


def advance(
    lists: StackedLists, rules: ReviewRules, state: Review, actions: NDArray[np.int64]
) -> Review:
    """Ask about the next clients of a stratum, or stop.

    An illegal action changes nothing, and a review that is done stays as it is.

    Args:
        lists: B lists.
        rules: Of the reviews.
        state: Before the actions.
        actions: A stratum, or S to stop, shape (B,).
    """
    rows, strata = np.arange(len(lists)), rules.strata
    stops = (actions == strata) & ~state.done
    chosen = np.minimum(actions, strata - 1)
    wanted = np.minimum(rules.clicks, lists.sizes[rows, chosen] - state.answered[rows, chosen])
    clicks = np.where(stops | state.done, 0, np.minimum(wanted, state.left))
    answered = state.answered.copy()
    answered[rows, chosen] += clicks
    right = lists.right_among_first(answered)
    left = state.left - clicks
    open_clients = (answered < lists.sizes).any(axis=1)
    done = state.done | stops | (left == 0) | ~open_clients
    return Review(answered, right, left, done)


def estimates(lists: StackedLists, rules: ReviewRules, state: Review) -> NDArray[np.float64]:
    """Share of each stratum whose best candidate is right, as far as is known; shape (B, S).

    The mean of a beta distribution whose prior is the stated confidence, worth `prior_clicks`
    answers (Gelman et al. 2013, "Bayesian Data Analysis", section 2.4).
    """
    prior = rules.prior_clicks
    return (prior * lists.mean + state.right) / (prior + state.answered)


def links(lists: StackedLists, rules: ReviewRules, state: Review) -> NDArray[np.bool_]:
    """Which clients are linked as long as nobody is asked about them, shape (B, M).

    Those whose confidence, corrected by what the answers say of their stratum, reaches the
    threshold of the rules.
    """
    shift = estimates(lists, rules, state) - lists.mean
    corrected = lists.confidence + lists.of_clients(shift.astype(np.float32))
    # a sum of floats may miss a threshold that it equals by a rounding error
    reaches: NDArray[np.bool_] = corrected >= np.float32(rules.threshold - 1e-6)
    return reaches


def outcomes(lists: StackedLists, rules: ReviewRules, state: Review) -> NDArray[np.int64]:
    """Decisions of each list by `OUTCOMES`, shape (B, 4).

    A client that was asked about is linked to its right company if the reviewer was shown it, and
    to none otherwise.
    """
    asked = _asked(lists, state.answered)
    linked = np.where(asked, lists.findable, links(lists, rules, state))
    correct = linked & np.where(asked, lists.findable, lists.right)
    missed = ~linked & lists.has_row
    all_linked, links_right, rejects_wrong = (
        kind.sum(axis=1) for kind in (linked, correct, missed)
    )
    rejects = lists.sizes.sum(axis=1) - all_linked
    counts = (links_right, all_linked - links_right, rejects - rejects_wrong, rejects_wrong)
    return np.stack(counts, axis=1)


def rewards(
    rules: ReviewRules,
    change: NDArray[np.int64],
    clicks: NDArray[np.int64],
    illegal: NDArray[np.bool_],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The terms of a reward by name, before weights, and their weighted sum; each of shape (B,).

    Args:
        rules: Have the weights.
        change: By how much the decisions of each of `OUTCOMES` grew, shape (B, 4).
        clicks: Spent in this step, shape (B,).
        illegal: Whether the action was illegal, shape (B,).
    """
    columns = (*change.T, clicks, illegal)
    terms = {name: column.astype(float) for name, column in zip(TERMS, columns, strict=True)}
    price = rules.click_cost * clicks - rules.weights.illegal * illegal
    return terms, change @ rules.values - price


def f1(lists: StackedLists, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of the links of each list, shape (B,).

    Args:
        lists: B lists.
        counts: Their decisions by `OUTCOMES`, shape (B, 4).
    """
    right, linked = counts[:, 0], counts[:, 0] + counts[:, 1]
    share: NDArray[np.float64] = 2 * right / np.maximum(linked + lists.has_row.sum(axis=1), 1)
    return share


def observe(
    lists: StackedLists, rules: ReviewRules, state: Review
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What an agent sees: `FEATURES` of each stratum (B, S, 6), and of the list (B, 3).

    Of the list: share of the budget left, clicks left per client of the list (at most 1), and the
    logarithm of the number of clients, 1 for a million.
    """
    sizes, answered = lists.sizes, state.answered
    total = sizes.sum(axis=1)
    free = ~_asked(lists, answered)
    linked = lists.counts(links(lists, rules, state) & free)
    columns = (
        sizes / total[:, None],
        lists.mean,
        answered / np.maximum(sizes, 1),
        state.right / np.maximum(answered, 1),
        estimates(lists, rules, state),
        linked / np.maximum(sizes - answered, 1),
    )
    strata = np.stack(columns, axis=2).astype(np.float32)
    whole = np.stack(
        [
            state.left / rules.budget,
            np.minimum(state.left / total, 1.0),
            np.minimum(np.log10(total) / 6, 1.0),
        ],
        axis=1,
    )
    return np.clip(strata, 0, 1), whole.astype(np.float32)


def _asked(lists: StackedLists, answered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which clients a person has answered about, shape (B, M)."""
    asked: NDArray[np.bool_] = lists.rank < lists.of_clients(answered.astype(np.int32))
    return asked
