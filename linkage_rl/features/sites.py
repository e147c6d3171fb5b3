"""Which site of a company a client was compared with, in words."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex


def matched_sites(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> list[str]:
    """Address and phone of the sites of P pairs that fit best, '' where a company has one row.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,), not decreasing.
        rows: Index row of each pair's company, its head row, shape (P,).
    """
    texts = np.full(len(rows), "", dtype=object)
    several = np.flatnonzero(index.has_several_rows(rows))
    if len(several):
        fit = index.fit(clients, client_of_pair[several], rows[several])
        texts[several] = _in_words(index, fit.of("place"), fit.of("phone"))
    found: list[str] = texts.tolist()
    return found


def _in_words(index: CompanyIndex, place: NDArray[np.int64], phone: NDArray[np.int64]) -> list[str]:
    at = index.records(place)
    parts = zip(*(at.column(name) for name in ("prefecture", "city", "street")), strict=True)
    phones = index.records(phone).column("phone")
    return [
        " ".join(filter(None, ("".join(where), number)))
        for where, number in zip(parts, phones, strict=True)
    ]
