"""Whether the name of a client is a former name of a company, or one of its trade names."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.sites import Fit
from linkage_rl.features.context import log_count

NAMES: Final = ("former_name_equal", "former_name_frequency")
"""Features of this module, in their order; both are 0 in a table without former names."""

TRADE_NAME: Final = 0.5
"""`former_name_equal` where the client's name is a trade name of the company."""


def former_name_frequencies(index: CompanyIndex, clients: Clients) -> NDArray[np.float32]:
    """How many companies had the name of each of N clients before, shape (N,), in [0, 1]."""
    return log_count(index.former_name_frequencies(clients))


def history(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
    frequencies: NDArray[np.float32],
) -> NDArray[np.float32]:
    """History features of P pairs, shape (P, len(NAMES)), in [0, 1].

    The first is 1 where the core or stem of the client is that of a former name of the company,
    the second grows with the number of companies that had such a name.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        rows: Index row of each pair, shape (P,).
        frequencies: `former_name_frequencies` of the clients, shape (N,).
    """
    values = np.zeros((len(rows), len(NAMES)), dtype=np.float32)
    if index.has_former_names:
        values[:, 0] = index.had_name(clients, client_of_pair, rows)
        values[:, 1] = frequencies[client_of_pair]
    return values


def trade_names(
    index: CompanyIndex, clients: Clients, client_of_pair: NDArray[np.int64], fit: Fit
) -> NDArray[np.bool_]:
    """Whether the core or stem of the client is that of a trade name of its company, shape (P,)."""
    client, core = clients.encoded.rows[client_of_pair], fit.packed["core"]
    same = (core != 0) & ((client["core"] == core) | (client["stem"] == core))
    trade: NDArray[np.bool_] = same & index.is_trade_name(fit.of("name"))
    return trade
