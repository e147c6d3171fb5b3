"""Reads a company table page by page; each statement is short and stands alone.

No statement depends on another one's snapshot: a page is whatever its range of keys holds at the
moment, so a page that is read again after a lost connection is as good as one read at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, bindparam, select, type_coerce
from sqlalchemy.types import NULLTYPE

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.closing import check_dates, unclear_in_sql
from linkage_rl.tables.layout import TableLayout, as_text
from linkage_rl.tables.pages import CompanyPage, Pace, Paging, RowHashes, bound_of, key_of
from linkage_rl.tables.row_hash import RowHash, row_hash

IDS_PER_STATEMENT: Final = 5_000
"""Keys that one statement names; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


class Read(Protocol):
    """Runs one statement in a short transaction of its own, again where the connection is lost."""

    def __call__(
        self,
        statement: Select[Any],
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        often: bool = False,
    ) -> Sequence[Sequence[Any]]:
        """All rows of the statement; one that comes often is the same object every time."""


@dataclass(frozen=True)
class PagedTable:
    """The open companies of a table in the order of their keys."""

    layout: TableLayout
    read: Read
    paging: Paging

    @cached_property
    def row_hash(self) -> RowHash:
        """How rows of this table are hashed."""
        return row_hash(self.layout.columns, self.layout.dialect)

    @property
    def statement(self) -> Select[Any]:
        """Selects all that is read of the table in `pages`."""
        selected = self.layout.selected.values()
        return self._companies(select(self._key, *selected, *self.row_hash.columns))

    def pages(
        self, after: str = "", upto: str = "", *, closed: bool = False
    ) -> Iterator[CompanyPage]:
        """The rows of a range of keys, page by page.

        Args:
            after: Bound after which the range begins; '' for the first key.
            upto: Bound at which it ends; '' for the last key.
            closed: Whether closed companies are read, too.
        """
        if not closed or self._heads is not self:
            self.check_closed_at()
        columns = [*self.layout.selected.values(), *self.row_hash.columns]
        for begin, end in self._ranges(after, upto, closed):
            rows = self._rows(columns, begin, end, closed)
            if rows:
                yield self._page(rows, end or bound_of(rows[-1][0]))

    def hashes(self, after: str = "", upto: str = "") -> Iterator[RowHashes]:
        """Keys and hashes of the rows of a range of keys, page by page; see `pages`.

        A range without an upper bound, of which a comparison of the table has one, comes with the
        check of `closed_at` in the whole table; others do not, since it is a pass over the table.
        """
        if not upto:
            self.check_closed_at()
        columns = [self.layout.selected["company_id"], *self.row_hash.columns]
        for begin, end in self._ranges(after, upto):
            rows = self._rows(columns, begin, end)
            if rows:
                keys, ids, *hashed = zip(*rows, strict=True)
                bound = end or bound_of(keys[-1])
                found = self.layout.ids(ids)
                self.layout.refuse_repeated(found)
                yield RowHashes(found, keys, self.row_hash.of(hashed), bound)

    def summary(self, after: str, upto: str) -> tuple[int, int]:
        """Number of rows in a range of keys, and the sum of their hashes modulo 2^64."""
        found = self._summed(after, upto)
        if found is None:
            rows = self._read(select(*self.row_hash.columns), after, upto)
            found = len(rows), int(self._hashed(rows).sum(dtype=np.uint64)) if rows else 0
        self._pace.wait(found[0])
        return found

    def _summed(self, after: str, upto: str) -> tuple[int, int] | None:
        """`summary` by one row of the database; None where that needs all of them."""
        row_hash = self.row_hash
        if not row_hash.summary:
            return None
        try:
            ((count, total),) = self._read(select(*row_hash.summary), after, upto)
        except DatabaseError:
            if row_hash.integer is not None:
                raise
            # SQLite joins no more than 1 GB
            return None
        return row_hash.summed(count, total)

    def rows_of(self, keys: Sequence[Any]) -> Iterator[CompanyPage]:
        """The rows with these keys, some thousand at a time; vanished keys are left out.

        Args:
            keys: Keys as `hashes` gave them.

        Raises:
            SchemaError: Several rows have one id, and the mapping does not allow that.
        """
        columns = [self._key, *self.layout.selected.values(), *self.row_hash.columns]
        listed = self._range_key.in_(bindparam("keys", expanding=True))
        wanted = self._companies(select(*columns)).where(listed).order_by(self.layout.key)
        # the database may take several of the keys for equal, and return the rows of all for each
        returned: set[Any] = set()
        for begin in range(0, len(keys), IDS_PER_STATEMENT):
            some = list(keys[begin : begin + IDS_PER_STATEMENT])
            if rows := [row for row in self.read(wanted, {"keys": some}) if row[0] not in returned]:
                returned.update(row[0] for row in rows)
                yield self._page(rows)

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.paging.rows_per_s)

    @cached_property
    def _key(self) -> ColumnElement[Any]:
        """The key as the driver gives and takes it, without a conversion that might round it."""
        return type_coerce(self.layout.key, NULLTYPE).label("key_as_stored")

    @cached_property
    def _range_key(self) -> ColumnElement[Any]:
        """What stands in conditions for the key."""
        own = self.layout.range_key
        return self._key if own is None else type_coerce(own, NULLTYPE)

    @cached_property
    def _heads(self) -> "PagedTable":
        """The company table alone, where the sites come from another table."""
        layout = self.layout.head_offices
        return self if layout is None else PagedTable(layout, self.read, self.paging)

    def _ranges(self, after: str, upto: str, closed: bool = False) -> Iterator[tuple[str, str]]:
        """Parts of a range of keys that hold the rows of one page each; the last may be empty."""
        # found in the index of the company table, also where sites of another table come with it
        heads = self._heads
        last = select(heads._key).order_by(heads.layout.key).limit(1).offset(self.paging.rows - 1)
        while found := heads._read(last, after, upto, closed):
            end = bound_of(found[0][0])
            yield after, end
            after = end
            self._pace.wait(self.paging.rows)
        yield after, upto

    def _rows(
        self, columns: Sequence[ColumnElement[Any]], after: str, upto: str, closed: bool = False
    ) -> Sequence[Sequence[Any]]:
        """The key as stored and these columns of all rows in a range of keys, in order."""
        statement = select(self._key, *columns).order_by(self.layout.key)
        return self._read(statement, after, upto, closed)

    def _page(self, rows: Sequence[Sequence[Any]], bound: str = "") -> CompanyPage:
        _, *values = (list(column) for column in zip(*rows, strict=True))
        width = len(self.layout.selected)
        hashes = self.row_hash.of(values[width:])
        companies = self.layout.rows(values[:width])
        self.layout.refuse_repeated(companies.records.ids)
        order = _order(companies.records.ids, self._site_numbers(values), hashes)
        if order is None:
            return CompanyPage(companies, hashes, bound)
        return CompanyPage(companies.take(order.tolist()), hashes[order], bound)

    def head_rows(self, company_ids: Sequence[str]) -> CompanyRows:
        """Rows of these companies, closed ones included; of one with several rows the head row.

        Returns:
            Each company once, in the order in which its id first occurs; vanished ids are left out.
        """
        found = self._rows_by_id(company_ids)
        place: dict[str, int] = {}
        for row, (one, closed) in enumerate(zip(found.records.ids, found.closed_at, strict=True)):
            if one not in place or (found.closed_at[place[one]] and not closed):
                place[one] = row
        order = [place[name] for name in dict.fromkeys(company_ids) if name in place]
        return found if order == [*range(len(found.records))] else found.take(order)

    def _rows_by_id(self, company_ids: Sequence[str]) -> CompanyRows:
        """Rows of these companies, closed ones included; of a table of sites the head offices only.

        Rows of one company follow each other in the order in which an index has them. Where no id
        is given, an empty answer still shows that the database answers.
        """
        layout = self.layout
        if self._heads is not self:
            return self._heads._rows_by_id(company_ids)
        parameters = layout.id_parameters(company_ids)
        if not layout.several:
            rows = self.read(layout.by_ids, parameters, often=True)
            columns = [list(values) for values in zip(*rows, strict=True)]
            found = layout.rows(columns or [[]] * len(layout.selected))
            layout.refuse_repeated(found.records.ids)
            return found
        rows = self.read(self._sites_by_ids, parameters, often=True)
        if not rows:
            return layout.rows([()] * len(layout.selected))
        return self._page([(row[-1], *row[:-1]) for row in rows]).rows

    @cached_property
    def _sites_by_ids(self) -> Select[Any]:
        return self.layout.by_ids.add_columns(*self.row_hash.columns, self._key)

    def _site_numbers(self, values: Sequence[Sequence[Any]]) -> Sequence[str]:
        """What orders the rows of one company before their hash does; () where nothing does."""
        selected = list(self.layout.selected)
        if "site_number" not in selected:
            return ()
        return [as_text(value) for value in values[selected.index("site_number")]]

    def _hashed(self, rows: Sequence[Sequence[Any]]) -> NDArray[np.uint64]:
        return self.row_hash.of(list(zip(*rows, strict=True)))

    def _read(
        self, statement: Select[Any], after: str, upto: str, closed: bool = False
    ) -> Sequence[Sequence[Any]]:
        """What a statement selects in a range of keys."""
        parameters = {}
        if after:
            statement = statement.where(self._range_key > bindparam("after", type_=NULLTYPE))
            parameters["after"] = key_of(after)
        if upto:
            statement = statement.where(self._range_key <= bindparam("upto", type_=NULLTYPE))
            parameters["upto"] = key_of(upto)
        return self.read(self._companies(statement, closed), parameters)

    def _companies(self, statement: Select[Any], closed: bool = False) -> Select[Any]:
        """The statement for rows that have an id, and are open unless closed ones are wanted."""
        statement = statement.where(self.layout.has_id)
        return statement if closed else statement.where(self.layout.is_open)

    def check_closed_at(self) -> None:
        """Refuse texts in `closed_at` that are no dates; the rows that have them are not read.

        Raises:
            SchemaError: One of the tables has such a text.
        """
        for layout in self.layout.tables:
            closed, checked = layout.closed, layout.checked_dates
            if closed is not None and checked is not None:
                unclear = layout.has_id, unclear_in_sql(layout.dialect, closed)
                found = self.read(select(closed).where(*unclear).limit(1))
                check_dates([text for (text,) in found], *checked)


def _order(
    ids: Sequence[str], numbers: Sequence[str], hashes: NDArray[np.uint64]
) -> NDArray[np.int64] | None:
    """Order of rows such that those of one company follow each other; None where no id repeats.

    They come by number, shorter ones first, so that 9 comes before 10, and then by hash: the
    database returns rows of the same key in any order.
    """
    first: dict[str, int] = {}
    groups = [first.setdefault(company_id, row) for row, company_id in enumerate(ids)]
    if len(first) == len(ids):
        return None
    texts = np.array(numbers or [""] * len(ids))
    return np.lexsort((hashes, texts, np.char.str_len(texts), np.array(groups)))
