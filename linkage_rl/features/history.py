"""Whether the name of a client is a former name of a company, or one of its trade names."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.sites import Fit
from linkage_rl.features.context import log_count

NAMES: Final = ("former_name_equal", "former_name_frequency")
"""Features of this module, in their order; both are 0 in a table without former names.

The first is 1 where the core or stem of the client is that of a former name of the company, the
second grows with the number of companies that had such a name.
"""

TRADE_NAME: Final = 0.5
"""`former_name_equal` where the client's name is a trade name of the company."""


def former_name_frequencies(index: CompanyIndex, clients: Clients) -> NDArray[np.float32]:
    """How many companies had the name of each of N clients before, shape (N,), in [0, 1]."""
    return log_count(index.former_name_frequencies(clients))


def write_trade_names(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    fit: Fit,
    out: NDArray[np.float32],
    at: int,
) -> None:
    """Write `TRADE_NAME` where the client has a trade name of its company, and no former one.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        fit: The sites that fit the client of each pair best.
        out: Written, shape (P, F).
        at: Column of `former_name_equal`.
    """
    client, core = clients.encoded.rows[client_of_pair], fit.packed["core"]
    same = (core != 0) & ((client["core"] == core) | (client["stem"] == core))
    trade = np.flatnonzero(same & index.is_trade_name(fit.of("name")))
    out[trade, at] = np.maximum(out[trade, at], TRADE_NAME)
