"""What training sees of lists of unequal length."""

from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.training.data import balanced
from linkage_rl.training.settings import ListSettings
from tests.cases_factory import synthetic_cases


def test_a_family_a_ninth_as_long_is_repeated_three_times_at_one_half() -> None:
    cases = synthetic_cases(100, np.random.default_rng(0))
    cases = replace(cases, family=np.repeat([0, 1], [90, 10]).astype(np.int16))

    repeated = balanced(cases, 0.5)

    assert np.bincount(repeated.family).tolist() == [90, 30]
    assert repeated.clients.take(np.array([90, 91, 92, 93])) == cases.clients.take(
        np.array([90, 90, 90, 91])
    )


@pytest.mark.parametrize("balance", [0.0, 0.1])
def test_families_stay_as_they_are_where_nothing_rounds_to_two(balance: float) -> None:
    cases = synthetic_cases(100, np.random.default_rng(0))
    cases = replace(cases, family=np.repeat([0, 1], [70, 30]).astype(np.int16))

    assert balanced(cases, balance) is cases


def test_a_balance_above_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"clients\.balance must lie in \[0, 1\], got 2"):
        ListSettings(balance=2)
