"""Which site of a company a client was compared with: what a result says of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.further_rows import TRADE_NAME
from linkage_rl.candidates.index import CompanyIndex


@dataclass(frozen=True)
class MatchedSites:
    """The sites that fit P clients best."""

    texts: list[str]
    """Address and phone of each, '' where the company has one row."""
    trade_name: NDArray[np.bool_]
    """Whether the name that fits best is a trade name of the company, shape (P,)."""


def matched_sites(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> MatchedSites:
    """The sites of P pairs that the comparison rests on.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,), not decreasing.
        rows: Index row of each pair's company, its head row, shape (P,).
    """
    texts = np.full(len(rows), "", dtype=object)
    trade_name = np.zeros(len(rows), dtype=np.bool_)
    several = np.flatnonzero(index.has_several_rows(rows))
    if len(several):
        fit = index.fit(clients, client_of_pair[several], rows[several])
        texts[several] = _site_texts(index, fit.of("place"), fit.of("phone"))
        named = index.added_for(fit.of("name"))
        trade_name[several] = [why == TRADE_NAME for why in named]
    return MatchedSites(texts.tolist(), trade_name)


def _site_texts(
    index: CompanyIndex, place: NDArray[np.int64], phone: NDArray[np.int64]
) -> list[str]:
    """Address and phone in one line."""
    at = index.records(place)
    parts = zip(*(at.column(name) for name in ("prefecture", "city", "street")), strict=True)
    phones = index.records(phone).column("phone")
    return [
        " ".join(filter(None, ("".join(where), number)))
        for where, number in zip(parts, phones, strict=True)
    ]
