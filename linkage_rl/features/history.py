"""Whether a client goes by a name that a company has given up."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.routes import Clients
from linkage_rl.features.context import log_count

NAMES: Final = ("former_name_equal", "former_name_bearers")
"""Features of this module, in their order; both are 0 in a table without former names."""


def history(
    index: CompanyIndex,
    clients: Clients,
    asked: NDArray[np.int64],
    place: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """History features of P pairs, shape (P, len(NAMES)), in [0, 1].

    The first is 1 where the company once bore the core or the stem of the client, the second how
    many companies of the table did.
    """
    if not index.tells_history:
        return np.zeros((len(rows), len(NAMES)), dtype=np.float32)
    bore = index.bore_name(clients, asked[place], rows).astype(np.float32)
    bearers = log_count(index.former_bearers(clients, asked))[place]
    return np.stack([bore, bearers], axis=1)
