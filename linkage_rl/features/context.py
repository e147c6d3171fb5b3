"""What a lone pair does not show: namesakes, and how common a name and a place are."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.routes import Clients

NAMES: Final = (
    *(f"company_{name}_bearers" for name in COUNTED),
    *(f"client_{name}_bearers" for name in COUNTED),
)
"""Features of this module, in their order."""

_MOST: Final = np.array([65_535 if name == "city" else 1_000 for name in COUNTED])
"""Count from which on each of `COUNTED` is as common as can be."""


def log_count(
    counts: NDArray[np.integer], most: NDArray[np.int64] | int = 1_000
) -> NDArray[np.float32]:
    """Counts on a logarithmic scale in [0, 1]; 1 from `most` on."""
    scaled: NDArray[np.float32] = np.minimum(np.log1p(counts) / np.log1p(most), 1).astype(
        np.float32
    )
    return scaled


def context(
    index: CompanyIndex,
    clients: Clients,
    asked: NDArray[np.int64],
    place: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Context features of P pairs, shape (P, len(NAMES)), in [0, 1].

    Args:
        index: The company table.
        clients: N clients.
        asked: Clients that have a pair, shape (B,).
        place: Position in `asked` of the client of each pair, shape (P,).
        rows: Index row of each pair, shape (P,).
    """
    return np.concatenate(
        [
            log_count(index.counts(rows), _MOST),
            log_count(index.namesakes(clients, asked), _MOST)[place],
        ],
        axis=1,
    )
