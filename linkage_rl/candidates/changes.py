"""How an index finds what has changed in its table: page by page, by the hashes of the rows.

Nothing here depends on clocks or on one snapshot. Every row is indexed together with the hash that
was read in the same statement, so that whatever changes while a table is compared differs from what
the index knows and is found by the next refresh.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.known_pages import KnownPages, PageRows
from linkage_rl.candidates.sorted_sets import difference, distinct, is_among
from linkage_rl.candidates.stamps import Stamps
from linkage_rl.records import CompanyRows
from linkage_rl.tables.pages import CompanyPage, RowHashes

_NOTHING: Final[NDArray[np.uint64]] = np.zeros(0, dtype=np.uint64)


class ChangingTable(Protocol):
    """The open companies of a table, as an index reads them; see `tables.paged_table`."""

    @property
    def hashing(self) -> str:
        """Name of the row hash."""

    @property
    def rows_per_page(self) -> int:
        """Rows that a page should have."""

    def pages(self) -> Iterable[CompanyPage]:
        """All rows in the order of their keys, page by page."""

    def summary(self, after: str, upto: str) -> tuple[int, int]:
        """Number of rows in a range of keys, and the sum of their hashes modulo 2^64."""

    def hashes(self, after: str, upto: str = "") -> Iterable[RowHashes]:
        """Keys and hashes of the rows in a range of keys, page by page; '' for no bound."""

    def rows_of(self, keys: Sequence[Any]) -> Iterable[CompanyPage]:
        """The rows with these keys as they are now; vanished keys are left out."""


class KeyOrderError(Exception):
    """A company is in two pages of a table, since its keys come in another order than before."""


class Show(Protocol):
    """Shows how far a table is read."""

    def __call__(self, pages: Iterable[CompanyPage], /) -> Iterable[CompanyPage]:
        """The same pages."""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh found."""

    changed: int
    """Companies inserted, opened again or changed."""
    removed: int
    """Companies closed or deleted."""
    pages: int = 0
    """Pages of the table that differed from those known."""
    rebuilt: str = ""
    """Why the index was built anew, in words; '' where it was not."""
    stamps: Stamps = field(default_factory=Stamps)
    """The times of change of the new and changed rows, where the index was not built anew."""


@dataclass(frozen=True)
class Changes:
    """What has changed in a table; companies are given by the hashes of their ids."""

    known: KnownPages
    """The pages as they are now."""
    present: NDArray[np.uint64]
    """Companies that are new or changed, ascending."""
    absent: NDArray[np.uint64]
    """Companies that are closed or deleted, ascending."""
    differing: int
    """Pages that differed from those known, or are new."""


@dataclass(frozen=True)
class _Page:
    """A page of the table as it is now."""

    rows: PageRows
    changed: NDArray[np.uint64]
    """Companies that are new or changed, ascending."""
    keys: Sequence[Any]
    """Keys of these companies."""
    differs: bool = True
    """Whether it was read, since it differs from the page that is known."""


@dataclass(frozen=True)
class _Comparison:
    """All pages of the table as they are now, compared with those that an index knows."""

    pages: list[_Page]
    differing: int
    """Pages that differ from those known, or are new."""
    gone: NDArray[np.uint64]
    """Companies that are closed or deleted."""

    @property
    def touched(self) -> NDArray[np.uint64]:
        """All companies that are new, changed or gone, ascending."""
        return distinct(np.concatenate([self.gone, *(page.changed for page in self.pages)]))


