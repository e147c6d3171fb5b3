"""Arrays of numbers below 2^24 in three bytes each, a quarter less memory than four.

The numbers lie one after the other, the lowest byte first. A byte follows the last one, so that
kernels can read four bytes at any of them.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LIMIT: Final = 1 << 24
"""All numbers are below."""
END: Final = np.zeros(1, dtype=np.uint8)
"""What follows the last number."""


def three_bytes(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The bytes of N numbers from 0 to below `LIMIT`, without the end; shape (3 N,)."""
    return numbers.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].reshape(-1)


def numbers_at(narrow: NDArray[Any], places: NDArray[np.integer]) -> NDArray[np.int32]:
    """The numbers at these places of an array; shape of `places`."""
    taken = narrow[3 * places.astype(np.int64)[..., None] + np.arange(3)].astype(np.int32)
    numbers: NDArray[np.int32] = taken @ np.array([1, 1 << 8, 1 << 16], dtype=np.int32)
    return numbers
