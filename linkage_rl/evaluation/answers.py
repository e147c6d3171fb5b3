"""The one path from decisions to figures: answers, calibration, threshold, metrics.

An answer is what a system says of one client: a decision, its best candidate, and a confidence in
that candidate. Training runs, `evaluate`, the suite and peers (linkage programs of other makers)
all bring their answers into the arrays of `Answers`, one value per client, and are measured by the
same three steps:

1. `calibrate` maps confidence to probability, fitted on the validation clients;
2. `best_threshold` chooses the confidence from which on to link, on the validation clients;
3. `apply_threshold` decides the test clients, and `ThresholdedAnswers` has their figures.

A system with decisions of its own, such as hand-written rules, skips the first two steps.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.rewards import RewardWeights, outcomes_of_kinds
from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.evaluation.calibration import choose_threshold, fit_isotonic
from linkage_rl.evaluation.curves import (
    PRECISIONS,
    Reliability,
    RiskCoverage,
    area_under_risk_coverage,
    coverage_at_precision,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from linkage_rl.evaluation.metrics import Judgement, Metrics, bootstrap_intervals, judge, measure
from linkage_rl.records import DecisionKind, Decisions


@dataclass(frozen=True, eq=False)
class Answers:
    """What one system answers about N clients of one split, beside the truth."""

    kind: NDArray[np.int8]
    """`DecisionKind` that the system itself decides, shape (N,)."""
    has_candidate: NDArray[np.bool_]
    """Whether the system names a best candidate, linked or not; a client without one has
    confidence 0 and is never linked. Shape (N,)."""
    pair: NDArray[np.int64]
    """The best candidate as a pair of the prepared cases; -1 without a candidate, and for the
    candidate of a peer, which need not be among the prepared ones. Shape (N,)."""
    confidence: NDArray[np.float32]
    """Any score of the best candidate that rises with certainty, shape (N,)."""
    tied: NDArray[np.int16]
    """Candidates that the score is of: those that the client cannot tell apart from the best one,
    itself included; 1 where the score is of the best one alone, as after calibration; (N,)."""
    right: NDArray[np.bool_]
    """Whether the best candidate is a right company, linked or not, shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the table holds a right company, shape (N,)."""
    ran: NDArray[np.uint16]
    """Blockers run, one bit per blocker, shape (N,)."""
    cost: NDArray[np.float32]
    """Cost of these blockers, unit: one correct link; shape (N,)."""
    dataset: NDArray[np.int16]
    """Which client list a client comes from, shape (N,)."""

    def __post_init__(self) -> None:
        sizes = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(sizes.values())) != 1:
            raise SchemaError(f"answers need one value per client in every array, got {sizes}")
        if np.any(self.right & ~(self.has_row & self.has_candidate)):
            raise SchemaError("answers name a right company for clients that have no row")
        if np.any((self.kind == DecisionKind.LINK) & ~self.has_candidate):
            raise SchemaError("a link needs a candidate, got links of clients without one")
        if np.any((self.confidence != 0) & ~self.has_candidate):
            raise SchemaError("clients without a candidate need confidence 0, got others")

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def of(cls, decisions: Decisions, cases: CaseSet) -> Self:
        """Decisions about prepared cases 0..N-1, beside the truth of these cases."""
        has_candidate = decisions.candidate >= 0
        right = np.zeros(len(decisions), dtype=np.bool_)
        right[has_candidate] = cases.is_right[decisions.candidate[has_candidate]]
        return cls(
            kind=decisions.kind,
            has_candidate=has_candidate,
            pair=decisions.candidate,
            confidence=np.where(has_candidate, decisions.confidence, 0).astype(np.float32),
            tied=np.where(has_candidate, decisions.tied, 1).astype(np.int16),
            right=right,
            has_row=np.array(cases.has_row),
            ran=decisions.ran,
            cost=decisions.cost,
            dataset=np.array(cases.dataset),
        )

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Self:
        """The answers about these clients: positions, or a mask of shape (N,)."""
        return replace(
            self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    def calibrated(
        self, calibration: Calibration, clients: NDArray[np.bool_] | None = None
    ) -> Self:
        """The answers with their confidence mapped to a probability.

        Args:
            calibration: The map.
            clients: Mask of the clients it is meant for, shape (N,); None for all.
        """
        mapped = self.has_candidate if clients is None else self.has_candidate & clients
        probability = calibration.apply(self.confidence) / self.tied
        confidence = np.where(mapped, probability, self.confidence).astype(np.float32)
        tied = np.where(mapped, np.int16(1), self.tied)
        return replace(self, confidence=confidence, tied=tied)

    def judgement(self, weights: RewardWeights) -> Judgement:
        """How each client ended, and its reward: value of the outcome less blocker costs."""
        value = weights.of_outcome[outcomes_of_kinds(self.kind, self.right, self.has_row)]
        rewards = value - weights.blocker_cost_scale * self.cost
        return judge(self.kind, self.right, self.has_row, self.ran, self.cost, rewards)

    def save(self, path: Path) -> None:
        """Write the arrays as one `.npz`."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputFileError: An array is missing, as in files of earlier versions.
        """
        names = [field.name for field in fields(cls)]
        with np.load(path) as arrays:
            if missing := sorted(set(names) - set(arrays.files)):
                raise InputFileError(
                    f"expected answers with {missing} in {path}, got {sorted(arrays.files)}; "
                    "they were saved by an earlier version: delete them and run the system again"
                )
            return cls(**{name: arrays[name] for name in names})


@dataclass(frozen=True, eq=False)
class ThresholdedAnswers:
    """One system on one client list, its threshold applied."""

    answers: Answers
    """Decided by the threshold."""
    judgement: Judgement
    threshold: float | None
    """Confidence from which on clients are linked; None where the system's own decisions count."""
    microseconds_per_client: float | None = None
    """Wall time from client to decision; None where it was not measured."""

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics of the decisions."""
        return measure(self.judgement, self.microseconds_per_client)

    @cached_property
    def curve(self) -> RiskCoverage:
        """Share of wrong links at every share of clients linked."""
        return risk_coverage(self.answers.confidence, self.answers.right)

    @cached_property
    def reliability(self) -> Reliability:
        """Stated confidence and observed frequency."""
        return reliability(self.answers.confidence, self.answers.right)

    def figures(self) -> dict[str, float]:
        """Every metric by name; `coverage_at_*`, `aurc` and `ece` do not depend on the threshold.

        `coverage_at_98%` is the largest share of clients that can be linked with a precision of
        98 %, `aurc` the area under the risk-coverage curve, `ece` the expected calibration error.
        """
        named = {
            name: float(value) for name, value in vars(self.metrics).items() if value is not None
        }
        named |= {
            f"coverage_at_{precision:.0%}": coverage_at_precision(self.curve, precision)
            for precision in PRECISIONS
        }
        named["aurc"] = area_under_risk_coverage(self.curve)
        named["ece"] = expected_calibration_error(self.reliability)
        return named

    def figures_with_interval(self) -> dict[str, float | int | None]:
        """`figures`, the threshold, and `f1_low` and `f1_high`, a 95 % bootstrap interval."""
        low, high = bootstrap_intervals(self.judgement, np.random.default_rng(0))["f1"]
        interval = {"threshold": self.threshold, "f1_low": low, "f1_high": high}
        return self.figures() | vars(self.metrics) | interval


def fit_calibration(
    answers: Answers, clients: NDArray[np.bool_] | None = None
) -> Calibration | None:
    """How often the best candidate, or one tied with it, is right; None without any candidate.

    Args:
        answers: Of validation clients.
        clients: Mask of the clients to fit, shape (N,); None for all.
    """
    fitted = answers.has_candidate if clients is None else answers.has_candidate & clients
    if not fitted.any():
        return None
    return fit_isotonic(
        answers.confidence[fitted], answers.right[fitted], tied=answers.tied[fitted]
    )


def calibrate(valid: Answers, test: Answers, dataset: int | None = None) -> tuple[Answers, Answers]:
    """Both with their confidence as a probability, fitted on the validation clients.

    Without a validation client that has a candidate both stay as they are.

    Args:
        valid: Answers to fit.
        test: Answers to calibrate besides.
        dataset: The client list to fit and calibrate; None for all lists together.
    """

    def of_dataset(answers: Answers) -> NDArray[np.bool_] | None:
        return None if dataset is None else answers.dataset == dataset

    calibration = fit_calibration(valid, of_dataset(valid))
    if calibration is None:
        return valid, test
    return (
        valid.calibrated(calibration, of_dataset(valid)),
        test.calibrated(calibration, of_dataset(test)),
    )


def best_threshold(valid: Answers, goal: str | None, weights: RewardWeights) -> float | None:
    """The threshold that serves the goal best on these clients.

    Args:
        valid: Validation answers with calibrated confidence.
        goal: See `choose_threshold`; None keeps the system's own decisions and gives None.
        weights: Value of each outcome.
    """
    if goal is None:
        return None
    chosen = choose_threshold(valid.confidence, valid.right, valid.has_row, goal, weights)
    return chosen.threshold


def apply_threshold(
    answers: Answers,
    threshold: float | None,
    weights: RewardWeights,
    microseconds_per_client: float | None = None,
) -> ThresholdedAnswers:
    """Link where the confidence reaches the threshold, and judge against the truth.

    Args:
        answers: With calibrated confidence.
        threshold: From `best_threshold`; None keeps the system's own decisions.
        weights: Value of each outcome.
        microseconds_per_client: Carried into the metrics; see `timing.live_microseconds`.
    """
    if threshold is not None:
        linked = answers.has_candidate & (answers.confidence >= threshold)
        kind = np.where(linked, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8)
        answers = replace(answers, kind=kind)
    judgement = answers.judgement(weights)
    return ThresholdedAnswers(answers, judgement, threshold, microseconds_per_client)
