"""Draws of an audit and the scale of its bets, by hand and on average."""

import numpy as np
import pytest

from linkage_rl.feedback.audit_design import AuditDesign, risk_of


def test_risk_is_the_deviation_of_an_answer() -> None:
    # the roots of .8 times .2, of .5 times .5, and of 1 times the floor .005
    assert risk_of(np.array([0.8, 0.5, 1.0])) == pytest.approx([0.4, 0.5, 0.0707], abs=1e-4)


def test_a_fifth_of_the_chance_is_even_and_the_rest_in_proportion_to_risk() -> None:
    # risks .4 and .3 have the mean .35
    confidence = np.array([0.8, 0.9])
    design = AuditDesign.of(0.95, 0.95, confidence)

    assert design.chance(confidence) == pytest.approx(
        [0.2 + 0.8 * 0.4 / 0.35, 0.2 + 0.8 * 0.3 / 0.35]
    )
    assert design.chance(confidence).mean() == pytest.approx(1)


def test_links_are_drawn_with_their_chances() -> None:
    confidence = np.array([0.99] * 900 + [0.6] * 100)
    design = AuditDesign.of(0.95, 0.95, confidence)

    drawn = design.draws(confidence, 100_000, np.random.default_rng(0))

    expected = design.chance(confidence)[900:].sum() / 1000
    assert (drawn >= 900).mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("part", [0, 10, -1])
def test_the_mean_of_scaled_draws_is_that_of_the_precision(part: int) -> None:
    rng = np.random.default_rng(0)
    confidence = rng.beta(8, 1, 4000)
    wrong = (rng.random(4000) > confidence * 0.9).astype(float)
    design = AuditDesign.of(0.95, 0.95, confidence)
    chosen = design.parts[part]

    drawn = design.draws(confidence, 400_000, rng)
    drawn = drawn[confidence[drawn] >= chosen.threshold]
    x = chosen.scaled(design.differences(confidence[drawn], wrong[drawn]))

    precision = 1 - wrong[confidence >= chosen.threshold].mean()
    assert (confidence >= chosen.threshold).sum() == chosen.links
    assert x.mean() == pytest.approx(chosen.mean_at(precision), abs=0.002)
    assert chosen.precision_at(chosen.mean_at(precision)) == pytest.approx(precision)
    assert 0 <= x.min() < x.max() <= 1


@pytest.mark.parametrize("confidence", [[0.9], [1.0] * 5, [0.0] * 5, [0.5] * 5])
def test_lists_of_equal_confidences_have_one_part(confidence: list[float]) -> None:
    design = AuditDesign.of(0.95, 0.95, np.array(confidence))

    assert len(design.parts) == 1
    assert design.whole.links == len(confidence)
    assert design.whole.weight == pytest.approx(1)
