"""Layout of a company table: which canonical columns it has, and how to select them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    CHAR,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Numeric,
    Select,
    String,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    table,
    true,
    type_coerce,
)
from sqlalchemy.engine import Engine
from sqlalchemy.types import NULLTYPE, NullType

from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.closing import (
    CLOSED_WHEN,
    ClosedWhen,
    check_dates,
    closed_in_sql,
    is_met,
    may_be_empty,
    read_closed_when,
    unclear_in_sql,
)
from linkage_rl.tables.ddl import split_name
from linkage_rl.tables.own_columns import (
    in_one,
    is_time,
    refuse_type,
    refuse_unreadable,
    table_columns,
)
from linkage_rl.tables.schema import SEPARATOR, ColumnMapping


@dataclass(frozen=True)
class TableCounts:
    """What the rows of a company table are."""

    rows: int
    """Rows with an id."""
    open: int
    """Those that are not closed."""
    without_id: int
    """Rows that are left out, since a company is known by its id."""

    @property
    def said_left_out(self) -> str:
        """The rows that no index has in words; '' where there are none."""
        closed = self.rows - self.open
        parts = [f"{closed:,} closed companies"] if closed else []
        parts += [f"{self.without_id:,} rows without an id"] if self.without_id else []
        return ", ".join(parts)


@dataclass(frozen=True)
class TableLayout:
    """Selects canonical columns from a table of any column names and types."""

    columns: dict[str, ColumnElement[Any]]
    """Canonical column to the table's own, or to an expression of several of them."""
    source: FromClause
    """The table."""
    dialect: str
    """'sqlite', 'postgresql' or another name of SQLAlchemy."""
    closed: ColumnElement[Any] | None = None
    """SQL text, '' while a company is open; see `closing.closed_in_sql`. None where the table does
    not say which companies are closed."""
    checked_dates: tuple[str, str, str] | None = None
    """Where the type of `closed_at` is not one of time: its column, the table in words, and the
    setting of conditions; see `closing.check_dates`."""
    several: bool = False
    """Whether several rows may have one id, the sites of a company; the column `site_number`, where
    there is one, orders them."""
    head_offices: "TableLayout | None" = None
    """The company table alone, where the sites come from another table."""
    sites: "TableLayout | None" = None
    """That table of sites alone."""
    range_key: ColumnElement[Any] | None = None
    """What a range of keys is found by, where another column than the key has an index for it."""
    conditions: tuple[tuple[ClosedWhen, ColumnElement[Any]], ...] = ()
    """Conditions of `closed_when`, each with its column."""
    what: str = "the company table"
    """The table in words."""

    @property
    def key(self) -> ColumnElement[Any]:
        """The column of company ids."""
        return self.columns["company_id"]

    @property
    def tables(self) -> tuple["TableLayout", ...]:
        """The layout of each table that the rows come from."""
        alone = tuple(one for one in (self.head_offices, self.sites) if one is not None)
        return alone or (self,)

    @property
    def every_condition(self) -> list[tuple["TableLayout", ClosedWhen, ColumnElement[Any]]]:
        """The conditions of each of these tables, with their columns."""
        return [(one, *condition) for one in self.tables for condition in one.conditions]

    @property
    def has_id(self) -> ColumnElement[bool]:
        """Condition: a row without an id is no company, and every statement leaves it out."""
        if self.dialect == "sqlite":
            # a column of any type, or an expression of a view, may hold ''
            return self.key != literal_column("''")
        if may_be_empty(self.key):
            return self.key != ""
        return self.key.is_not(None)

    @property
    def is_open(self) -> ColumnElement[bool]:
        """Condition: a company is open now."""
        return true() if self.closed is None else self.closed == ""

    @cached_property
    def selected(self) -> dict[str, ColumnElement[Any]]:
        """Canonical column to what is selected for it, in the order that `rows` expects."""
        selected = dict(self.columns)
        stamped = selected.get("updated_at")
        if stamped is not None and isinstance(stamped.type, (Date, DateTime)):
            # as text, since 'infinity' and zero dates are no times of Python
            selected["updated_at"] = cast(stamped, Text)
        if self.dialect == "sqlite":
            # as stored: its numbers are not of the places that their type names
            selected = {
                name: type_coerce(one, NULLTYPE) if isinstance(one.type, Numeric) else one
                for name, one in selected.items()
            }
        if self.closed is not None:
            selected["closed_at"] = self.closed
        return selected

    def size(self) -> Select[Any]:
        """Selects the number of companies."""
        return select(self._number(self.has_id)).select_from(self.source)

    def open_size(self) -> Select[Any]:
        """Selects the number of companies that are not closed."""
        is_open = and_(self.has_id, self.is_open)
        return select(self._number(is_open)).select_from(self.source)

    def _number(self, condition: ColumnElement[bool]) -> ColumnElement[int]:
        """Number of companies that meet a condition; several sites are one."""
        if self.several:
            return func.count(case((condition, self.key)).distinct())
        return func.count(case((condition, 1)))

    def overview(self) -> Select[Any]:
        """Selects the numbers of rows, open companies and rows without an id, and an unclear text.

        That is one of `closed_at` that says neither open nor closed. It is one pass over the table.
        """
        unclear: ColumnElement[Any] = null()
        if self.closed is not None and self.checked_dates is not None:
            unclear = func.min(case((unclear_in_sql(self.dialect, self.closed), self.closed)))
        return select(
            self._number(self.has_id),
            self._number(and_(self.has_id, self.is_open)),
            func.count(case((self.has_id, None), else_=1)),
            unclear,
        ).select_from(self.source)

    def values_of(
        self, condition: ClosedWhen, column: ColumnElement[Any], limit: int
    ) -> Select[Any]:
        """Selects the most frequent values of a condition's column; see `closing.said_values`."""
        texts, number = cast(column, Text), func.count()
        met = func.max(case((is_met(self.dialect, condition, column), 1), else_=0))
        selected: list[ColumnElement[Any]] = [texts, number, met]
        statement = select(*selected).select_from(self.source).where(self.has_id)
        return statement.group_by(texts).order_by(number.desc(), texts).limit(limit)

    def latest(self) -> Select[Any]:
        """Selects the latest `updated_at`; NULL where there is none."""
        return select(func.max(self.columns.get("updated_at")))

    @cached_property
    def by_ids(self) -> Select[Any]:
        """Selects the companies whose ids are given by `id_parameters`, however many."""
        rows = select(*self.selected.values()).where(self.has_id)
        if self.dialect == "sqlite":
            listed = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
            # an expression of a view does not turn texts into numbers, as a column would
            untyped = isinstance(self.key.type, NullType)
            key = cast(self.key, Text) if untyped else self.key
            return rows.where(key.in_(select(listed.c.value)))
        if self.dialect == "postgresql":
            texts = cast(bindparam("ids", type_=ARRAY(Text)), ARRAY(self.key.type))
            return rows.where(self.key == any_(texts))
        return rows.where(self.key.in_(bindparam("ids", expanding=True)))

    def id_parameters(self, company_ids: Sequence[str]) -> dict[str, Any]:
        """Parameters of `by_ids` for these companies."""
        ids = list(company_ids)
        return {"ids": json.dumps(ids) if self.dialect == "sqlite" else ids}

    def ids(self, keys: Sequence[Any]) -> list[str]:
        """Values of the key as company ids, without the padding of char(20)."""
        return list(map(str, _texts(keys, self.key, self.dialect)))

    def refuse_repeated(self, company_ids: Sequence[str]) -> None:
        """Refuse ids that several rows have, unless the mapping says that they are sites.

        Raises:
            SchemaError: An id occurs twice.
        """
        if self.several or len(set(company_ids)) == len(company_ids):
            return
        repeated = {one: count for one, count in Counter(company_ids).items() if count > 1}
        example = min(repeated)
        raise SchemaError(
            f"expected one row per company in {self.what}, got {repeated[example]} rows with the "
            f"id {example!r}; map company_id to a column that differs in every row, or, if they "
            "are sites of one company, set table.mapping.several_rows=true"
        )

    def rows(self, values: Sequence[Sequence[Any]]) -> CompanyRows:
        """Columns of values that a statement of this layout selected, as texts; NULL becomes ''.

        Raises:
            SchemaError: A text in `closed_at` does not say whether the company is closed.
        """
        texts = {
            name: _texts(column_values, self.columns.get(name), self.dialect)
            for name, column_values in zip(self.selected, values, strict=True)
        }
        empty = [""] * len(values[0])
        closed_at = texts.get("closed_at", empty)
        if self.checked_dates is not None:
            check_dates(closed_at, *self.checked_dates)
        return CompanyRows(
            RecordBatch(
                texts["company_id"], {field: texts[field] for field in FIELDS if field in texts}
            ),
            updated_at=texts.get("updated_at", empty),
            closed_at=closed_at,
        )


