"""Keys are sorted, numbered and counted as NumPy would do it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates import _sorting

NONE = np.zeros(0, dtype=np.bool_)


def drawn(size: int, distinct: int) -> NDArray[np.uint64]:
    """Hashes of which many are equal, some of them 0."""
    rng = np.random.default_rng(size)
    hashes = rng.integers(0, 2**64, distinct, dtype=np.uint64, endpoint=False)
    hashes[:1] = 0
    return hashes[rng.integers(0, distinct, size)]


@pytest.mark.parametrize(("size", "distinct"), [(0, 1), (1, 1), (1000, 7), (5000, 4000)])
@pytest.mark.parametrize("keep_zero", [False, True])
def test_sorting_is_stable_and_leaves_zeros_out_if_asked(
    size: int, distinct: int, keep_zero: bool
) -> None:
    hashes = drawn(size, distinct)
    rows = np.arange(size, dtype=np.int32)[::-1].copy()

    keys, places = _sorting.sort_keys(hashes, keep_zero=keep_zero)
    _, filed = _sorting.sort_keys(hashes, rows, keep_zero)

    order = np.argsort(hashes, kind="stable")
    order = order if keep_zero else order[hashes[order] != 0]
    assert np.array_equal(keys, hashes[order])
    assert np.array_equal(places, order)
    assert np.array_equal(filed, rows[order])


def test_runs_are_numbered_in_the_order_of_their_keys() -> None:
    keys, rows = _sorting.sort_keys(np.array([9, 4, 9, 0, 4, 9], np.uint64), keep_zero=True)

    numbers, first = _sorting.number_runs(keys, rows, 6)

    assert numbers.tolist() == [2, 1, 2, 0, 1, 2]
    assert first.tolist() == [3, 1, 0]


def test_entries_that_share_a_key_are_counted_without_repeats() -> None:
    keys = np.array([3, 3, 3, 8], dtype=np.uint64)
    rows = np.array([5, 0, 2, 1], dtype=np.int32)
    counts = np.zeros((6, 2), dtype=np.uint16)

    _sorting.count_sharing(keys, rows, NONE, counts[:, 0])
    _sorting.count_sharing(keys, rows, np.array([False, True, False, False]), counts[:, 1])

    assert counts[:, 0].tolist() == [3, 1, 3, 0, 0, 3]
    assert counts[:, 1].tolist() == [2, 1, 2, 0, 0, 2]


def test_more_sharers_than_fit_are_counted_as_the_most_that_fit() -> None:
    size = 70_000
    counts = np.zeros(size, dtype=np.uint16)

    _sorting.count_sharing(
        np.full(size, 7, dtype=np.uint64), np.arange(size, dtype=np.int32), NONE, counts
    )

    assert counts.min() == counts.max() == 65_535


def test_rows_of_other_hashes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the rows of 3 hashes, got 2"):
        _sorting.sort_keys(np.ones(3, dtype=np.uint64), np.zeros(2, dtype=np.int32))
