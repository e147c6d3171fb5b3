"""Measures policies on prepared cases: decide, calibrate on valid, judge on test."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool, Thresholds
from linkage_rl.decision.pool import LivePool
from linkage_rl.decision.rewards import RewardWeights, decision_rewards
from linkage_rl.evaluation.calibration import choose_threshold, fit_isotonic
from linkage_rl.evaluation.metrics import Judgement, Metrics, judge, measure
from linkage_rl.records import Decisions, RecordBatch
from linkage_rl.text.canonical import canonicalise


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a decider did on a list whose truth is known."""

    decisions: Decisions
    judgement: Judgement
    metrics: Metrics
    is_right: NDArray[np.bool_]
    """Whether the best candidate is right, linked or not; shape (N,)."""


def judge_cases(decider: Decider, cases: CaseSet) -> Decisions:
    """The policy's own answers, raw; thresholds can then be moved without asking it again."""
    return decider.judge(PreparedPool(cases, decider.view), len(cases))


def evaluate(
    decider: Decider,
    judged: Decisions,
    cases: CaseSet,
    weights: RewardWeights,
    microseconds_per_client: float | None = None,
) -> Evaluation:
    """Settle what was judged of these cases and compare with the truth.

    Args:
        decider: Calibration and thresholds.
        judged: From `judge_cases`.
        cases: The labelled cases that were judged.
        weights: Value of each outcome.
        microseconds_per_client: Carried into the metrics; see `live_microseconds`.
    """
    decisions = decider.settle(judged)
    rewards = decision_rewards(decisions, cases, weights)
    judgement = judge(decisions, cases.is_right, cases.has_row, rewards)
    return Evaluation(
        decisions,
        judgement,
        measure(judgement, microseconds_per_client),
        best_is_right(decisions, cases),
    )


def evaluate_cases(
    decider: Decider,
    cases: CaseSet,
    weights: RewardWeights,
    microseconds_per_client: float | None = None,
) -> Evaluation:
    """Decide every case and compare with the truth; see `evaluate`."""
    judged = judge_cases(decider, cases)
    return evaluate(decider, judged, cases, weights, microseconds_per_client)


def best_is_right(decisions: Decisions, cases: CaseSet) -> NDArray[np.bool_]:
    """Whether the best candidate of each case is right, shape (N,)."""
    right = np.zeros(len(decisions), dtype=np.bool_)
    present = decisions.pair >= 0
    right[present] = cases.is_right[decisions.pair[present]]
    return right


def calibrated(decider: Decider, judged: Decisions, valid: CaseSet) -> Decider:
    """The decider with its confidence fitted to how often it is right on these cases."""
    present = judged.pair >= 0
    right = best_is_right(judged, valid)
    return replace(decider, calibration=fit_isotonic(judged.confidence[present], right[present]))


def with_threshold(
    decider: Decider, judged: Decisions, valid: CaseSet, goal: str, weights: RewardWeights
) -> Decider:
    """The decider with the threshold that serves the goal best on these cases."""
    decisions = decider.settle(judged)
    choice = choose_threshold(
        decisions.confidence, best_is_right(decisions, valid), valid.has_row, goal, weights
    )
    return replace(decider, thresholds=Thresholds(choice.threshold))


def live_microseconds(
    decider: Decider,
    index: CompanyIndex,
    blockers: Sequence[Blocker],
    limit: int,
    records: RecordBatch,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Time per client from raw record to decision, blockers run live, one thread.

    `clock` tells seconds: of the wall by default, of the processor by `time.process_time`.
    """
    begin = clock()
    pool = LivePool(index, blockers, Clients.of(canonicalise(records)), decider.view, limit)
    decider.decide(pool, len(records))
    return (clock() - begin) / max(len(records), 1) * 1e6
