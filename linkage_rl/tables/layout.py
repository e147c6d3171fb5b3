"""Layout of a company table: which canonical columns it has, and how to select them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    String,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    inspect,
    or_,
    select,
    table,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import TypeEngine

from linkage_rl.errors import DatabaseError
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.ddl import split_name
from linkage_rl.tables.schema import ColumnMapping, nearest


@dataclass(frozen=True)
class TableLayout:
    """Selects canonical columns from a table of any column names and types."""

    columns: dict[str, ColumnElement[Any]]
    """Canonical column to the table's own."""
    dialect: str
    """'sqlite', 'postgresql' or another name of SQLAlchemy."""

    @property
    def key(self) -> ColumnElement[Any]:
        """The column of company ids."""
        return self.columns["company_id"]

    def every(self) -> Select[Any]:
        """Selects all companies, ordered by company_id."""
        return select(*self.columns.values()).order_by(self.key)

    def keys(self) -> Select[Any]:
        """Selects all company ids in their order."""
        return select(self.key).order_by(self.key)

    def size(self) -> Select[Any]:
        """Selects the number of companies."""
        return select(func.count(self.key))

    def open_size(self) -> Select[Any]:
        """Selects the number of companies that are not closed."""
        closed = self.columns.get("closed_at")
        if closed is None:
            return self.size()
        if isinstance(closed.type, String):
            return self.size().where(or_(closed.is_(None), closed == ""))
        return self.size().where(closed.is_(None))

    def latest(self) -> Select[Any]:
        """Selects the latest `updated_at`; NULL where there is none."""
        return select(func.max(self.columns.get("updated_at")))

    def since(self, watermark: str) -> Select[Any]:
        """Selects rows changed at or after the watermark; all where no time of change is known."""
        stamped = self.columns.get("updated_at")
        if stamped is None or not watermark:
            return self.every()
        after = stamped >= _as_stamp(watermark, stamped.type)
        return self.every().where(or_(after, stamped.is_(None)))

    @cached_property
    def by_ids(self) -> Select[Any]:
        """Selects the companies whose ids are given by `id_parameters`, however many."""
        rows = select(*self.columns.values())
        if self.dialect == "sqlite":
            listed = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
            return rows.where(self.key.in_(select(listed.c.value)))
        if self.dialect == "postgresql":
            texts = cast(bindparam("ids", type_=ARRAY(Text)), ARRAY(self.key.type))
            return rows.where(self.key == any_(texts))
        return rows.where(self.key.in_(bindparam("ids", expanding=True)))

    def id_parameters(self, company_ids: Sequence[str]) -> dict[str, Any]:
        """Parameters of `by_ids` for these companies."""
        ids = list(company_ids)
        return {"ids": json.dumps(ids) if self.dialect == "sqlite" else ids}

    def rows(self, values: Sequence[Sequence[Any]]) -> CompanyRows:
        """Columns of values that a statement of this layout selected, as texts; NULL becomes ''."""
        texts = {
            name: _texts(column_values, self.columns[name].type)
            for name, column_values in zip(self.columns, values, strict=True)
        }
        empty = [""] * len(values[0])
        return CompanyRows(
            RecordBatch(
                texts["company_id"], {field: texts[field] for field in FIELDS if field in texts}
            ),
            updated_at=texts.get("updated_at", empty),
            closed_at=texts.get("closed_at", empty),
        )


def find_table(engine: Engine, mapping: ColumnMapping) -> TableLayout:
    """The layout of the table that the mapping names.

    Raises:
        DatabaseError: There is no such table or view.
        SchemaError: It lacks a column.
    """
    schema, name = split_name(mapping.table)
    inspector = inspect(engine)
    try:
        types = {found["name"]: found["type"] for found in inspector.get_columns(name, schema)}
    except NoSuchTableError:
        tables = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        meant = nearest(name, tables)
        hint = f"did you mean {meant!r}?" if meant else "load one with the companies command"
        raise DatabaseError(
            f"expected table {mapping.table!r} in {shown(engine.url)}, got {tables}; {hint}"
        ) from None
    used = mapping.of_companies(list(types), f"company table {mapping.table!r}")
    source = table(name, *(column(own, types[own]) for own in used.values()), schema=schema)
    return TableLayout(
        {canonical: source.c[own] for canonical, own in used.items()}, engine.dialect.name
    )


def as_text(value: object) -> str:
    """A database value as text: NULL as '', dates and times as ISO 8601."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return "" if value is None else str(value)


def _texts(values: Sequence[Any], kind: TypeEngine[Any]) -> Sequence[str]:
    if not isinstance(kind, String):
        return [as_text(value) for value in values]
    return values if None not in values else [value or "" for value in values]


def _as_stamp(watermark: str, kind: TypeEngine[Any]) -> str | date | datetime:
    """The watermark in the type of the column that it is compared with."""
    if isinstance(kind, String):
        return watermark
    stamp = datetime.fromisoformat(watermark)
    return stamp if kind.python_type is datetime else stamp.date()
