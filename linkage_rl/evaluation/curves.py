"""How good the confidence is: risk against coverage, and stated against observed frequency.

Coverage is the share of clients linked, risk the share of wrong links among them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError

PRECISIONS: Final = (0.95, 0.98, 0.99)
"""Precisions at which tables show how many clients could be linked."""


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Risk at each coverage when the most confident clients are linked first.

    One point for each distinct confidence, since clients of equal confidence are linked together.
    """

    threshold: NDArray[np.float64]
    """Confidence from which on clients are linked, shape (J,), strictly decreasing."""
    linked: NDArray[np.int64]
    """Clients linked at that threshold, shape (J,)."""
    correct: NDArray[np.int64]
    """Right links among them, shape (J,)."""
    clients: int
    """Clients on the list."""

    @property
    def coverage(self) -> NDArray[np.float64]:
        """Linked / clients, shape (J,), ascending to 1."""
        return self.linked / self.clients

    @property
    def risk(self) -> NDArray[np.float64]:
        """Wrong / linked, shape (J,)."""
        return 1.0 - self.correct / self.linked


@dataclass(frozen=True, eq=False)
class Reliability:
    """Stated confidence and observed frequency in bins of equal count; empty bins are left out."""

    confidence: NDArray[np.float64]
    """Mean confidence of each bin, shape (J,), ascending."""
    frequency: NDArray[np.float64]
    """Share of right candidates in each bin, shape (J,)."""
    count: NDArray[np.int64]
    """Clients in each bin, shape (J,)."""


def risk_coverage(confidence: NDArray[np.floating], is_right: NDArray[np.bool_]) -> RiskCoverage:
    """Risk at every coverage a threshold can reach (Geifman and El-Yaniv 2017, section 2).

    Args:
        confidence: Confidence in the best candidate of each client, shape (N,), N >= 1; a client
            without candidates has 0.
        is_right: Whether that candidate is right, shape (N,); False where there is none.

    Raises:
        SchemaError: If the lengths differ, the list is empty, or a confidence is nan.
    """
    _check(confidence, is_right)
    order = np.argsort(-confidence, kind="stable")
    descending = confidence[order].astype(np.float64)
    last = np.flatnonzero(np.append(np.diff(descending) != 0, True))
    return RiskCoverage(
        threshold=descending[last],
        linked=last.astype(np.int64) + 1,
        correct=np.cumsum(is_right[order], dtype=np.int64)[last],
        clients=len(confidence),
    )


def area_under_risk_coverage(curve: RiskCoverage) -> float:
    """AURC: mean risk over all coverages 1/N, 2/N, ..., 1 (Geifman et al. 2019, equation 4).

    Clients of equal confidence are taken as linked in random order: within a tie the expected
    number of right links grows linearly.
    """
    linked = np.arange(1, curve.clients + 1)
    correct = np.interp(linked, np.append(0, curve.linked), np.append(0, curve.correct))
    return float(np.mean(1.0 - correct / linked))


def coverage_at_precision(curve: RiskCoverage, precision: float) -> float:
    """Largest share of clients that can be linked with at least this precision; 0.0 if none."""
    enough = curve.correct >= precision * curve.linked - 1e-9
    return float(np.max(curve.coverage[enough], initial=0.0))


def reliability(
    confidence: NDArray[np.floating], is_right: NDArray[np.bool_], bins: int = 15
) -> Reliability:
    """Observed frequency against stated confidence, in at most `bins` bins of equal count.

    Raises:
        SchemaError: As `risk_coverage`.
    """
    _check(confidence, is_right)
    order = np.argsort(confidence, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    values, tie = np.unique(confidence, return_inverse=True)
    first_rank = np.full(len(values), len(order), dtype=np.int64)
    np.minimum.at(first_rank, tie, rank)
    # equal confidences share a bin, so that the result does not depend on their order
    bin_of = first_rank[tie] * bins // len(order)
    count = np.bincount(bin_of, minlength=bins)
    used = count > 0
    stated = np.bincount(bin_of, weights=confidence, minlength=bins)
    right = np.bincount(bin_of, weights=is_right, minlength=bins)
    return Reliability(stated[used] / count[used], right[used] / count[used], count[used])


def expected_calibration_error(bins: Reliability) -> float:
    """ECE: count-weighted mean gap of confidence and frequency (Guo et al. 2017, equation 5)."""
    gaps = np.abs(bins.confidence - bins.frequency)
    return float(np.average(gaps, weights=bins.count))


def _check(confidence: NDArray[np.floating], is_right: NDArray[np.bool_]) -> None:
    if confidence.shape != is_right.shape or confidence.ndim != 1 or not len(confidence):
        raise SchemaError(
            "expected one confidence and one truth for each of N >= 1 clients, got shapes "
            f"{confidence.shape} and {is_right.shape}"
        )
    if np.isnan(confidence).any():
        raise SchemaError(
            f"expected a number for every client, got {int(np.isnan(confidence).sum())} "
            "confidences that are nan; give clients without candidates 0"
        )
