"""Reads a client list from a database, once, into a CSV file that is then read as often as needed.

A list is counted, read in chunks, and read again after an interruption; a database would give it in
another order, or another list, each time.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.engine import URL, CursorResult, Engine

from linkage_rl.atomic import replacing
from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.csv_text import csv_text
from linkage_rl.tables.ddl import split_name
from linkage_rl.tables.engine import COMMAND_LIMITS, database_errors, open_engine
from linkage_rl.tables.layout import as_text
from linkage_rl.tables.retry import Retry
from linkage_rl.tables.streaming import BLOCK, streamed

_SELECT: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:(?:select|with)\b|\()", re.IGNORECASE | re.DOTALL
)
"""Begins a statement, perhaps after comments; anything else is the name of a table."""
_TEXTS: Final = (str, int, float, bool, Decimal, date, datetime, time, UUID, type(None))


def write_clients(url: URL, query: str, path: Path) -> int:
    """Write the rows of a query as CSV; NULL becomes '', dates and times ISO 8601.

    The rows are read as a stream in one read-only transaction; from its beginning again where the
    connection is lost.

    Args:
        url: The database.
        query: A SELECT statement, or the name of a table or view, perhaps with its schema.
        path: The file; it is complete or absent.

    Returns:
        Number of rows.

    Raises:
        DatabaseError: The database cannot be reached, or the query is wrong.
        SchemaError: A column has no name of its own, or holds JSON, an array or bytes.
        InputFileError: There are no rows.
        OutputError: The disk is full.
    """
    engine = open_engine(url, read_only=True)
    try:
        with database_errors(url, f"read the clients ({query})"):
            retry = Retry(url, COMMAND_LIMITS.retry_s)
            written = retry(lambda: _written(engine, query, path))
    finally:
        engine.dispose()
    if not written:
        with suppress(OSError):
            path.unlink()
        raise InputFileError(
            f"expected clients from {shown(url)}, got no row of {query!r}; change query="
        )
    return written


def _written(engine: Engine, query: str, path: Path) -> int:
    with (
        replacing(path) as partial,
        streamed(engine, _statement(engine, query)) as result,
        partial.open("w", newline="", encoding="utf-8") as stream,
    ):
        header, written = _header(result, query), 0
        stream.write(csv_text([header]))
        for rows in result.partitions(BLOCK):
            stream.write(csv_text(_texts(rows, header, query)))
            written += len(rows)
    return written


def _statement(engine: Engine, query: str) -> str:
    if _SELECT.match(query):
        return query.strip().rstrip(";")
    quote = engine.dialect.identifier_preparer.quote
    schema, name = split_name(query)
    return f"SELECT * FROM {f'{quote(schema)}.' if schema else ''}{quote(name)}"


def _header(result: CursorResult[Any], query: str) -> Sequence[str]:
    header = list(result.keys())
    repeated = sorted(name for name, count in Counter(header).items() if count > 1)
    if repeated:
        raise SchemaError(
            f"several columns of {query!r} are called {', '.join(repeated)}; give each a name of "
            "its own with AS"
        )
    return header


def _texts(
    rows: Sequence[Sequence[Any]], header: Sequence[str], query: str
) -> Iterator[tuple[str, ...]]:
    """Rows of texts, one per row of the query."""
    columns = [
        _column(values, name, query)
        for values, name in zip(zip(*rows, strict=True), header, strict=True)
    ]
    return zip(*columns, strict=True)


def _column(values: Iterable[Any], name: str, query: str) -> list[str]:
    values = list(values)
    kinds = set(map(type, values))
    if kinds <= {str}:
        return values
    for kind in kinds:
        if not issubclass(kind, _TEXTS):
            raise SchemaError(
                f"column {name!r} of {query!r} holds {kind.__name__}, expected texts, numbers or "
                "times; take the text out of it in the query, or leave it out"
            )
    convert: Callable[[Any], str] = _number if kinds & {Decimal, float} else as_text
    return [convert(value) for value in values]


def _number(value: Any) -> str:
    """A number without the zeros that its type adds: an id of type numeric is no '7.00'.

    >>> _number(Decimal("7.00")), _number(0.5), _number(None)
    ('7', '0.5', '')
    """
    if isinstance(value, (Decimal, float)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return as_text(value)
