"""Which clients of a stream may be asked about, and which choose the threshold."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

UNLABELLED: Final = 2_000
"""Clients of the stream that nobody is asked about; they choose the threshold."""


def asked_about(clients: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A random split of a stream: clients to ask about, and those for the threshold.

    Args:
        clients: Of the stream.
        seed: Of the split.
    """
    order = np.random.default_rng(seed).permutation(clients)
    return order[UNLABELLED:], order[:UNLABELLED]
