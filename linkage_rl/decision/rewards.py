"""Rewards: outcomes, the named terms of a reward, their weights, and break-even probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.checks import FINITE, NOT_NEGATIVE, Range, check_ranges
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ActionLayout, Episodes, blocker_cost
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError
from linkage_rl.records import DecisionKind, Decisions


class Outcome(IntEnum):
    """How an episode ended, or that it has not ended yet."""

    RUNNING = 0
    CORRECT_LINK = 1
    WRONG_LINK = 2
    CORRECT_REJECT = 3
    MISSED_LINK = 4
    REVIEW = 5


TERMS: Final = (
    "correct_link",
    "wrong_link",
    "correct_reject",
    "missed_link",
    "review",
    "illegal",
    "blocker_cost",
)
"""Names of the reward terms; the first five are the outcomes in the order of `Outcome`."""


@dataclass(frozen=True)
class BreakEven:
    """Probabilities that the best candidate is right at which two decisions have the same value."""

    link: float
    """At this probability or above, a link has the highest value."""
    no_match: float
    """Below it, no match has the highest value; between the two, review has. Equal to `link` where
    review never has."""


@dataclass(frozen=True)
class RewardWeights:
    """Value of each reward term; unit: one correct link.

    Raises:
        ConfigError: The weights would reward a mistake.
    """

    correct_link: float = 1.0
    """Linked to the right company."""
    wrong_link: float = -4.0
    """Linked to another company, or to a company although the table has no row for the client."""
    correct_reject: float = 0.5
    """No match, and the table has no row for the client."""
    missed_link: float = -0.5
    """No match, but the table has a row for the client."""
    review: float = 0.1
    """Handed to a person."""
    illegal: float = -0.05
    """An action that the mask forbids; it has no other effect."""
    blocker_cost_scale: float = 1.0
    """Factor on the costs of the blockers that are run."""

    def __post_init__(self) -> None:
        check_ranges(
            "reward",
            self,
            {
                **{one.name: FINITE for one in fields(self)},
                "illegal": Range(high=0),
                "blocker_cost_scale": NOT_NEGATIVE,
            },
        )
        if self.wrong_link >= min(self.correct_link, self.correct_reject):
            raise ConfigError(
                "reward.wrong_link must lie below correct_link and correct_reject, got "
                f"{self.wrong_link}; otherwise linking every client earns most"
            )
        if self.missed_link >= self.correct_reject:
            raise ConfigError(
                f"reward.missed_link must lie below correct_reject, got {self.missed_link}"
            )

    @property
    def of_outcome(self) -> NDArray[np.float32]:
        """Value of each `Outcome`, shape (6,)."""
        return np.array(
            [0.0, *(getattr(self, name) for name in TERMS[:5])],
            dtype=np.float32,
        )

    def total(self, terms: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Weighted sum of the terms, shape (B,)."""
        reward = -self.blocker_cost_scale * terms["blocker_cost"]
        for name in TERMS[:6]:
            reward = reward + getattr(self, name) * terms[name]
        return reward.astype(np.float32)

    def break_even(self, allow_review: bool = False) -> BreakEven:
        """Break-even probabilities, taking a client whose best candidate is wrong to have no row.

        Chow's rule (Chow 1970, "On optimum recognition error and reject tradeoff") with a value
        for correct rejects.

        Args:
            allow_review: Whether review is one of the decisions.

        >>> RewardWeights().break_even()
        BreakEven(link=0.75, no_match=0.75)
        >>> even = RewardWeights().break_even(allow_review=True)
        >>> round(even.link, 2), round(even.no_match, 2)
        (0.82, 0.4)
        """
        reject = self.correct_reject - self.wrong_link
        single = reject / (reject + self.correct_link - self.missed_link)
        if allow_review:
            link = (self.review - self.wrong_link) / (self.correct_link - self.wrong_link)
            no_match = (self.correct_reject - self.review) / (
                self.correct_reject - self.missed_link
            )
            if no_match < link:
                return BreakEven(min(link, 1.0), max(no_match, 0.0))
        return BreakEven(single, single)

    @classmethod
    def from_costs(
        cls,
        link_value: float,
        wrong_link_cost: float,
        missed_link_cost: float,
        reject_value: float,
        review_cost: float,
    ) -> "RewardWeights":
        """Weights from amounts of money in one currency, all of them positive.

        Costs of blockers (`View.costs`) are in units of one correct link: divide amounts by
        `link_value`.

        Args:
            link_value: What a correct link saves, such as a manual look-up.
            wrong_link_cost: What a wrong link costs: rework, contact with the wrong company.
            missed_link_cost: What a missed link costs on top of the manual look-up.
            reject_value: Value of knowing that the table has no row for a client.
            review_cost: Labour of one review, after which the right answer is known.

        Raises:
            ConfigError: `link_value` is not positive.

        >>> RewardWeights.from_costs(100, 400, 50, 50, 90).review
        0.1
        """
        if link_value <= 0:
            raise ConfigError(f"reward costs need link_value above 0, got {link_value}")
        return cls(
            correct_link=1.0,
            wrong_link=-wrong_link_cost / link_value,
            correct_reject=reject_value / link_value,
            missed_link=-missed_link_cost / link_value,
            review=(link_value - review_cost) / link_value,
        )


