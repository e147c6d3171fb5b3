"""Which registry office serves which city, learned from the table.

Digits 2-5 of a corporate number name the registry office where the company was registered when it
got the number; a company that has moved since keeps the office of its old place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.parts import Part


@dataclass(frozen=True)
class OfficeTable:
    """Share of each office among the companies of a city; empty without corporate numbers."""

    keys: NDArray[np.uint64]
    """City hash and office in one number, ascending; shape (E,)."""
    shares: NDArray[np.float32]
    """Companies of that city and office over those of the city's most frequent office, in (0, 1];
    shape (E,)."""

    @classmethod
    def learn(cls, city: NDArray[np.uint32], office: NDArray[np.uint16]) -> "OfficeTable":
        """Count cities and offices over all companies that have both; 0 is unknown."""
        known = (city > 0) & (office > 0)
        keys, counts = np.unique(_pair(city[known], office[known]), return_counts=True)
        cities, first = np.unique(keys >> np.uint64(16), return_index=True)
        largest = np.maximum.reduceat(counts, first) if len(first) else counts
        place = np.searchsorted(cities, keys >> np.uint64(16))
        return cls(keys, (counts / largest[place]).astype(np.float32))


def offices_of(parts: Sequence[Part]) -> OfficeTable:
    """The offices of all rows that are alive."""
    city, office = (
        np.concatenate([part.segment.rows[name][part.alive == 1] for part in parts])
        for name in ("city", "office")
    )
    return OfficeTable.learn(city, office)


def _pair(city: NDArray[np.uint32], office: NDArray[np.uint16]) -> NDArray[np.uint64]:
    return (city.astype(np.uint64) << np.uint64(16)) | office.astype(np.uint64)