def find_changes(
    known: KnownPages,
    table: ChangingTable,
    most: tuple[float, float],
    keep: Callable[[CompanyRows], None],
) -> Changes | None:
    """Compare a table with what an index knows of it, then read the rows that differ.

    Args:
        known: The pages that the index knows.
        table: The table.
        most: How many companies may be new or changed, and gone, for their rows to be read.
        keep: Takes all rows of the companies that are new or changed, some at a time.

    Returns:
        None where more has changed; no row has then been read.

    Raises:
        KeyOrderError: The database orders keys otherwise than before; no row has been read.
    """
    compared = _compare(known, table, most[0])
    if compared is None or (compared.differing and len(compared.gone) > most[1]):
        return None
    if not compared.differing:
        return Changes(known, _NOTHING, _NOTHING, 0)
    pages: list[PageRows] = []
    fetched = [_NOTHING]
    for page in compared.pages:
        parts = [page.rows]
        for found in table.rows_of(page.keys) if page.keys else ():
            keep(found.rows)
            parts.append(PageRows.of(found.rows.records.ids, found.hashes, page.rows.bound))
            fetched.append(parts[-1].companies)
        pages.append(_replaced(parts, page.changed) if page.keys else page.rows)
    present = distinct(np.concatenate(fetched))
    absent = difference(compared.touched, present)
    return Changes(
        KnownPages.of(known.hashing, pages, table.rows_per_page),
        present,
        # a company that came and went while the table was compared was never known
        absent[is_among(absent, distinct(known.companies))],
        compared.differing,
    )


def _compare(known: KnownPages, table: ChangingTable, most: float) -> _Comparison | None:
    """What differs; None as soon as more than `most` companies are new or changed."""
    pages: list[_Page] = []
    before: list[NDArray[np.uint64]] = [_NOTHING]
    present: list[NDArray[np.uint64]] = [_NOTHING]
    after, found_changes, differing = "", 0, 0
    for old in (*known, PageRows.none()):
        # rows after the last page are read in any case, and there are seldom any
        if len(old) and table.summary(after, old.bound) == old.summary:
            pages.append(_Page(old, _NOTHING, (), differs=False))
        else:
            before.append(old.companies)
            differing += len(old) > 0
            for rows in table.hashes(after, old.bound):
                changes = _compared(old, rows)
                pages.append(changes)
                present.append(changes.rows.companies)
                differing += len(old) == 0
                found_changes += len(changes.changed)
                if found_changes > most:
                    return None
        after = old.bound
    _refuse_repeated(pages)
    gone = difference(np.concatenate(before), np.concatenate(present))
    return _Comparison(pages, differing, gone)


def _refuse_repeated(pages: Sequence[_Page]) -> None:
    """Refuse pages of which two have the same company.

    Ranges of keys that follow each other hold every row once. If their bounds are no longer in
    the order of the database, they still hold every row, but some of them twice.
    """
    if not any(page.differs for page in pages):
        return
    read = [distinct(page.rows.companies) for page in pages if page.differs]
    equal = [page.rows.companies for page in pages if not page.differs]
    fresh = np.concatenate(read)
    companies = distinct(fresh)
    others = distinct(np.concatenate([_NOTHING, *equal]))
    if len(companies) < len(fresh) or is_among(companies, others).any():
        raise KeyOrderError


def _compared(old: PageRows, found: RowHashes) -> _Page:
    """Which companies of a page, or of a part of it, are new or changed."""
    rows = PageRows.of(found.ids, found.hashes, found.bound)
    changed = rows.changed_since(old)
    places = np.flatnonzero(is_among(rows.companies, changed)).tolist()
    keys = {found.ids[place]: found.keys[place] for place in places}
    return _Page(rows, changed, list(keys.values()))


def _replaced(parts: Sequence[PageRows], changed: NDArray[np.uint64]) -> PageRows:
    """The first part, without the changed companies, and all rows of the other parts."""
    page, *fetched = parts
    replaced = distinct(np.concatenate([changed, *(part.companies for part in fetched)]))
    kept = ~is_among(page.companies, replaced)
    return PageRows(
        np.concatenate([page.companies[kept], *(part.companies for part in fetched)]),
        np.concatenate([page.hashes[kept], *(part.hashes for part in fetched)]),
        page.bound,
    )