def outcomes(
    layout: ActionLayout,
    action: NDArray[np.int64],
    pair_is_right: NDArray[np.bool_],
    has_row: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """`Outcome` of each episode, shape (B,).

    Args:
        layout: Meaning of the actions.
        action: The action that ended each episode, -1 while it goes on, shape (B,).
        pair_is_right: Whether the pair in the slot that the action names is right, shape (B,);
            ignored for other actions.
        has_row: Whether the table has a row for the client, shape (B,).
    """
    linked = np.where(pair_is_right, Outcome.CORRECT_LINK, Outcome.WRONG_LINK)
    rejected = np.where(has_row, Outcome.MISSED_LINK, Outcome.CORRECT_REJECT)
    stopped = np.where(
        action < layout.slots, linked, np.where(action == layout.no_match, rejected, Outcome.REVIEW)
    )
    return np.where(action < 0, Outcome.RUNNING, stopped).astype(np.int8)


def terms(
    view: View,
    before: Episodes,
    after: Episodes,
    outcome: NDArray[np.int8],
) -> dict[str, NDArray[np.float32]]:
    """The unweighted terms of one step by name (`TERMS`), each of shape (B,).

    All are 0 or 1 but for `blocker_cost`, the cost of the blocker that the step ran.

    Args:
        view: Has the costs.
        before: The episodes before the step.
        after: The episodes after the step.
        outcome: `Outcome` of each episode after the step, shape (B,).
    """
    newly_run = after.ran & ~before.ran
    named = {
        name: (outcome == index).astype(np.float32) for index, name in enumerate(TERMS[:5], start=1)
    }
    named["illegal"] = ((newly_run == 0) & (outcome == Outcome.RUNNING)).astype(np.float32)
    named["blocker_cost"] = blocker_cost(newly_run, np.asarray(view.costs, dtype=np.float32))
    return named


def decision_outcomes(decisions: Decisions, cases: CaseSet) -> NDArray[np.int8]:
    """`Outcome` of each decision about cases 0..N-1, shape (N,)."""
    right = (decisions.candidate >= 0) & (
        cases.is_right[np.maximum(decisions.candidate, 0)] if cases.pairs else False
    )
    return outcomes_of_kinds(decisions.kind, right, cases.has_row)


def outcomes_of_kinds(
    kind: NDArray[np.int8], right: NDArray[np.bool_], has_row: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """`Outcome` of each decision, shape (N,).

    Args:
        kind: `DecisionKind`, shape (N,).
        right: Whether the best candidate is right, shape (N,).
        has_row: Whether the table has a row for the client, shape (N,).
    """
    linked = np.where(right, Outcome.CORRECT_LINK, Outcome.WRONG_LINK)
    rejected = np.where(has_row, Outcome.MISSED_LINK, Outcome.CORRECT_REJECT)
    stopped = np.where(kind == DecisionKind.LINK, linked, rejected)
    return np.where(kind == DecisionKind.REVIEW, Outcome.REVIEW, stopped).astype(np.int8)


def decision_rewards(
    decisions: Decisions, cases: CaseSet, weights: RewardWeights
) -> NDArray[np.float32]:
    """Value of each decision about cases 0..N-1 minus the cost of its blockers, shape (N,)."""
    value = weights.of_outcome[decision_outcomes(decisions, cases)]
    return (value - weights.blocker_cost_scale * decisions.cost).astype(np.float32)
