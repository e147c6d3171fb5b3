"""A customer with another convention: a company that has moved to another city is another one.

The customer answers about clients of a list of moves; what is learned becomes the customer's own
policy. It is judged on the customer's other list, and on the lists of all others, for whom the
shared policy stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from experiments.suite.click_learning import RANDOM, Start, learned_by_clicks
from experiments.suite.click_lists import ClickLists, without_moved
from experiments.suite.click_reviewer import Habit
from experiments.suite.run_on_lists import LISTS
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.metrics import measure
from linkage_rl.feedback.learned import Learned

COUNTS: Final = (0, 10, 30, 100, 300, 1_000)
MOVES: Final = LISTS.index("moves")


@dataclass(frozen=True)
class CustomerTrial:
    """The policy of the customer after some clicks, with one seed."""

    clicks: int
    seed: int
    theirs: float
    """F1 on the customer's list by the customer's convention."""
    others: float
    """F1 on both lists by everyone else's."""
    shared: float
    """F1 of the shared policy there."""


def customer_trials(
    start: Start, seed: int, counts: Sequence[int] = COUNTS
) -> Iterator[CustomerTrial]:
    """The customer's policy after each number of clicks.

    Args:
        start: The shared policy.
        seed: Of the draw of clients and of learning.
        counts: Numbers of clicks.
    """
    theirs = replace(start, lists=lists_of_customer(start.lists))
    shared = next(iter(learned_by_clicks(start, [0], Habit(), RANDOM, seed))).learned
    for after in learned_by_clicks(theirs, counts, Habit(), RANDOM, seed):
        own = after.learned
        yield CustomerTrial(
            after.clicks, seed, _f1(theirs, own), _f1(start, own), _f1(start, shared)
        )


def lists_of_customer(lists: ClickLists) -> ClickLists:
    """The list of moves alone, by the customer's convention."""
    stream, valid = (
        without_moved(cases.take(np.flatnonzero(cases.dataset == MOVES)))
        for cases in (lists.stream, lists.valid)
    )
    return replace(lists, stream=stream, valid=valid)


def _f1(start: Start, learned: Learned) -> float:
    """F1 of a policy on all lists of the start together."""
    answers = start.answers(learned, start.lists.valid)
    return measure(answers.judgement(RewardWeights())).f1
