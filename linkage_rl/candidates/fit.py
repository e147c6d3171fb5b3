"""Compares clients with the sites of each company that fit them best."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _sites
from linkage_rl.candidates.blockers import Clients, Proposals
from linkage_rl.candidates.encode import ROW
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.sites import GROUPS, Fit, Sites, companies_once


def fit_sites(
    split: Iterable[tuple[Part, NDArray[np.int64]]],
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> Fit:
    """The sites of P pairs that fit best; a company with one row has it for every group of fields.

    Args:
        split: Each part of the index with the positions of the pairs whose company it holds.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        rows: Index row of each pair's company, shape (P,).
    """
    packed = np.empty(len(rows), dtype=ROW)
    chosen = np.repeat(rows[:, None], len(GROUPS), axis=1)
    encoded = clients.encoded
    for part, mine in split:
        segment, own = part.segment, rows[mine] - part.first_row
        sites = segment.sites
        if not sites:
            packed[mine] = segment.rows[own]
            continue
        joined = np.empty(len(mine), dtype=ROW)
        picked = np.empty((len(mine), len(GROUPS)), dtype=np.int32)
        _sites.join_sites(
            encoded.rows,
            encoded.gram_offsets,
            encoded.grams,
            np.ascontiguousarray(client_of_pair[mine]),
            own,
            segment.rows,
            segment.documents.gram_offsets,
            segment.documents.grams,
            segment.idf,
            sites.heads,
            sites.begins,
            sites.rows,
            joined,
            picked,
        )
        packed[mine], chosen[mine] = joined, picked + part.first_row
    return Fit(chosen, packed)


def by_head_row(proposals: Proposals, sites: Sites) -> Proposals:
    """Proposals of companies: a blocker may have found other rows of them than the head row."""
    if not sites:
        return proposals
    heads = np.where(proposals.rows >= 0, sites.head_of(proposals.rows), -1)
    if (heads == proposals.rows).all():
        return proposals
    return Proposals(*companies_once(heads, proposals.retrieval_score))
