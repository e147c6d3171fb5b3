"""Our policies after a number of clicks: who is asked, what is learned, and which threshold.

A *start* is the policy that decides the stream, whose decisions the reviewer sees, and from which
learning begins. Learning, calibration and threshold are those of `linkage-rl learn`: the threshold
is that of the highest expected F1 on clients of the stream that nobody was asked about.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from experiments.suite.click_lists import ClickLists
from experiments.suite.click_log import Logged, decide_and_log
from experiments.suite.click_reviewer import Habit, answers_on
from experiments.suite.systems import AGENT
from linkage_rl.agents.baselines import TopOne
from linkage_rl.agents.rules_net import BlockersOf, ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy, tensors
from linkage_rl.bundle import load_bundle
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, Thresholds, decide_cases
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.evaluation.answers import Answers
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.learned import Learned, confidence_of, learn_policy
from linkage_rl.feedback.learning import LearningConfig, learn_from_nothing
from linkage_rl.feedback.thresholds import expected_f1_threshold
from linkage_rl.protocols import Policy
from linkage_rl.records import Observation

NOTHING: Final = "nothing"
"""Start that knows nothing: the reviewer sees what the blockers find most promising."""
RANDOM: Final = "random"
STRATIFIED: Final = "stratified"
STRATA: Final = 10
"""Strata of equal width in confidence, each asked about as often."""


@dataclass(frozen=True)
class NetPolicy:
    """A network that gives logits for the parts of an observation, as a policy."""

    net: nn.Module

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A)."""
        with torch.inference_mode():
            return np.asarray(self.net(*tensors(observation)), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Start:
    """A policy before any click."""

    name: str
    lists: ClickLists
    scorer: CandidateScorer
    """For `NOTHING` only its shape is used."""
    calibration: Calibration

    @property
    def plan(self) -> tuple[int, ...] | None:
        """Blockers run for every client; None where the policy chooses them."""
        return tuple(range(len(self.lists.view.costs))) if self.name == NOTHING else None

    @cached_property
    def logged(self) -> Logged:
        """The stream as it was decided before any click."""
        policy = TopOne() if self.name == NOTHING else ScorerPolicy(self.scorer)
        decider = Decider(policy, self.lists.view, plan=self.plan)
        return decide_and_log(decider, self.lists.stream)

    def before(self, clients: LoggedCases) -> Learned:
        """The start itself, its threshold chosen on these clients."""
        confidence = confidence_of(self.scorer, self.calibration, clients)
        thresholds = Thresholds(expected_f1_threshold(confidence))
        return Learned(self.scorer, self.calibration, thresholds, False, 0.0)

    def learned(self, said: Judged, clients: LoggedCases, seed: int) -> Learned:
        """What answers teach, the threshold chosen on these clients."""
        config = LearningConfig()
        if self.name != NOTHING:
            return learn_policy(self.scorer, said, clients, self.calibration, None, config, seed)
        scorer, plain = learn_from_nothing(self.scorer, said, config, seed), Calibration.identity()
        threshold = expected_f1_threshold(confidence_of(scorer, plain, clients))
        return Learned(scorer, plain, Thresholds(threshold), True, 1.0)

    def answers(self, learned: Learned, cases: CaseSet) -> Answers:
        """What is decided about prepared cases, with calibrated confidence."""
        policy: Policy = ScorerPolicy(learned.scorer)
        if self.plan is None:
            # as the bundles of `linkage-rl learn` do
            nets = (ScorerLogits(self.scorer), ScorerLogits(learned.scorer))
            policy = NetPolicy(BlockersOf(*nets))
        decider = Decider(
            policy,
            self.lists.view,
            learned.calibration,
            learned.thresholds,
            self.plan,
        )
        decisions = decide_cases(decider, cases)
        # calibrated confidence is in the best candidate alone
        alone = replace(decisions, tied=np.ones_like(decisions.tied))
        return Answers.of(alone, cases)


def start_of(name: str, run: Path, lists: ClickLists) -> Start:
    """The start with the agent of a run."""
    calibration = load_bundle(run / "bundle").decider.calibration or Calibration.identity()
    return Start(name, lists, load_scorer(run / AGENT), calibration)


@dataclass(frozen=True, eq=False)
class AfterClicks:
    """A policy after some clicks."""

    clicks: int
    learned: Learned
    cpu_s: float
    """Processor time of learning."""


def learned_by_clicks(
    start: Start,
    counts: Sequence[int],
    habit: Habit,
    asking: str,
    seed: int,
) -> Iterator[AfterClicks]:
    """The policy after each number of clicks, each learned from the start anew.

    Args:
        start: Where learning begins.
        counts: Numbers of clicks; 0 gives the start itself.
        habit: How the reviewer answers.
        asking: `RANDOM` or `STRATIFIED`.
        seed: Of whom is asked about, of wrong answers and of learning.
    """
    pool, rest = start.lists.asked_about(seed)
    logged, unlabelled = start.logged, start.logged.logged_cases(rest)
    order = pool if asking == RANDOM else in_strata(pool, logged.confidence[pool])
    said, place = answers_on(logged, order[: max([*counts, 1])], habit, np.random.default_rng(seed))
    for count in counts:
        spent = time.process_time()
        judged = said.take(place < count)
        learned = (
            start.learned(judged, unlabelled, seed) if len(judged) else start.before(unlabelled)
        )
        yield AfterClicks(count, learned, time.process_time() - spent)


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
