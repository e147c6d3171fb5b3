import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_rl.decision.calibration import Calibration
from linkage_rl.errors import BundleError, SchemaError


def test_between_two_knots_the_probability_is_half_way() -> None:
    calibration = Calibration(np.array([0.0, 1.0]), np.array([0.2, 0.8]))

    assert calibration.apply(np.array([0.5])) == pytest.approx([0.5])


def test_outside_the_knots_the_probability_is_constant() -> None:
    calibration = Calibration(np.array([0.4, 0.6]), np.array([0.1, 0.9]))

    assert calibration.apply(np.array([0.0, 1.0])) == pytest.approx([0.1, 0.9])


def test_the_identity_changes_nothing_and_keeps_the_shape() -> None:
    scores = np.array([[0.0, 0.25], [0.5, 1.0]], dtype=np.float32)

    assert np.array_equal(Calibration.identity().apply(scores), scores)


def test_one_knot_is_a_constant() -> None:
    constant = Calibration(np.array([0.5]), np.array([0.3]))

    assert constant.apply(np.array([0.0, 1.0])) == pytest.approx([0.3, 0.3])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20, unique=True))
def test_json_round_trips_to_the_bit(values: list[float]) -> None:
    knots = np.sort(np.array(values))
    calibration = Calibration(knots, knots)

    again = Calibration.from_json(calibration.to_json())

    assert np.array_equal(again.scores, calibration.scores)
    assert np.array_equal(again.probabilities, calibration.probabilities)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"scores": [0], "probabilities": [2]}', '{"scores": ["x"]}', "null"],
)
def test_json_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="expected a calibration as JSON"):
        Calibration.from_json(text)


@pytest.mark.parametrize(
    ("scores", "probabilities"),
    [
        ([], []),
        ([0.1], [0.1, 0.2]),
        ([0.2, 0.1], [0.1, 0.2]),
        ([0.1, 0.1], [0.1, 0.2]),
        ([0.1, np.nan], [0.1, 0.2]),
        ([0.1, 0.2], [0.2, 0.1]),
        ([0.1, 0.2], [0.1, 1.1]),
        ([0.1, 0.2], [0.1, np.nan]),
    ],
)
def test_knots_that_are_not_monotone_are_refused(
    scores: list[float], probabilities: list[float]
) -> None:
    with pytest.raises(SchemaError, match="fit it again"):
        Calibration(np.array(scores, dtype=float), np.array(probabilities, dtype=float))
