"""Sets as sorted arrays give what numpy's own functions give."""

import numpy as np
import pytest

from linkage_rl.candidates.sorted_sets import difference, distinct, is_among


@pytest.mark.parametrize("sizes", [(0, 0), (0, 5), (5, 0), (1, 1), (300, 40)])
def test_sets_are_those_of_numpy(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    # few enough that values repeat, and are in both
    values, others = (rng.integers(2**64 - 99, size=n, dtype=np.uint64) // 2**57 for n in sizes)

    assert distinct(values).tolist() == np.unique(values).tolist()
    assert is_among(values, distinct(others)).tolist() == np.isin(values, others).tolist()
    assert difference(values, others).tolist() == np.setdiff1d(values, others).tolist()
