import numpy as np
import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.seeds import interquartile_mean, stratified_interval


def test_one_broken_seed_of_four_does_not_move_the_interquartile_mean() -> None:
    assert interquartile_mean(np.array([[0.8], [0.8], [0.8], [0.0]])) == pytest.approx(0.8)


def test_of_three_seeds_none_is_left_out() -> None:
    assert interquartile_mean(np.array([[0.0], [0.3], [0.9]])) == pytest.approx(0.4)


def test_equal_seeds_have_an_interval_of_width_zero() -> None:
    low, high = stratified_interval(np.full((3, 2), 0.7), np.random.default_rng(0))

    assert (low, high) == pytest.approx((0.7, 0.7))


def test_the_interval_lies_among_the_seeds_and_repeats_with_its_generator() -> None:
    scores = np.array([[0.80, 0.60], [0.84, 0.66], [0.82, 0.63]])

    low, high = stratified_interval(scores, np.random.default_rng(0))

    assert 0.70 <= low < 0.725 < high <= 0.75
    assert (low, high) == stratified_interval(scores, np.random.default_rng(0))


def test_seeds_are_drawn_within_each_list() -> None:
    """Lists at 0 and 1 with equal seeds: a draw across lists would scatter the mean."""
    scores = np.array([[0.0, 1.0], [0.0, 1.0]])

    assert stratified_interval(scores, np.random.default_rng(0)) == pytest.approx((0.5, 0.5))


def test_scores_without_seeds_are_refused() -> None:
    with pytest.raises(SchemaError, match="shape"):
        interquartile_mean(np.ones((0, 2)))
