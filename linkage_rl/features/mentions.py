"""Whether the client's name mentions the prefecture in which the company sits."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.routes import Clients
from linkage_rl.text.municipalities import mentioned_prefectures

NAMES: Final = ("in_mentioned_prefecture", "beyond_mentioned_prefecture")
"""Features of this module, in their order; both 0 where no prefecture is mentioned."""


def mentions(
    clients: Clients,
    asked: NDArray[np.int64],
    place: NDArray[np.int64],
    companies: NDArray[np.void],
) -> NDArray[np.float32]:
    """Features of P pairs, shape (P, len(NAMES)), each 0 or 1.

    Args:
        clients: N clients.
        asked: Clients that have a pair, shape (B,).
        place: Position in `asked` of the client of each pair, shape (P,).
        companies: Packed company of each pair, shape (P,).
    """
    cores = clients.canonical.core
    mentioned = mentioned_prefectures([cores[client] for client in asked.tolist()])[place]
    equal = mentioned == companies["prefecture"]
    known = (mentioned > 0) & (companies["prefecture"] > 0)
    return np.stack([known & equal, known & ~equal], axis=1).astype(np.float32)
