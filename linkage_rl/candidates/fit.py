"""Proposals by the company, and clients compared with the sites of it that fit them best."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _sites
from linkage_rl.candidates.blockers import Clients, Proposals
from linkage_rl.candidates.encode import ROW
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.sites import GROUPS, Fit, Sites, companies_once
from linkage_rl.errors import ConfigError


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


def checked(
    proposals: Proposals, blocker: str, shape: tuple[int, int], companies: int
) -> Proposals:
    """The proposals of a blocker for a segment, which may be a class of anybody's own.

    Args:
        proposals: What it proposed.
        blocker: Its name.
        shape: Clients, and candidates for each.
        companies: Rows of the segment.

    Raises:
        ConfigError: The arrays have another shape or type, or a row is not one of the segment.
    """
    rows, scores = proposals.rows, proposals.retrieval_score
    if not rows.shape == scores.shape == shape or rows.dtype != np.int64:
        raise ConfigError(
            f"blocker {blocker!r} proposed rows of shape {rows.shape} and type {rows.dtype} with "
            f"scores of shape {scores.shape}; expected shape {shape} and type int64"
        )
    if not _sites.are_rows(rows, companies):
        raise ConfigError(
            f"blocker {blocker!r} proposed rows in {rows.min()}..{rows.max()}; expected those of "
            f"the segment, 0..{companies - 1}, and -1 where there are no more"
        )
    return proposals


def by_head_row(proposals: Proposals, sites: Sites) -> Proposals:
    """Proposals of companies: a blocker may have found other rows of them than the head row."""
    if not sites:
        return proposals
    heads = np.where(proposals.rows >= 0, sites.head_of(proposals.rows), -1)
    if (heads == proposals.rows).all():
        return proposals
    return Proposals(*companies_once(heads, proposals.retrieval_score))
