"""What a peer's links are worth: calibrated and thresholded on valid, measured on test."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.peers.exchange import read_rows
from linkage_rl.envs.rewards import RewardWeights
from linkage_rl.errors import InputFileError
from linkage_rl.evaluation.calibration import choose_threshold, fit_isotonic
from linkage_rl.evaluation.curves import coverage_at_accuracy, risk_coverage
from linkage_rl.evaluation.metrics import bootstrap_intervals, judge, measure
from linkage_rl.evaluation.report import ACCURACIES
from linkage_rl.records import DecisionKind, Decisions

Figures = dict[str, float | int | str | None]


@dataclass(frozen=True, eq=False)
class Answers:
    """The best candidate of N clients of one split, beside the truth."""

    score: NDArray[np.float64]
    """Of the best candidate, -inf where there is none; shape (N,)."""
    is_right: NDArray[np.bool_]
    """Whether the best candidate is a right company, shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the table has the client, shape (N,)."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether there is a candidate, shape (N,)."""
        return np.isfinite(self.score)


def figures_of(folder: Path, output: Path, weights: RewardWeights | None = None) -> Figures:
    """The test metrics of a peer and what its run took; its error where it failed.

    Args:
        folder: What `prepare` wrote.
        output: What `run_peer` returned.
        weights: What each end is worth; None for the defaults.
    """
    ran: Figures = json.loads((output / "peer.json").read_text(encoding="utf-8"))
    if "error" in ran:
        return ran
    valid, test = (read_answers(folder, output, split) for split in ("valid", "test"))
    both = {"judged": len(valid.score) + len(test.score)}
    return ran | both | judged(valid, test, RewardWeights() if weights is None else weights)


def judged(valid: Answers, test: Answers, weights: RewardWeights) -> Figures:
    """Test metrics at the threshold that is best for F1 on valid; names as `Trial.figures`.

    Scores become probabilities by isotonic regression on valid, as those of every system do.
    """
    calibration = fit_isotonic(valid.score[valid.present], valid.is_right[valid.present])
    confidences = []
    for answers in (valid, test):
        confidence = np.zeros(len(answers.score), dtype=np.float32)
        confidence[answers.present] = calibration.apply(answers.score[answers.present])
        confidences.append(confidence)
    choice = choose_threshold(confidences[0], valid.is_right, valid.has_row, "f1", weights)
    decisions = _decisions(test, confidences[1], choice.threshold)
    judgement = judge(decisions, test.is_right, test.has_row, _rewards(decisions, test, weights))
    curve = risk_coverage(confidences[1], test.is_right)
    low, high = bootstrap_intervals(judgement, np.random.default_rng(0))["f1"]
    return {
        **vars(measure(judgement)),
        "threshold": choice.threshold,
        "f1_low": low,
        "f1_high": high,
        **{f"coverage_at_{goal:.0%}": coverage_at_accuracy(curve, goal) for goal in ACCURACIES},
        "proposed": float(test.is_right.sum() / max(int(test.has_row.sum()), 1)),
    }


def read_answers(folder: Path, output: Path, split: str) -> Answers:
    """The peer's best candidates of a split, in the order of the list.

    Raises:
        InputFileError: `links.csv` lacks a client of the list.
    """
    with (output / "links.csv").open(encoding="utf-8", newline="") as stream:
        linked = {
            row["client_id"]: (row["company_id"], row["score"])
            for row in csv.DictReader(stream)
            if row["split"] == split
        }
    truth = {row["client_id"]: row["company_id"] for row in read_rows(folder / f"{split}.csv")}
    if lacking := sorted(set(truth) - set(linked)):
        raise InputFileError(
            f"{output / 'links.csv'} needs a line for every client of {split}, lacks "
            f"{len(lacking)}, {lacking[0]!r} among them"
        )
    best = [linked[client_id] for client_id in truth]
    return Answers(
        np.array([float(score) if company_id else -np.inf for company_id, score in best]),
        np.array(
            [
                company_id != "" and company_id in right.split("|")
                for (company_id, _), right in zip(best, truth.values(), strict=True)
            ]
        ),
        np.array([right != "" for right in truth.values()]),
    )


def _decisions(answers: Answers, confidence: NDArray[np.float32], threshold: float) -> Decisions:
    """Link from the threshold on; the pair of a client is its place on the list."""
    count = len(confidence)
    linked = answers.present & (confidence >= threshold)
    return Decisions(
        kind=np.where(linked, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        pair=np.where(answers.present, np.arange(count), -1),
        confidence=confidence,
        bought=np.zeros(count, dtype=np.uint16),
        cost=np.zeros(count, dtype=np.float32),
    )


def _rewards(decisions: Decisions, answers: Answers, weights: RewardWeights) -> NDArray[np.float64]:
    linked = decisions.kind == DecisionKind.LINK
    of_links = np.where(answers.is_right, weights.correct_link, weights.wrong_link)
    of_others = np.where(answers.has_row, weights.missed_link, weights.correct_reject)
    return np.where(linked, of_links, of_others)
