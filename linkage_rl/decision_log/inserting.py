"""Writes decisions in one statement; those that the log has already stay as they are."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Double, Integer, LargeBinary
from sqlalchemy.dialects import mysql, postgresql, sqlite

from linkage_rl.decision_log.schema import DECISIONS

_NAMES: Final = [column.name for column in DECISIONS.columns]
_COPY: Final = f"COPY {DECISIONS.name} ({', '.join(_NAMES)}) FROM STDIN (FORMAT BINARY)"
_PARSED: Final = {Double: "float8", Integer: "int4", LargeBinary: "bytea"}
_TYPES: Final = [_PARSED.get(type(column.type), "text") for column in DECISIONS.columns]
"""PostgreSQL's names of the types of the columns."""


def insert_decisions(connection: Connection, page: Sequence[dict[str, Any]]) -> None:
    """Write rows within a transaction, each with the name of every column.

    PostgreSQL takes them as one stream, which costs it and this process a fifth of what single rows
    cost. Where it refuses the stream, since it has one of the rows or cannot store another one, the
    rows are inserted one by one; its own log then has an error for the stream.
    """
    if connection.dialect.driver != "psycopg" or not _is_copied(connection, page):
        connection.execute(_insert_missing(connection.dialect.name), page)


def _insert_missing(dialect: str) -> Any:
    """INSERT of decisions that leaves rows of known ids as they are."""
    if dialect == "postgresql":
        return postgresql.insert(DECISIONS).on_conflict_do_nothing()
    if dialect in ("mysql", "mariadb"):
        # IGNORE would cut texts that are too long
        known = mysql.insert(DECISIONS)
        return known.on_duplicate_key_update(decision_id=known.inserted.decision_id)
    return sqlite.insert(DECISIONS).on_conflict_do_nothing()


def _is_copied(connection: Connection, page: Sequence[dict[str, Any]]) -> bool:
    """Whether PostgreSQL has taken all rows as one stream; otherwise none is written."""
    before = connection.begin_nested()
    try:
        cursor: Any = connection.connection.cursor()
        with cursor.copy(_COPY) as stream:
            stream.set_types(_TYPES)
            for row in page:
                stream.write_row([row[name] for name in _NAMES])
    except Exception:
        # single rows say what is wrong with one of them, or that the connection is lost
        before.rollback()
        return False
    before.commit()
    return True
