"""The columns of a user's own table: found in the database, checked, and several read as one."""

import warnings
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    LargeBinary,
    Text,
    case,
    cast,
    func,
    inspect,
    literal,
    text,
)
from sqlalchemy.dialects.mysql import BIT
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Engine, Inspector
from sqlalchemy.exc import NoSuchTableError, SAWarning
from sqlalchemy.types import NullType, TypeEngine

from linkage_rl.errors import DatabaseError, SchemaError
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.schema import nearest

_DENIED: Final = text(
    "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass) "
    "AND attnum > 0 AND NOT attisdropped AND NOT has_column_privilege(attrelid, attnum, 'SELECT')"
)

_NO_TEXTS: Final = (ARRAY, JSON, LargeBinary)
"""Types whose values are no texts, numbers or times, also where a dialect has its own class."""


def table_columns(engine: Engine, schema: str | None, name: str) -> Mapping[str, TypeEngine[Any]]:
    """Columns of a table or view with their types, in their order.

    Raises:
        DatabaseError: There is no such table; names the most similar one.
    """
    inspector = inspect(engine)
    try:
        with warnings.catch_warnings():
            # geometry and other types of extensions: refused below, if the column is used at all
            warnings.simplefilter("ignore", SAWarning)
            found = inspector.get_columns(name, schema)
    except NoSuchTableError:
        raise DatabaseError(_missing_table(engine, inspector, schema, name)) from None
    return {one["name"]: _plain_type(one["type"]) for one in found}


def refuse_type(
    kind: TypeEngine[Any], column: str, canonical: str, what: str, dialect: str
) -> None:
    """Refuse a column whose values are no texts, numbers or times.

    Args:
        kind: Its type.
        column: Its name.
        canonical: What it is read as.
        what: The table in words.
        dialect: 'sqlite', 'postgresql' or another name of SQLAlchemy.

    Raises:
        SchemaError: Its type is one of JSON, arrays, bytes, geometries and the like.
    """
    # SQLite has no type for the columns of views, and needs none
    unknown = isinstance(kind, NullType) and dialect != "sqlite"
    if unknown or isinstance(kind, _NO_TEXTS):
        named = "an unknown type" if unknown else type(kind).__name__
        raise SchemaError(
            f"column {column!r} of {what} is read as {canonical} and holds {named}, expected texts,"
            " numbers or times; take the text out of it in a view, or leave it out with "
            f"table.mapping.{canonical}=''"
        )


def refuse_unreadable(
    engine: Engine,
    schema: str | None,
    name: str,
    parts: Mapping[str, Sequence[str]],
    what: str,
) -> None:
    """Refuse a table of PostgreSQL with columns that are mapped but may not be read.

    They are not left out on their own account: fewer columns mean fewer links.

    Args:
        engine: The database.
        schema: Schema of the table; None for the default one.
        name: The table.
        parts: Canonical column to the table's own.
        what: The table in words.

    Raises:
        SchemaError: The user has no right to read some of the columns; names them.
    """
    if engine.dialect.name != "postgresql":
        return
    quote = engine.dialect.identifier_preparer.quote
    found = {"name": ".".join(quote(part) for part in (schema, name) if part)}
    with engine.connect() as connection:
        denied = set(connection.execute(_DENIED, found).scalars())
    lost = {canonical: set(own) & denied for canonical, own in parts.items() if set(own) & denied}
    if not lost:
        return
    columns = sorted(set().union(*lost.values()))
    remedy = f"GRANT SELECT ON {found['name']} to this user"
    if not {"company_id", "name"} & lost.keys():
        words = " ".join(f"table.mapping.{canonical}=''" for canonical in lost)
        remedy = f"{remedy}, or leave them out: {words}"
    raise SchemaError(f"the database user may not read {columns} of {what}; {remedy}")


def is_time(kind: TypeEngine[Any], dialect: str) -> bool:
    """Whether a column can hold nothing but dates or times."""
    return isinstance(kind, (Date, DateTime)) and dialect != "sqlite"


def in_one(columns: Sequence[ColumnElement[Any]], separator: str) -> ColumnElement[Any]:
    """SQL of one column, or the text of several, those that are empty left out."""
    if len(columns) == 1:
        return columns[0]
    parts = (func.coalesce(func.trim(cast(one, Text)), "", type_=Text) for one in columns)
    led = [case((part == "", ""), else_=literal(separator, Text).concat(part)) for part in parts]
    whole: ColumnElement[Any] = reduce(lambda left, right: left.concat(right), led)
    return func.substr(whole, len(separator) + 1, type_=Text)


def _plain_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type beneath a domain; BIT of MySQL, which SQLAlchemy cannot compare, as a boolean."""
    if isinstance(kind, DOMAIN):
        return kind.data_type
    return Boolean() if isinstance(kind, BIT) else kind


def _missing_table(engine: Engine, inspector: Inspector, schema: str | None, name: str) -> str:
    """The message that names what there is in place of the table."""
    where, wanted = shown(engine.url), f"{schema}.{name}" if schema else name
    schemas = inspector.get_schema_names()
    if schema is not None and schema not in schemas:
        near = nearest(schema, schemas)
        hint = f"did you mean {near!r}?" if near else "name one of them in table.mapping.table"
        return f"expected schema {schema!r} in {where}, got {schemas}; {hint}"
    tables = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if engine.dialect.name == "postgresql":
        tables += inspector.get_materialized_view_names(schema)
    near = nearest(name, tables)
    hint = f"did you mean {near!r}?" if near else "load one with the companies command"
    return f"expected table {wanted!r} in {where}, got {tables}; {hint}"
