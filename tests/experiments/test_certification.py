"""The suite certification: its lists, its rival, and its page."""

import numpy as np
import pytest

from experiments.suite.audited_lists import AuditedList, simulated_list
from experiments.suite.certification import Audit, Clicks, audit, clicks_of, page, wilson


def test_a_simulated_list_is_as_precise_as_asked() -> None:
    one = simulated_list(2_000, 0.96, np.random.default_rng(0))

    assert one.precision == pytest.approx(0.96)
    assert one.confidence.mean() == pytest.approx(0.96, abs=0.01)
    assert one.confidence[one.wrong == 1].mean() < one.confidence[one.wrong == 0].mean()


def test_the_surest_links_of_a_list_are_as_precise_as_asked() -> None:
    # 900 right links, then 100 of which every second one is wrong: 1 - 50 / 1000 = .95
    wrong = np.array([0.0] * 900 + [1.0, 0.0] * 50)
    one = AuditedList(np.linspace(1, 0.5, 1000), wrong)

    surest = one.surest(0.97)

    assert surest is not None
    # with 58 of the last links, 29 are wrong: 1 - 29 / 958 = .97
    assert surest.precision == pytest.approx(0.97, abs=0.001)
    assert len(surest.wrong) == pytest.approx(900 + 58, abs=2)
    assert one.surest(1.0) is not None
    assert AuditedList(np.ones(10), np.ones(10)).surest(0.9) is None


def test_wilson_bounds_of_95_right_answers_of_100() -> None:
    low, high = wilson(np.array([1.0] * 95 + [0.0] * 5))

    assert low[-1] == pytest.approx(0.9007, abs=0.0005)
    assert high[-1] == pytest.approx(0.9758, abs=0.0005)


def test_a_precise_list_is_certified_and_a_bad_one_refuted() -> None:
    rng = np.random.default_rng(0)

    good = audit(simulated_list(5_000, 0.985, rng), 1_500, 0.0, rng)
    bad = audit(simulated_list(5_000, 0.9, rng), 1_500, 0.0, rng)

    assert (good.certified, good.refuted, good.wrong) == (True, False, False)
    assert (bad.certified, bad.refuted, bad.wrong) == (False, True, False)


def test_importance_sampling_certifies_with_fewer_clicks_where_confidences_tell_much() -> None:
    rng = np.random.default_rng(0)

    clicks = clicks_of(simulated_list(20_000, 0.97, rng, spread=0.15), 20, rng)

    assert np.median(clicks.importance) < np.median(clicks.even)


def test_the_page_says_whether_the_promise_holds() -> None:
    right = Audit(True, False, True, False, False, True, False)
    wrong = Audit(True, False, False, False, False, True, False)
    clicks = {"a list": Clicks(np.array([100.0, 300.0]), np.array([50.0, np.inf]))}

    kept = page({"kind": [right] * 19 + [wrong]}, clicks, 3_000)
    broken = page({"kind": [right, wrong]}, clicks, 3_000)

    assert "| kind | 20 | 100.0% | 0.0% | 5.0% |" in kept
    assert "**holds** (at most 5.0%)" in kept
    assert "**refuted** (at most 50.0%)" in broken
    assert "| a list | 300 (300) | > 6,000 (> 6,000) |" in kept
