"""What an index knows of its table, page by page: whose rows it holds, and their hashes.

The pages are those of `tables.pages`. A page whose number of rows and sum of hashes are still those
of the table has not changed; of another one, the hashes of its rows say which of them have.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.encode import hash_texts
from linkage_rl.candidates.growing import GrowingArray
from linkage_rl.candidates.mapping import forget
from linkage_rl.candidates.sorted_sets import difference
from linkage_rl.candidates.strings import StringColumn

_JOIN_BELOW: Final = 1.25
"""Neighbouring pages are joined while they hold no more rows than this many times a page, so that
neither deletions nor rows that are added one by one leave ever more and smaller pages."""


@dataclass(frozen=True)
class PageRows:
    """N rows of one page."""

    companies: NDArray[np.uint64]
    """Hash of the company id of each row, shape (N,)."""
    hashes: NDArray[np.uint64]
    """Hash of each row, shape (N,)."""
    bound: str
    """Last key of the page, as the table writes it."""

    @classmethod
    def of(cls, ids: Sequence[str], hashes: NDArray[np.uint64], bound: str) -> "PageRows":
        """The rows of a page that was just read."""
        return cls(hash_texts(ids), hashes, bound)

    @classmethod
    def none(cls) -> "PageRows":
        """A page without rows."""
        nothing = np.zeros(0, dtype=np.uint64)
        return cls(nothing, nothing, "")

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def summary(self) -> tuple[int, int]:
        """Number of rows, and the sum of their hashes modulo 2^64."""
        return len(self), int(self.hashes.sum(dtype=np.uint64))

    def changed_since(self, old: "PageRows") -> NDArray[np.uint64]:
        """Companies whose rows are not those of an older state; ascending, without those gone."""
        known, known_hashes = old.by_company()
        companies, hashes = self.by_company()
        if len(known) == 0:
            return companies
        place = np.minimum(np.searchsorted(known, companies), len(known) - 1)
        differs = (known[place] != companies) | (known_hashes[place] != hashes)
        return np.compress(differs, companies)

    def by_company(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The distinct companies, ascending, and the sum of the hashes of each one's rows."""
        order = np.argsort(self.companies, kind="stable")
        companies = self.companies[order]
        starts = np.flatnonzero(np.append(True, companies[1:] != companies[:-1]))
        if len(companies) == 0:
            return companies, companies
        return companies[starts], np.add.reduceat(self.hashes[order], starts)


@dataclass(frozen=True)
class KnownPages:
    """P pages of a table, N rows in all; no page at all for rows that came from no database."""

    hashing: str
    """Name of the row hash; those of another one cannot be compared. '' where there is none."""
    companies: NDArray[np.uint64]
    """Hash of the company id of each row, shape (N,)."""
    hashes: NDArray[np.uint64]
    """Hash of each row, shape (N,)."""
    ends: NDArray[np.int64]
    """Page p has the rows `ends[p - 1]` to `ends[p]` of these arrays, shape (P,)."""
    bounds: StringColumn
    """Last key of each page, as the table writes it."""

    @classmethod
    def of(cls, hashing: str, pages: Iterable[PageRows], rows_per_page: int = 1) -> "KnownPages":
        """Collect pages; small ones are joined.

        Args:
            hashing: Name of the row hash.
            pages: Pages in the order of their keys.
            rows_per_page: Rows that a page should have.
        """
        companies, hashes = GrowingArray(np.uint64), GrowingArray(np.uint64)
        ends: list[int] = []
        bounds: list[str] = []
        for page in pages:
            begin = ends[-2] if len(ends) > 1 else 0
            if ends and len(hashes) + len(page) - begin <= _JOIN_BELOW * rows_per_page:
                ends.pop()
                bounds.pop()
            companies.append(page.companies)
            hashes.append(page.hashes)
            ends.append(len(hashes))
            bounds.append(page.bound)
        return cls(
            hashing,
            companies.array(),
            hashes.array(),
            np.array(ends, dtype=np.int64),
            StringColumn.from_texts(bounds),
        )

    @classmethod
    def none(cls) -> "KnownPages":
        """Those of an index whose rows came from no database."""
        return cls.of("", [])

    def __iter__(self) -> Iterator[PageRows]:
        begin = 0
        bounds = self.bounds.take(np.arange(len(self.ends)))
        for end, bound in zip(self.ends.tolist(), bounds, strict=True):
            yield PageRows(self.companies[begin:end], self.hashes[begin:end], bound)
            begin = end

    def difference(self, old: "KnownPages") -> tuple[int, int]:
        """How many companies are new or changed, and gone; all are new where hashes differ."""
        rows = PageRows(self.companies, self.hashes, "")
        comparable = old.hashing == self.hashing
        before = PageRows(old.companies, old.hashes, "") if comparable else PageRows.none()
        gone = difference(before.companies, rows.companies)
        return len(rows.changed_since(before)), len(gone)

    @property
    def state(self) -> str:
        """Equal for tables of equal content, whatever their pages; differs after any change."""
        total = int(self.hashes.sum(dtype=np.uint64))
        self.forget()
        return f"{len(self.hashes)}-{total:016x}"

    def forget(self) -> None:
        """Give back the pages of mapped arrays, which linking does not read."""
        forget(self.companies, self.hashes)
