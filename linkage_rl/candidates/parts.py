"""Segments with the rows of them that are alive, and how often keys occur over all segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _keys
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.mapping import forget
from linkage_rl.candidates.segment import Segment
from linkage_rl.candidates.sorted_sets import distinct

_FEW_DISTINCT: Final = 8
"""Keys per distinct one from which on these are kept in memory for counting."""
_PIECE: Final = 1 << 14
"""Keys that are looked at first."""


@dataclass(frozen=True)
class Part:
    """A segment with the rows of it that are alive, that is neither changed nor deleted since."""

    segment: Segment
    alive: NDArray[np.uint8]
    """1 for rows that are alive, else 0; shape (n,)."""
    first_row: int
    """Row of the index at which the segment begins."""
    counts: NDArray[np.uint16]
    """Companies of the table that share each of `COUNTED` with this row, shape (n, C)."""

    @classmethod
    def of(cls, segment: Segment, first_row: int = 0) -> "Part":
        """A segment of which every row is alive, with its own counts."""
        alive = np.ones(len(segment), dtype=np.uint8)
        return cls(segment, alive, first_row, segment.counts)

    @cached_property
    def companies(self) -> int:
        """Number of companies that are alive."""
        return int(self.alive[self.segment.sites.is_head(len(self.alive))].sum())

    @cached_property
    def uncounted_keys(self) -> Mapping[str, NDArray[np.uint64]]:
        """Key name to keys that do not count, ascending: of rows that are not alive, and repeats.

        A company counts once for a key that several of its sites have.
        """
        counted, sites = (*COUNTED, "former_name"), self.segment.sites
        if self.alive.all() and not sites:
            return dict.fromkeys(counted, np.zeros(0, dtype=np.uint64))
        keys = {name: self.segment.keys[name] for name in counted}
        return {
            name: index.keys[(self.alive[index.rows] == 0) | sites.repeats(index.keys, index.rows)]
            for name, index in keys.items()
        }

    @cached_property
    def frequencies(self) -> _keys.KeyCounts:
        """Counts companies that are alive by each of `COUNTED`."""
        return self._counting(*COUNTED)

    @cached_property
    def former_name_frequencies(self) -> _keys.KeyCounts:
        """Counts companies that are alive by a former name."""
        return self._counting("former_name")

    def _counting(self, *names: str) -> _keys.KeyCounts:
        arrays = []
        for name in names:
            keys, *runs = _in_runs(self.segment.keys[name].keys)
            arrays.append((keys, self.uncounted_keys[name], *runs))
        return _keys.KeyCounts(arrays)

    def with_counts(self, counts: NDArray[np.uint16]) -> "Part":
        """The same rows with other counts; `uncounted_keys` are not computed again."""
        part = replace(self, counts=counts)
        vars(part)["uncounted_keys"] = self.uncounted_keys
        return part

    def with_segment(self, segment: Segment) -> "Part":
        """The same rows of a segment with other weights; what was derived is kept."""
        part = replace(self, segment=segment)
        for name in ("companies", "uncounted_keys"):
            if name in vars(self):
                vars(part)[name] = vars(self)[name]
        return part

    def count(self, name: str, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many companies that are alive have each wanted key, shape (N,); 0 for the key 0."""
        counts = _keys.count_keys(self.segment.keys[name].keys, wanted)
        uncounted = self.uncounted_keys[name]
        return counts - _keys.count_keys(uncounted, wanted) if len(uncounted) else counts


def _in_runs(keys: NDArray[np.uint64]) -> tuple[NDArray[Any], ...]:
    """The distinct ones of ascending keys with the ends of their runs, where few are distinct.

    Looking for one of two thousand cities would otherwise keep pages of all rows in memory.
    """
    # mostly the first ones show it, and the others are not read
    first = keys[:_PIECE]
    if _FEW_DISTINCT * (np.count_nonzero(first[1:] != first[:-1]) + 1) > len(first):
        return (keys,)
    changes = keys[1:] != keys[:-1]
    forget(keys)
    if _FEW_DISTINCT * (np.count_nonzero(changes) + 1) > len(keys):
        return (keys,)
    ends = np.append(np.flatnonzero(changes) + 1, len(keys))
    distinct = keys[ends - 1]
    forget(keys)
    return distinct, ends


def recount(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with the frequency of each counted key over all companies that are alive.

    Only keys that a change has touched are counted again: those that no longer count, and all keys
    of the later parts. The base's own counts are right for the others.
    """
    counts = [part.segment.counts.copy() for part in parts]
    for place, name in enumerate(COUNTED):
        indexes = [part.segment.keys[name] for part in parts]
        later = [index.keys for index in indexes[1:]]
        touched = distinct(np.concatenate([parts[0].uncounted_keys[name], *later]))
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
    return tuple(part.with_counts(own) for part, own in zip(parts, counts, strict=True))
