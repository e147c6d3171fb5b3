"""Whether the client's name mentions the prefecture of the company."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

NAMES: Final = ("in_mentioned_prefecture", "beyond_mentioned_prefecture")
"""Features of this module, in their order; both 0 where no prefecture is mentioned."""


def mentions(mentioned: NDArray[np.int8], companies: NDArray[np.void]) -> NDArray[np.float32]:
    """Features of P pairs, shape (P, len(NAMES)), each 0 or 1.

    Args:
        mentioned: Prefecture that the name of each pair's client mentions, 0 for none, shape (P,).
        companies: Packed company of each pair, shape (P,).
    """
    prefecture = companies["prefecture"]
    known = (mentioned > 0) & (prefecture > 0)
    equal = mentioned == prefecture
    values = np.empty((len(companies), len(NAMES)), dtype=np.float32)
    values[:, 0] = known & equal
    values[:, 1] = known & ~equal
    return values
