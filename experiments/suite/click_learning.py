"""Our policies after a number of clicks: who is asked, what is learned, and which threshold.

A *start* is the policy that decides the stream, whose decisions the reviewer sees, and from which
learning begins. The threshold is that of the highest expected F1 on clients of the stream that
nobody was asked about, by what the policy itself says of them; no label takes part in it.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_lists import ClickLists
from experiments.suite.click_log import Logged, decide_and_log
from experiments.suite.click_reviewer import Habit, answers_on
from experiments.suite.systems import AGENT
from linkage_rl.agents.baselines import TopOne
from linkage_rl.agents.scorer import CandidateScorer, load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.feedback.learning import LearningConfig, learn, learn_from_nothing
from linkage_rl.feedback.thresholds import expected_f1_threshold

NOTHING: Final = "nothing"
"""Start that knows nothing: the reviewer sees what the blockers find most promising."""
RANDOM: Final = "random"
STRATIFIED: Final = "stratified"
STRATA: Final = 10
"""Strata of equal width in confidence, each asked about as often."""


@dataclass(frozen=True, eq=False)
class Start:
    """A policy before any click."""

    name: str
    lists: ClickLists
    scorer: CandidateScorer
    """For `NOTHING` only its shape is used."""

    @property
    def plan(self) -> tuple[int, ...] | None:
        """Blockers run for every client; None where the policy chooses them."""
        return tuple(range(len(self.lists.view.costs))) if self.name == NOTHING else None

    def decider(self, scorer: CandidateScorer) -> Decider:
        """Decides with this scorer in place of that of the start."""
        return Decider(ScorerPolicy(scorer), self.lists.view, plan=self.plan)

    @cached_property
    def logged(self) -> Logged:
        """The stream as it was decided before any click."""
        decider = self.decider(self.scorer)
        if self.name == NOTHING:
            decider = replace(decider, policy=TopOne())
        return decide_and_log(decider, self.lists.stream)


def start_of(name: str, run: Path, lists: ClickLists) -> Start:
    """The start with the agent of a run."""
    return Start(name, lists, load_scorer(run / AGENT))


@dataclass(frozen=True, eq=False)
class Learned:
    """A policy after some clicks."""

    clicks: int
    scorer: CandidateScorer
    cpu_s: float
    """Processor time of learning."""


def learned_by_clicks(
    start: Start,
    pool: NDArray[np.int64],
    counts: Sequence[int],
    habit: Habit,
    asking: str,
    seed: int,
) -> Iterator[Learned]:
    """The policy after each number of clicks, each learned from the start anew.

    Args:
        start: Where learning begins.
        pool: Clients of the stream that may be asked about, in random order.
        counts: Numbers of clicks; 0 gives the start itself.
        habit: How the reviewer answers.
        asking: `RANDOM` or `STRATIFIED`.
        seed: Of wrong answers and of learning.
    """
    config, logged = LearningConfig(), start.logged
    order = pool if asking == RANDOM else in_strata(pool, logged.confidence[pool])
    said, place = answers_on(logged, order[: max(counts)], habit, np.random.default_rng(seed))
    for count in counts:
        spent = time.process_time()
        told = said.take(place < count)
        if not count:
            scorer = start.scorer
        elif start.name == NOTHING:
            scorer = learn_from_nothing(start.scorer, told, config, seed)
        else:
            scorer = learn(start.scorer, told, config, seed)
        yield Learned(count, scorer, time.process_time() - spent)


def in_strata(clients: NDArray[np.int64], confidence: NDArray[np.float32]) -> NDArray[np.int64]:
    """The clients in an order whose every beginning has as many of each stratum as possible.

    Args:
        clients: In random order, shape (N,).
        confidence: Of each, shape (N,).

    >>> in_strata(np.array([5, 6, 7, 8]), np.array([0.99, 0.98, 0.97, 0.1])).tolist()
    [5, 8, 6, 7]
    """
    stratum = np.minimum((confidence * STRATA).astype(np.int64), STRATA - 1)
    by_stratum = np.argsort(stratum, kind="stable")
    counts = np.bincount(stratum, minlength=STRATA)
    turn = np.empty(len(clients), dtype=np.int64)
    turn[by_stratum] = np.concatenate([np.arange(count) for count in counts])
    return clients[np.argsort(turn, kind="stable")]


def threshold_of(decider: Decider, unlabelled: CaseSet) -> float:
    """The threshold of the highest expected F1 on clients of which nobody knows the truth."""
    decided = decide_and_log(decider, unlabelled)
    return expected_f1_threshold(decided.confidence)
