"""Opens databases through SQLAlchemy; their errors become one sentence without secrets."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.credentials import shown

CONNECT_TIMEOUT_S: Final = 10
LOCK_TIMEOUT_S: Final = 30
"""How long SQLite waits for another writer."""


@dataclass(frozen=True)
class Limits:
    """How much a program may use of a database that other programs depend on."""

    connections: int = 2
    """Connections open at once."""
    timeout_s: float = 2.0
    """Limit for getting a connection, and for each statement (PostgreSQL only)."""


def open_engine(url: URL, *, read_only: bool, limits: Limits | None = None) -> Engine:
    """An engine that logs no values; it connects at its first statement.

    A SQLite file that does not exist is not created by opening it.

    Args:
        url: The database.
        read_only: Whether the database refuses all writing.
        limits: None sets no limits.

    Raises:
        DatabaseError: The URL names a database kind or driver that is not installed.
    """
    options: dict[str, Any] = {"hide_parameters": True}
    if url.drivername.startswith("sqlite"):
        url = _existing_file(url, "ro" if read_only else "rw")
        options |= {"connect_args": {"timeout": LOCK_TIMEOUT_S}}
    else:
        # a server may have closed a pooled connection
        options["pool_pre_ping"] = True
    if limits is not None:
        options |= {
            "pool_size": limits.connections,
            "max_overflow": 0,
            "pool_timeout": limits.timeout_s,
        }
    if url.drivername == "postgresql+psycopg":
        options["connect_args"] = _postgres_arguments(url, read_only, limits)
    with database_errors(url, "open the database"):
        return create_engine(url, **options)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL; None for other databases and for memory."""
    if not url.drivername.startswith("sqlite") or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database).removeprefix("file:"))


@contextmanager
def database_errors(url: URL, doing: str) -> Iterator[None]:
    """Turns every database error inside into a DatabaseError: where, why, and what to do.

    Args:
        url: The database.
        doing: What is attempted, to follow the word 'cannot'.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, sqlite3.Error, ImportError) as error:
        # `from None`: a chained traceback would print the driver's own arguments
        raise DatabaseError(
            f"cannot {doing} in {shown(url)}: {_reason(error, url)}; {_remedy(error)}"
        ) from None


def _postgres_arguments(url: URL, read_only: bool, limits: Limits | None) -> dict[str, Any]:
    options = [str(url.query["options"])] if "options" in url.query else []
    if read_only:
        options.append("-c default_transaction_read_only=on")
    if limits is not None:
        options.append(f"-c statement_timeout={round(limits.timeout_s * 1000)}")
    arguments: dict[str, Any] = {"options": " ".join(options)}
    if "connect_timeout" not in url.query:
        # the driver takes full seconds, 2 or more
        wait = CONNECT_TIMEOUT_S if limits is None else max(2, math.ceil(limits.timeout_s))
        arguments["connect_timeout"] = wait
    return arguments


def _existing_file(url: URL, mode: str) -> URL:
    path = sqlite_path(url)
    if path is None or str(url.database).startswith("file:"):
        return url
    return url.set(database=f"file:{quote(str(path))}").update_query_dict(
        {"mode": mode, "uri": "true"}
    )


def _reason(error: Exception, url: URL) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return line.replace(url.password, "***") if url.password else line


def _remedy(error: Exception) -> str:
    if isinstance(error, (ArgumentError, NoSuchModuleError, ImportError)):
        return "use sqlite:///FILE or postgresql://..., or install the driver of this database"
    text = str(error)
    if "password" in text or "authentication" in text:
        return "check the user and the password"
    if "readonly" in text or "read-only" in text:
        return "the store was opened read-only; open it for writing"
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "the connection was lost; try again"
    if "unable to open" in text or "connect" in text:
        return "check that the database exists and runs, and that host, port and name are right"
    if "locked" in text:
        return "another program is writing to it; wait until it has finished"
    return "check the table, the rights of the user and the free disk space"
