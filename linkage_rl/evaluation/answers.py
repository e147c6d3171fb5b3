"""What any system said of each client, and the figures that follow; no matter who said it.

Agents, rules and programs of other makers all end here: one array per question, one row per
client. Calibration and thresholds are chosen on the valid clients, figures are of the test clients.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.rewards import RewardWeights, ends
from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.calibration import choose_threshold, fit_isotonic
from linkage_rl.evaluation.curves import (
    RiskCoverage,
    area_under_risk_coverage,
    coverage_at_precision,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from linkage_rl.evaluation.evaluate import best_is_right
from linkage_rl.evaluation.metrics import Judgement, judge, measure
from linkage_rl.evaluation.report import PRECISIONS
from linkage_rl.records import DecisionKind, Decisions


@dataclass(frozen=True, eq=False)
class Answers:
    """One system, one split, N clients."""

    kind: NDArray[np.int8]
    """`DecisionKind` by the system's own judgement, shape (N,)."""
    pair: NDArray[np.int64]
    """Best candidate among the prepared cases, -1 for none or one they lack, shape (N,)."""
    confidence: NDArray[np.float32]
    """Any score of the best candidate that rises with certainty, 0 without one, shape (N,)."""
    right: NDArray[np.bool_]
    """Whether the best candidate is right, linked or not, shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the table holds a right company, shape (N,)."""
    ran: NDArray[np.uint16]
    """Blockers run, one bit per blocker, shape (N,)."""
    cost: NDArray[np.float32]
    """Cost of these blockers, unit: one correct link, shape (N,)."""
    dataset: NDArray[np.int16]
    """Which list a client is of, shape (N,)."""

    def __post_init__(self) -> None:
        sizes = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(sizes.values())) != 1:
            raise SchemaError(f"answers need one value per client in every array, got {sizes}")
        if np.any(self.right & ~self.has_row):
            raise SchemaError("answers name a right company for clients that have no row")

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def of(cls, decisions: Decisions, cases: CaseSet) -> Self:
        """What was decided about prepared cases."""
        return cls(
            decisions.kind,
            decisions.pair,
            decisions.confidence,
            best_is_right(decisions, cases),
            np.array(cases.has_row),
            decisions.ran,
            decisions.cost,
            np.array(cases.dataset),
        )

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Self:
        """The answers about these clients."""
        return replace(
            self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether there is a best candidate at all, shape (N,)."""
        return self.confidence > 0

    def judged(self, weights: RewardWeights) -> Judgement:
        """How the clients ended, and the value of that."""
        place = np.arange(len(self))
        decisions = Decisions(self.kind, place, self.confidence, self.ran, self.cost)
        value = weights.of_outcome[ends(self.kind, self.right, self.has_row)]
        rewards = value - weights.blocker_cost_scale * self.cost
        return judge(decisions, self.right, self.has_row, rewards)

    def save(self, path: Path) -> None:
        """Write the arrays as one `.npz`."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class Standing:
    """One run on the test clients of one list, its threshold chosen on the valid ones."""

    answers: Answers
    """Of the test clients, settled."""
    judgement: Judgement
    threshold: float | None
    """None where the system's own decisions were kept."""

    @property
    def curve(self) -> RiskCoverage:
        """Risk at every coverage."""
        return risk_coverage(self.answers.confidence, self.answers.right)

    def figures(self) -> dict[str, float]:
        """Every metric by name; those of the whole curve do not depend on the threshold."""
        curve = self.curve
        bins = reliability(self.answers.confidence, self.answers.right)
        named = {
            name: float(value)
            for name, value in vars(measure(self.judgement)).items()
            if value is not None
        }
        named |= {f"coverage_at_{at:.0%}": coverage_at_precision(curve, at) for at in PRECISIONS}
        named["aurc"] = area_under_risk_coverage(curve)
        named["ece"] = expected_calibration_error(bins)
        return named


def with_calibration(
    valid: Answers, test: Answers, dataset: int | None = None
) -> tuple[Answers, Answers]:
    """Both with their confidence as a probability, fitted on the valid clients.

    Without a valid client that has a candidate both stay as they are.

    Args:
        valid: Are fitted.
        test: Are told.
        dataset: The list whose clients alone are fitted and told; None for all.
    """

    def meant(answers: Answers) -> NDArray[np.bool_]:
        return answers.present & (dataset is None or answers.dataset == dataset)

    fits = meant(valid)
    if not fits.any():
        return valid, test
    fitted = fit_isotonic(valid.confidence[fits], valid.right[fits])

    def told(answers: Answers) -> Answers:
        said = np.where(meant(answers), fitted.apply(answers.confidence), answers.confidence)
        return replace(answers, confidence=said.astype(np.float32))

    return told(valid), told(test)


def stand(valid: Answers, test: Answers, goal: str | None, weights: RewardWeights) -> Standing:
    """Settle one list.

    Args:
        valid: Choose the threshold; confidence as the test clients have it.
        test: Are reported.
        goal: What the threshold serves, see `choose_threshold`; None keeps the own decisions.
        weights: Value of each outcome.
    """
    if goal is None:
        return Standing(test, test.judged(weights), None)
    chosen = choose_threshold(valid.confidence, valid.right, valid.has_row, goal, weights)
    linked = test.present & (test.confidence >= chosen.threshold)
    kind = np.where(linked, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8)
    settled = replace(test, kind=kind)
    return Standing(settled, settled.judged(weights), chosen.threshold)
