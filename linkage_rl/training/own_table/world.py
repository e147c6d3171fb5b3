"""A company table of which some rows are hidden, so that it has clients without a row.

Hidden rows are the companies of clients that the table lacks, and the source of former names and
former addresses. They are hidden from the index in memory only. A row that stays must not be the
source of a former name: the client would get an exact namesake that is a wrong company.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.parts import recount
from linkage_rl.errors import SchemaError
from linkage_rl.tables.split import SHARES, SPLITS
from linkage_rl.training.own_table.config import OwnTableConfig

FEWEST: Final = 200
"""Rows that a table needs."""
PLACES: Final = ("city", "office", "prefecture")
"""By what former addresses are chosen: columns of the packed rows."""


@dataclass(frozen=True, eq=False)
class World:
    """A table of which some rows are hidden."""

    full: CompanyIndex
    """Every row."""
    index: CompanyIndex
    """Without the hidden rows, which keep their row numbers."""
    kept: Mapping[str, NDArray[np.int64]]
    """Split to the head rows that its clients with a row are drawn from; no company is in two."""
    hidden: Mapping[str, NDArray[np.int64]]
    """Split to the rows that its clients without a row are drawn from."""
    places: Mapping[str, NDArray[np.int64]]
    """Code of each row of the full index by kind of place, 0 where unknown, shape (N,)."""

    @classmethod
    def of(cls, full: CompanyIndex, config: OwnTableConfig) -> "World":
        """Hide companies of a table at random, each with all of its rows.

        Raises:
            SchemaError: The table has too few rows.
        """
        alive = full.head_rows
        if len(alive) < FEWEST:
            raise SchemaError(
                f"learning without labels needs a company table of at least {FEWEST} rows, got "
                f"{len(alive):,}; link with the rules of a bundle trained elsewhere, or label "
                "clients and give them as clients.train, clients.valid and clients.test"
            )
        rng = np.random.default_rng([config.seed, 0])
        shuffled = rng.permutation(alive)
        count = min(config.hidden, int(len(alive) * config.hidden_share))
        packed = full.rows(np.arange(sum(len(part.segment) for part in full.parts)))
        return cls(
            full=full,
            index=_without(full, shuffled[:count]),
            kept=_split(shuffled[count:]),
            hidden=_split(shuffled[:count]),
            places={name: packed[name].astype(np.int64) for name in PLACES},
        )

    def donors(
        self, rows: NDArray[np.int64], split: str, place: str, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """A random other hidden row in the same place as each of these rows, shape (n,).

        Args:
            rows: Rows of the full index, shape (n,).
            split: Whose hidden rows are taken.
            place: One of `PLACES`; where the place is unknown or no hidden row shares it, any
                hidden row is taken.
            rng: Random generator.
        """
        hidden = self.hidden[split]
        codes = self.places[place][hidden]
        order = np.argsort(codes, kind="stable")
        codes, wanted = codes[order], self.places[place][rows]
        begin, end = (np.searchsorted(codes, wanted, side) for side in ("left", "right"))
        begin, end = (
            np.where((wanted != 0) & (end > begin), bound, fallback)
            for bound, fallback in ((begin, 0), (end, len(hidden)))
        )
        chosen = begin + (rng.random(len(rows)) * (end - begin)).astype(np.int64)
        # a company is not its own former self, unless it is the only one of its place
        chosen = np.where(hidden[order[chosen]] == rows, chosen + 1, chosen)
        chosen = np.where(chosen == end, begin, chosen)
        donors: NDArray[np.int64] = hidden[order[chosen]]
        return donors


def _split(rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    ends = np.rint(np.cumsum(SHARES) * len(rows)).astype(np.int64)
    return dict(zip(SPLITS, np.split(rows, ends[:-1]), strict=True))


def _without(index: CompanyIndex, rows: NDArray[np.int64]) -> CompanyIndex:
    """The index without the companies of these rows; names and places are counted again."""
    parts = []
    for part in index.parts:
        alive = part.alive.copy()
        own = rows - part.first_row
        alive[part.segment.sites.siblings(own[(own >= 0) & (own < len(alive))])] = 0
        parts.append(replace(part, alive=alive))
    return replace(index, parts=recount(parts))
