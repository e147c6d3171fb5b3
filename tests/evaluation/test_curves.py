import numpy as np
import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.curves import (
    area_under_risk_coverage,
    coverage_at_precision,
    expected_calibration_error,
    reliability,
    risk_coverage,
)

FOUR = np.array([0.9, 0.8, 0.7, 0.6])
FIRST_THREE = np.array([True, True, True, False])


def test_risk_rises_when_the_least_confident_client_is_linked_too() -> None:
    curve = risk_coverage(FOUR, FIRST_THREE)

    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk.tolist() == [0.0, 0.0, 0.0, 0.25]


def test_clients_of_equal_confidence_are_linked_together() -> None:
    curve = risk_coverage(np.array([0.5, 0.9, 0.5]), np.array([True, True, False]))

    assert curve.threshold.tolist() == [0.9, 0.5]
    assert curve.linked.tolist() == [1, 3]
    assert curve.correct.tolist() == [1, 2]


def test_the_area_is_the_mean_risk_over_all_coverages() -> None:
    assert area_under_risk_coverage(risk_coverage(FOUR, FIRST_THREE)) == pytest.approx(0.25 / 4)


def test_the_area_of_an_uninformative_confidence_is_the_error_rate() -> None:
    curve = risk_coverage(np.full(4, 0.5), FIRST_THREE)

    assert area_under_risk_coverage(curve) == pytest.approx(0.25)


@pytest.mark.parametrize(("precision", "coverage"), [(0.75, 1.0), (0.76, 0.75), (1.0, 0.75)])
def test_coverage_is_the_most_that_keeps_the_precision(precision: float, coverage: float) -> None:
    assert coverage_at_precision(risk_coverage(FOUR, FIRST_THREE), precision) == coverage


def test_coverage_is_zero_where_the_most_confident_link_is_wrong() -> None:
    curve = risk_coverage(FOUR, ~FIRST_THREE)

    assert coverage_at_precision(curve, 0.95) == 0.0


def test_the_calibration_error_of_an_overconfident_system_is_its_excess() -> None:
    """It says 0.9 and is right half the time."""
    bins = reliability(np.full(10, 0.9), np.arange(10) % 2 == 0)

    assert bins.count.tolist() == [10]
    assert expected_calibration_error(bins) == pytest.approx(0.4)


def test_a_calibrated_system_has_no_calibration_error() -> None:
    confidence = np.repeat([0.2, 0.8], 10)
    is_right = np.concatenate([np.arange(10) < 2, np.arange(10) < 8])

    bins = reliability(confidence, is_right, bins=2)

    assert bins.confidence == pytest.approx([0.2, 0.8])
    assert expected_calibration_error(bins) == pytest.approx(0.0)


def test_bins_do_not_depend_on_the_order_of_the_list() -> None:
    confidence, is_right = np.array([0.5] * 6), np.array([True] * 3 + [False] * 3)

    assert reliability(confidence, is_right, bins=2).frequency.tolist() == [0.5]


@pytest.mark.parametrize(
    ("confidence", "is_right"),
    [([], []), ([0.5], [True, False]), ([float("nan")], [True])],
)
def test_confidences_of_another_shape_or_nan_are_refused(
    confidence: list[float], is_right: list[bool]
) -> None:
    with pytest.raises(SchemaError, match="expected"):
        risk_coverage(np.array(confidence, dtype=float), np.array(is_right, dtype=bool))