def find_table(
    engine: Engine,
    mapping: ColumnMapping,
    needed: Sequence[str] = ("company_id", "name"),
    closed_when: str = CLOSED_WHEN,
) -> TableLayout:
    """The layout of the table that the mapping names, without its sites.

    Args:
        engine: The database.
        mapping: Table and columns.
        needed: Canonical columns that must be there.
        closed_when: Setting of the mapping's conditions, for messages.

    Raises:
        DatabaseError: There is no such table or view.
        SchemaError: It lacks a column, or a column holds no texts, numbers or times.
    """
    schema, name = split_name(mapping.table)
    types = table_columns(engine, schema, name)
    dialect, what = engine.dialect.name, f"company table {mapping.table!r}"
    conditions = read_closed_when(mapping.closed_when)
    parts = mapping.of_table(list(types), what, needed)
    for canonical, theirs in parts.items():
        for one in theirs:
            refuse_type(types[one], one, canonical, what, dialect)
    closing = {"closed_when": [one.column for one in conditions]}
    refuse_unreadable(engine, schema, name, {**parts, **closing}, what)
    own = dict.fromkeys([*chain(*parts.values()), *(one.column for one in conditions)])
    source = table(name, *(column(one, types[one]) for one in own), schema=schema)
    columns = {
        canonical: in_one([source.c[one] for one in theirs], SEPARATOR.get(canonical, " "))
        for canonical, theirs in parts.items()
    }
    dated = columns.get("closed_at")
    when = tuple((one, source.c[one.column]) for one in conditions)
    closed, checked_dates = None, None
    if dated is not None or conditions:
        closed = closed_in_sql(dialect, dated, when)
    if dated is not None and not is_time(dated.type, dialect):
        checked_dates = (mapping.closed_at, what, closed_when)
    several = mapping.several_rows or "site_number" in columns
    return TableLayout(
        columns, source, dialect, closed, checked_dates, several, conditions=when, what=what
    )


def as_text(value: object) -> str:
    """A database value as text: NULL as '', dates and times as ISO 8601."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return "" if value is None else str(value)


def _texts(values: Sequence[Any], own: ColumnElement[Any] | None, dialect: str) -> Sequence[str]:
    if own is None or not isinstance(own.type, String):
        return [as_text(value) for value in values]
    texts = values if None not in values else [value or "" for value in values]
    # char(20) is padded with blanks; in SQLite all that is there was written
    padded = isinstance(own.type, CHAR) and dialect != "sqlite"
    return [text.rstrip(" ") for text in texts] if padded else texts
