"""The batched core of the review environment; its adapters only translate it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from linkage_rl.envs import review_process as process
from linkage_rl.envs.review_lists import Lists, ReviewList, draw_list
from linkage_rl.envs.review_process import FEATURES, Review, ReviewRules
from linkage_rl.envs.review_stack import StackedLists
from linkage_rl.errors import ConfigError, IllegalActionError

ReviewObservation = dict[str, NDArray[np.float32] | NDArray[np.int8]]
"""An observation by part: strata, list and action_mask."""


@dataclass(frozen=True, eq=False)
class ReviewStep:
    """What one action in each of B reviews led to."""

    reward: NDArray[np.float32]
    """Shape (B,)."""
    terms: Mapping[str, NDArray[np.float64]]
    """Unweighted terms of the reward by name, each of shape (B,)."""
    done: NDArray[np.bool_]
    """Which reviews have ended, shape (B,)."""


class ReviewCore:
    """B reviews side by side."""

    def __init__(
        self,
        lists: Lists,
        rules: ReviewRules,
        *,
        batch: int = 1,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Prepare the core; `reset` starts it.

        Args:
            lists: Lists to draw from, or what draws them.
            rules: Of the reviews.
            batch: Reviews side by side, B.
            rng: Draws the lists and the order of questions; a new generator if None.

        Raises:
            ConfigError: There are no lists or no reviews.
        """
        if isinstance(lists, Sequence) and not len(lists):
            raise ConfigError("expected at least one list to review, got none")
        if batch < 1:
            raise ConfigError(f"expected at least 1 review side by side, got {batch}")
        self.source, self.rules, self.batch = lists, rules, batch
        self.rng = np.random.default_rng() if rng is None else rng
        self.begin([draw_list(lists, np.random.default_rng(0))] * batch)

    def begin(self, lists: Sequence[ReviewList]) -> None:
        """Start the reviews of these B lists."""
        self.lists = StackedLists.of(lists, self.rules.edges, self.rng)
        self.state: Review = process.begin(self.lists, self.rules)
        self.counts = process.outcomes(self.lists, self.rules, self.state)
        self.counts_before = self.counts

    def reset(self, position: int | None = None) -> None:
        """Start B reviews, of lists that are drawn or of the one at a position."""
        self.begin([draw_list(self.source, self.rng, position) for _ in range(self.batch)])

    def step(self, actions: NDArray[np.int64]) -> ReviewStep:
        """Act once in every review; those that are done stay as they are.

        Raises:
            IllegalActionError: An action lies outside the action space, or one is missing.
        """
        strata = self.rules.strata
        if actions.shape != (self.batch,) or actions.min() < 0 or actions.max() > strata:
            raise IllegalActionError(
                f"expected {self.batch} actions in 0..{strata}, got {actions.tolist()}"
            )
        was_done = self.state.done
        legal = process.legal(self.lists, self.state)[np.arange(self.batch), actions]
        before, counts = self.state, self.counts
        self.state = process.advance(self.lists, self.rules, before, actions)
        self.counts = process.outcomes(self.lists, self.rules, self.state)
        terms, reward = process.rewards(
            self.rules, self.counts - counts, before.left - self.state.left, ~legal & ~was_done
        )
        return ReviewStep(reward.astype(np.float32), terms, self.state.done)

    def replace_done(self) -> None:
        """Start a new review in place of each that is done."""
        rows = np.flatnonzero(self.state.done)
        if not len(rows):
            return
        drawn = [draw_list(self.source, self.rng) for _ in rows]
        fresh = StackedLists.of(drawn, self.rules.edges, self.rng)
        state = process.begin(fresh, self.rules)
        self.lists = self.lists.with_rows(rows, fresh)
        self.state = Review(
            *(
                _with_rows(getattr(self.state, one.name), rows, getattr(state, one.name))
                for one in fields(Review)
            )
        )
        counts = process.outcomes(fresh, self.rules, state)
        self.counts = _with_rows(self.counts, rows, counts)
        self.counts_before = _with_rows(self.counts_before, rows, counts)

    def observation(self) -> ReviewObservation:
        """What is observed of the reviews, a row for each."""
        strata, whole = process.observe(self.lists, self.rules, self.state)
        return {
            "strata": strata.reshape(self.batch, -1),
            "list": whole,
            "action_mask": process.legal(self.lists, self.state).astype(np.int8),
        }

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, S + 1)."""
        return process.legal(self.lists, self.state)

    def f1(self) -> NDArray[np.float64]:
        """F1 of the links as they are now, shape (B,)."""
        return process.f1(self.lists, self.counts)

    def f1_before(self) -> NDArray[np.float64]:
        """F1 of the links before the review, shape (B,)."""
        return process.f1(self.lists, self.counts_before)


def review_space(rules: ReviewRules) -> spaces.Dict:
    """Space of one observation."""
    return spaces.Dict(
        {
            "strata": spaces.Box(0.0, 1.0, (rules.strata * len(FEATURES),), np.float32),
            "list": spaces.Box(0.0, 1.0, (3,), np.float32),
            "action_mask": spaces.Box(0, 1, (rules.strata + 1,), np.int8),
        }
    )


def _with_rows(values: NDArray[Any], rows: NDArray[np.int64], fresh: NDArray[Any]) -> NDArray[Any]:
    changed = values.copy()
    changed[rows] = fresh
    return changed
