"""Stratified samples: equal numbers of each level of confidence, and their chances."""

import numpy as np
import pytest

from linkage_rl.feedback.strata import allocation, stratified_sample, stratum_of


def test_each_stratum_gives_equally_many_and_what_one_lacks_comes_from_the_others() -> None:
    assert allocation(np.array([100, 3, 50]), 63).tolist() == [30, 3, 30]
    assert allocation(np.array([100, 3, 50]), 64).tolist() == [31, 3, 30]
    assert allocation(np.array([2, 0, 1]), 10).tolist() == [2, 0, 1]


def test_a_sample_of_a_tenth_sure_list_asks_about_the_unsure_more_often() -> None:
    # 900 clients at .95 and 100 at .55: 50 of each
    confidence = np.array([0.95] * 900 + [0.55] * 100)

    sample = stratified_sample(confidence, 100, np.random.default_rng(0))

    unsure = sample.places >= 900
    assert unsure.sum() == 50
    assert sample.chances[unsure] == pytest.approx(50 / 100)
    assert sample.chances[~unsure] == pytest.approx(50 / 900)
    assert len(set(sample.places.tolist())) == 100


def test_whoever_stops_after_any_number_has_answered_for_each_stratum() -> None:
    confidence = np.random.default_rng(1).random(5000)

    sample = stratified_sample(confidence, 200, np.random.default_rng(0))

    first = np.bincount(stratum_of(confidence[sample.places[:50]]), minlength=10)
    assert first.tolist() == pytest.approx([5] * 10, abs=1)


def test_the_share_of_right_clients_weighted_by_the_chances_is_that_of_the_list() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.beta(5, 1, 20_000)
    right = rng.random(20_000) < confidence

    sample = stratified_sample(confidence, 4000, rng)

    weight = 1 / sample.chances
    estimate = (weight * right[sample.places]).sum() / weight.sum()
    assert estimate == pytest.approx(right.mean(), abs=0.02)


def test_a_list_smaller_than_the_sample_is_asked_about_as_a_whole() -> None:
    sample = stratified_sample(np.array([0.2, 0.9, 1.0]), 10, np.random.default_rng(0))

    assert sorted(sample.places.tolist()) == [0, 1, 2]
    assert sample.chances.tolist() == [1, 1, 1]
