"""Segments with the rows of them that still hold, and how often names occur over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.segment import KeyIndex, Segment


@dataclass(frozen=True)
class Part:
    """A segment with the rows of it that still hold."""

    segment: Segment
    alive: NDArray[np.uint8]
    """1 where the row still holds, shape (n,)."""
    first_row: int
    """Row of the index at which the segment begins."""
    counts: NDArray[np.uint16]
    """Rows of the table that share each of `COUNTED` with this row, shape (n, C)."""

    @classmethod
    def whole(cls, segment: Segment, first_row: int = 0) -> "Part":
        """A segment of which every row holds, counted by itself."""
        alive = np.ones(len(segment), dtype=np.uint8)
        return cls(segment, alive, first_row, segment.counts)


def recount(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with the bearers of each key counted over all rows that hold.

    Only keys that a change has touched are counted again: those of rows that no longer hold, and
    all of the later parts. The base's own counts are right for the rest.
    """
    counts = [part.segment.counts.copy() for part in parts]
    for place, name in enumerate(COUNTED):
        indexes = [part.segment.keys[name] for part in parts]
        touched = np.unique(np.concatenate(_touched(parts, indexes)))
        total = sum(
            (index.count(touched, part.alive) for index, part in zip(indexes, parts, strict=True)),
            start=np.zeros(len(touched), dtype=np.int64),
        )
        for own, index in zip(counts, indexes, strict=True):
            begin = np.searchsorted(index.keys, touched, side="left")
            sizes = np.searchsorted(index.keys, touched, side="right") - begin
            shift = np.repeat(begin - (np.cumsum(sizes) - sizes), sizes)
            bearers = index.rows[np.arange(len(shift)) + shift]
            own[bearers, place] = np.repeat(np.minimum(total, 65_535), sizes)
    return tuple(replace(part, counts=own) for part, own in zip(parts, counts, strict=True))


def _touched(parts: Sequence[Part], indexes: Sequence[KeyIndex]) -> list[NDArray[np.uint64]]:
    gone = indexes[0].keys[parts[0].alive[indexes[0].rows] == 0]
    return [gone, *(index.keys for index in indexes[1:])]
