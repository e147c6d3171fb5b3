"""The threshold of a list without labels: that of the highest expected F1."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError

BEST_IS_RIGHT: Final = 0.93
"""Of the clients whose company is in the table, the share whose best candidate it is; measured on
real lists. It only moves the number of companies that F1 is related to."""


def expected_f1_threshold(
    confidence: NDArray[np.floating], best_is_right: float = BEST_IS_RIGHT
) -> float:
    """Confidence from which on clients are linked, so that expected F1 is highest.

    Linking the n most certain clients has an expected F1 of 2 S(n) / (n + S(N) / r): S(n) sums
    their probabilities of being right, r is `best_is_right` (plug-in rule of Lewis 1995).

    Args:
        confidence: Probability that the best candidate of each client is right, shape (N,), 0
            without one; from all clients of a list, asked about or not.
        best_is_right: Of the clients that have a company, the share whose best candidate it is.

    Returns:
        A threshold half-way between the last linked client and the next.

    Raises:
        SchemaError: There is no client.

    >>> expected_f1_threshold(np.array([0.9, 0.8, 0.1, 0.0]), best_is_right=1.0)
    0.45
    """
    if not len(confidence):
        raise SchemaError("a threshold needs the confidence of at least one client, got none")
    falling = np.sort(confidence.astype(np.float64))[::-1]
    right = falling.cumsum()
    linked = np.arange(1, len(falling) + 1)
    best = int((2 * right / np.maximum(linked + right[-1] / best_is_right, 1e-9)).argmax())
    following = falling[best + 1] if best + 1 < len(falling) else 0.0
    return round(float(falling[best] + following) / 2, 6)
