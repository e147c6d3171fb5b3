"""Segments with the rows of them that still hold, and how often names occur over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _keys
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.segment import Segment


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
    def of(cls, segment: Segment, first_row: int = 0) -> "Part":
        """A segment of which every row holds, counted by itself."""
        alive = np.ones(len(segment), dtype=np.uint8)
        return cls(segment, alive, first_row, segment.counts)

    @cached_property
    def gone(self) -> Mapping[str, NDArray[np.uint64]]:
        """Keys of the rows that no longer hold, rising; by the name of the key."""
        counted = (*COUNTED, "former_name")
        if self.alive.all():
            return dict.fromkeys(counted, np.zeros(0, dtype=np.uint64))
        keys = {name: self.segment.keys[name] for name in counted}
        return {name: index.keys[self.alive[index.rows] == 0] for name, index in keys.items()}

    def counted(self, counts: NDArray[np.uint16]) -> "Part":
        """The same rows with other counts; which are gone is not looked up again."""
        part = replace(self, counts=counts)
        vars(part)["gone"] = self.gone
        return part

    def count(self, name: str, asked: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many rows that hold bear each asked key, shape (N,); none bears the key 0."""
        counts = _keys.count_keys(self.segment.keys[name].keys, asked)
        gone = self.gone[name]
        return counts - _keys.count_keys(gone, asked) if len(gone) else counts


def recount(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with the frequency of each key counted over all live rows.

    Only keys that a change has touched are counted again: those of rows that no longer hold, and
    all of the later parts. The base's own counts are right for the rest.
    """
    counts = [part.segment.counts.copy() for part in parts]
    for place, name in enumerate(COUNTED):
        indexes = [part.segment.keys[name] for part in parts]
        later = [index.keys for index in indexes[1:]]
        touched = np.unique(np.concatenate([parts[0].gone[name], *later]))
        total = sum(
            (part.count(name, touched) for part in parts),
            start=np.zeros(len(touched), dtype=np.int64),
        )
        for own, index in zip(counts, indexes, strict=True):
            begin = np.searchsorted(index.keys, touched, side="left")
            sizes = np.searchsorted(index.keys, touched, side="right") - begin
            shift = np.repeat(begin - (np.cumsum(sizes) - sizes), sizes)
            sharing = index.rows[np.arange(len(shift)) + shift]
            own[sharing, place] = np.repeat(np.minimum(total, 65_535), sizes)
    return tuple(part.counted(own) for part, own in zip(parts, counts, strict=True))
