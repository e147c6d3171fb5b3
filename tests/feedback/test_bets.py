"""Bets against a claimed mean: worked examples, and how often a true claim is rejected."""

import math

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.feedback.bets import first_rejection, limit, lower_bound, mixture_wealth


def test_half_the_wealth_on_a_fair_coin_grows_by_a_half_and_falls_by_a_half() -> None:
    wealth = mixture_wealth(np.array([1.0, 1.0, 0.0]), 0.5, [0.5])

    assert np.exp(wealth) == pytest.approx([1.5, 2.25, 1.125])


def test_two_gamblers_hold_the_mean_of_their_wealths() -> None:
    wealth = mixture_wealth(np.array([1.0]), 0.5, [0.0, 0.5])

    assert np.exp(wealth) == pytest.approx([(1.0 + 1.5) / 2])


def test_eleven_right_answers_reject_a_claim_of_three_quarters_at_a_stake_of_nine_tenths() -> None:
    # each right answer is worth 1 + .9 / 3 = 1.3, and 1.3 ** 11 = 17.9, 1.3 ** 12 = 23.3 >= 20
    wealth = mixture_wealth(np.ones(20), 0.75, [0.9])

    assert first_rejection(wealth, 0.05) == 12


def test_nothing_is_rejected_without_an_observation() -> None:
    nothing = np.zeros(0)

    assert first_rejection(mixture_wealth(nothing, 0.5), 0.05) == math.inf
    assert lower_bound(nothing, 0.05) == 0


def test_true_claims_are_rejected_in_at_most_one_run_of_twenty_however_often_one_looks() -> None:
    x = (np.random.default_rng(0).random((1000, 2000)) < 0.95).astype(float)

    rejected = mixture_wealth(x, 0.95, [0.1, 0.4, 0.8]).max(axis=1) >= limit(0.05)

    assert rejected.mean() <= 0.05


def test_observations_of_several_runs_are_bet_on_side_by_side() -> None:
    x = np.array([[1.0, 0.0], [1.0, 1.0]])

    together = mixture_wealth(x, 0.5, [0.5, 0.2])

    assert together[1] == pytest.approx(mixture_wealth(x[1], 0.5, [0.5, 0.2]))


def test_the_bound_is_the_claim_at_which_the_wealth_is_just_the_limit() -> None:
    x = np.array([1.0] * 97 + [0.0] * 3)

    bound = lower_bound(x, 0.05)

    assert 0.85 < bound < 0.97
    assert mixture_wealth(x, bound).max() >= limit(0.05)
    assert mixture_wealth(x, bound + 1e-4).max() < limit(0.05)


@pytest.mark.parametrize(
    ("x", "mean", "stakes"), [([0.5], 0.0, [0.5]), ([2.0], 0.5, [0.5]), ([0.5], 0.5, [1.0])]
)
def test_values_outside_their_range_are_refused(
    x: list[float], mean: float, stakes: list[float]
) -> None:
    with pytest.raises(ConfigError, match="expected"):
        mixture_wealth(np.array(x), mean, stakes)
