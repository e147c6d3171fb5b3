"""Splits by company."""

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.tables.split import split_of

IDS = [f"{number:013}" for number in range(10_000)]


def test_a_company_keeps_its_split_in_every_order_and_company() -> None:
    alone = split_of(["0000000000042"])

    assert split_of(IDS)[42] == alone[0]
    assert (split_of(IDS[::-1])[::-1] == split_of(IDS)).all()


def test_splits_have_the_given_shares() -> None:
    counts = np.bincount(split_of(IDS, (0.6, 0.2, 0.2)))

    assert counts / len(IDS) == pytest.approx([0.6, 0.2, 0.2], abs=0.02)


def test_the_split_of_an_id_never_changes_between_versions() -> None:
    assert split_of(["1", "2", "3", "4", "5", "6"]).tolist() == [2, 0, 1, 0, 0, 0]


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ConfigError, match="add up to 1"):
        split_of(["1"], (0.5, 0.2))
