"""Lists to review, stacked into arrays that the decision process reads."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linkage_rl.envs.review_lists import ReviewList

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class StackedLists:
    """B lists, padded to the longest of M clients, each in the order in which it is asked about.

    The clients of a stratum stand together, in the random order in which answers come.
    """

    confidence: NDArray[np.float32]
    """Shape (B, M); -9 for padding, which is never linked."""
    stratum: NDArray[np.int16]
    """Shape (B, M); S for padding."""
    rank: NDArray[np.int32]
    """Place of the client within its stratum, shape (B, M)."""
    right: NDArray[np.bool_]
    """Shape (B, M), as the two below; see `ReviewList`."""
    findable: NDArray[np.bool_]
    has_row: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    """Clients of each stratum, shape (B, S)."""
    mean: NDArray[np.float64]
    """Mean confidence of each stratum, 0 where it is empty, shape (B, S)."""

    @classmethod
    def of(
        cls, lists: Sequence[ReviewList], edges: Sequence[float], rng: np.random.Generator
    ) -> "StackedLists":
        """Stack lists.

        Args:
            lists: B lists.
            edges: Rising confidences that bound the strata.
            rng: Draws the order in which clients are asked about.
        """
        strata = len(edges) + 1
        stacked = cls._empty(len(lists), max(map(len, lists)), strata)
        for row, one in enumerate(lists):
            band = np.searchsorted(edges, one.confidence, side="right")
            shuffled = rng.permutation(len(one))
            order = shuffled[np.argsort(band[shuffled], kind="stable")]
            size, count = len(one), np.bincount(band, minlength=strata)
            ordered = one.take(order)
            stacked.stratum[row, :size] = band[order]
            stacked.rank[row, :size] = np.arange(size) - np.repeat(count.cumsum() - count, count)
            for name in ("confidence", "right", "findable", "has_row"):
                getattr(stacked, name)[row, :size] = getattr(ordered, name)
            stacked.sizes[row] = count
            total = np.bincount(band, weights=one.confidence, minlength=strata)
            stacked.mean[row] = total / np.maximum(count, 1)
        return stacked

    @classmethod
    def _empty(cls, batch: int, longest: int, strata: int) -> "StackedLists":
        """Nothing but padding."""
        shape = (batch, longest)
        return cls(
            confidence=np.full(shape, -9, dtype=np.float32),
            stratum=np.full(shape, strata, dtype=np.int16),
            rank=np.zeros(shape, dtype=np.int32),
            right=np.zeros(shape, dtype=np.bool_),
            findable=np.zeros(shape, dtype=np.bool_),
            has_row=np.zeros(shape, dtype=np.bool_),
            sizes=np.zeros((batch, strata), dtype=np.int64),
            mean=np.zeros((batch, strata)),
        )

    def __len__(self) -> int:
        return len(self.sizes)

    def with_rows(self, rows: NDArray[np.int64], fresh: "StackedLists") -> "StackedLists":
        """The lists with those in `rows` replaced by fresh ones, padded to the longest of all."""
        longest = max(self.confidence.shape[1], fresh.confidence.shape[1])
        changed = self._empty(len(self), longest, self.sizes.shape[1])
        kept = np.setdiff1d(np.arange(len(self)), rows)
        for one in fields(self):
            values, old, new = (getattr(part, one.name) for part in (changed, self, fresh))
            values[kept, : old.shape[1]] = old[kept]
            values[rows, : new.shape[1]] = new
        return changed

    @cached_property
    def _cell(self) -> NDArray[np.int64]:
        """Position of the stratum of each client among those of all lists, shape (B, M)."""
        rows = np.arange(len(self))[:, None] * (self.sizes.shape[1] + 1)
        cell: NDArray[np.int64] = self.stratum + rows
        return cell

    @cached_property
    def _rights(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Right candidates before each client (B, M + 1), and where each stratum begins (B, S)."""
        before = np.zeros((len(self), self.right.shape[1] + 1), dtype=np.int32)
        np.cumsum(self.right, axis=1, out=before[:, 1:])
        return before, self.sizes.cumsum(axis=1) - self.sizes

    def of_clients(self, values: NDArray[Number], padding: float = 0) -> NDArray[Number]:
        """The value of the stratum of each client, (B, S) to (B, M)."""
        padded = np.full((len(self), values.shape[1] + 1), padding, dtype=values.dtype)
        padded[:, :-1] = values
        spread: NDArray[Number] = padded.ravel()[self._cell]
        return spread

    def counts(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Chosen clients of each stratum, (B, M) to (B, S)."""
        batch, strata = self.sizes.shape
        cells = self._cell[chosen]
        counts = np.bincount(cells, minlength=batch * (strata + 1)).reshape(batch, strata + 1)
        kept: NDArray[np.int64] = counts[:, :strata].astype(np.int64)
        return kept

    def right_among_first(self, answered: NDArray[np.int64]) -> NDArray[np.int64]:
        """Right candidates among the first clients of each stratum, shape (B, S)."""
        before, begins = self._rights
        rows = np.arange(len(self))[:, None]
        found: NDArray[np.int64] = before[rows, begins + answered] - before[rows, begins]
        return found
