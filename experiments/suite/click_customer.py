"""A customer with another convention: a company that has moved to another city is another one.

The customer answers about clients of a list of moves; what is learned becomes the customer's own
policy. It is judged on the customer's other list, and on the lists of all others, for whom the
shared policy stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from experiments.suite.click_learning import RANDOM, Start, learned_by_clicks, threshold_of
from experiments.suite.click_lists import ClickLists, without_moved
from experiments.suite.click_reviewer import Habit
from experiments.suite.click_trials import BOTH, per_candidate, trials_of
from experiments.suite.run_on_lists import LISTS
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import decide_cases_raw
from linkage_rl.evaluation.answers import Answers

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
    pool, rest = theirs.lists.asked_about(seed)
    unlabelled = theirs.lists.stream.take(rest)
    _, for_all = start.lists.asked_about(seed)
    shared = _f1(start, start.scorer, start.lists.stream.take(for_all))
    for learned in learned_by_clicks(theirs, pool, counts, Habit(), RANDOM, seed):
        yield CustomerTrial(
            learned.clicks,
            seed,
            _f1(theirs, learned.scorer, unlabelled),
            _f1(start, learned.scorer, start.lists.stream.take(for_all)),
            shared,
        )


def lists_of_customer(lists: ClickLists) -> ClickLists:
    """The list of moves alone, by the customer's convention."""
    stream, valid = (
        without_moved(cases.take(np.flatnonzero(cases.dataset == MOVES)))
        for cases in (lists.stream, lists.valid)
    )
    return replace(lists, stream=stream, valid=valid)


def _f1(start: Start, scorer: CandidateScorer, unlabelled: CaseSet) -> float:
    """F1 on all lists of the start, with the threshold from clients that nobody judged."""
    decider = start.decider(scorer)
    threshold = threshold_of(decider, unlabelled)
    cases = start.lists.valid
    answers = per_candidate(Answers.of(decide_cases_raw(decider, cases), cases))
    trials = trials_of(("", "", ""), 0, 0, answers, threshold)
    return next(trial.f1 for trial in trials if trial.list_name == BOTH)
