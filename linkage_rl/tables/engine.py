"""Opens databases through SQLAlchemy; their errors become one sentence without secrets."""

import math
import os
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
from linkage_rl.tables.answer_limit import answer_limit, limit_answers
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.statements import limit_statements

CONNECT_TIMEOUT_S: Final = 10
"""Longest wait for an answer to a new connection, and for a free one of the pool."""
PSYCOPG: Final = "postgresql+psycopg"
LOCK_TIMEOUT_S: Final = 30
"""How long SQLite waits for another writer."""
SILENCE_S: Final = 30
"""How long a host may confirm nothing on the network before its connection counts as lost."""


@dataclass(frozen=True)
class Limits:
    """How much a program may use of a database that other programs depend on."""

    connections: int = 2
    """Connections open at once."""
    timeout_s: float = 2.0
    """Limit of each reading statement, in PostgreSQL, MariaDB and MySQL."""
    retry_s: float = 0.0
    """How long a statement is tried again while the database does not answer."""


COMMAND_LIMITS: Final = Limits(connections=5, timeout_s=300.0, retry_s=60.0)
"""Limits of a command, which has time; a request to the server has none."""


def open_engine(url: URL, *, read_only: bool, limits: Limits = COMMAND_LIMITS) -> Engine:
    """An engine that logs no values; it connects at its first statement.

    Nothing that a pooler in transaction mode refuses or loses is used with PostgreSQL: no start-up
    options, no prepared statements, no settings of a session. A statement of a connection in
    AUTOCOMMIT is a transaction of its own, read-only and limited in time, in one round trip.

    A SQLite file that does not exist is not created by opening it. Reading rolls back what a
    program that was stopped while writing has left in it, where the user may write to the file.

    Args:
        url: The database.
        read_only: Whether the database refuses all writing.
        limits: Connections and time that it may use.

    Raises:
        DatabaseError: The URL names a database kind or driver that is not installed, or a file
            that is no SQLite database.
    """
    options: dict[str, Any] = {"hide_parameters": True}
    if url.drivername.startswith("sqlite"):
        refuse_other_files(url)
        options |= {"connect_args": {"timeout": LOCK_TIMEOUT_S}}
        engine_url = _existing_file(url)
    else:
        engine_url = url
        options |= {
            "connect_args": _driver_arguments(url, limits),
            "pool_size": limits.connections,
            "max_overflow": 0,
            "pool_timeout": min(limits.timeout_s, CONNECT_TIMEOUT_S),
            # readers replace a connection that the server has closed, see `retry`
            "pool_pre_ping": not read_only,
        }
    if read_only:
        options |= {"isolation_level": "AUTOCOMMIT"}
    if read_only and url.drivername.startswith(("mysql", "mariadb", PSYCOPG)):
        # MariaDB and MySQL: one round trip less for every statement
        options |= {"skip_autocommit_rollback": True}
    with database_errors(url, "open the database"):
        engine = create_engine(engine_url, **options)
    limit_statements(engine, limits.timeout_s, read_only)
    if url.drivername == PSYCOPG:
        limit_answers(engine, answer_limit(limits.timeout_s))
    return engine


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL; None for other databases and for memory."""
    if not url.drivername.startswith("sqlite") or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database).removeprefix("file:"))


def refuse_other_files(url: URL) -> None:
    """Refuse a SQLite URL whose file is a table file or another database's.

    Raises:
        DatabaseError: The file is there, not empty, and no SQLite database.
    """
    path = sqlite_path(url)
    try:
        with (path or Path(os.devnull)).expanduser().open("rb") as file:
            begin = file.read(16)
    except OSError:
        # missing, or for the driver to complain about
        return
    if not begin or begin.startswith(b"SQLite format 3"):
        return
    if begin[8:12] == b"DUCK":
        what = "a DuckDB database; export its table to Parquet and load that"
        path = Path("companies.parquet")
    else:
        what = "which is no SQLite database; load it, if it is a file of companies"
    raise DatabaseError(
        f"expected a database URL or an SQLite file, got {sqlite_path(url)}, {what}: "
        f"companies source={path} database=companies.db"
    )


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


def _driver_arguments(url: URL, limits: Limits) -> dict[str, Any]:
    """Arguments of the driver's `connect`; those of the URL's query go before them."""
    # the drivers take full seconds, libpq 2 or more
    wait = max(2, math.ceil(min(limits.timeout_s, CONNECT_TIMEOUT_S)))
    arguments: dict[str, Any] = {}
    if url.drivername in (PSYCOPG, "postgresql+psycopg2"):
        arguments = {
            "connect_timeout": wait,
            # a host that went away without a word is noticed by these, not by a statement's limit
            "keepalives_idle": SILENCE_S // 3,
            "keepalives_interval": SILENCE_S // 6,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENCE_S * 1000,
        }
    if url.drivername == PSYCOPG:
        arguments |= {"prepare_threshold": None, "cursor_factory": psycopg.ClientCursor}
    if url.drivername in ("mysql+pymysql", "mariadb+pymysql"):
        answer = answer_limit(limits.timeout_s)
        arguments = {"connect_timeout": wait, "read_timeout": answer, "write_timeout": answer}
    return {name: value for name, value in arguments.items() if name not in url.query}


def _existing_file(url: URL) -> URL:
    path = sqlite_path(url)
    if path is None or str(url.database).startswith("file:"):
        return url
    return url.set(database=f"file:{quote(str(path))}").update_query_dict(
        # not `ro`, with which SQLite refuses a file that a stopped writer has left unfinished
        {"mode": "rw", "uri": "true"}
    )


def _reason(error: Exception, url: URL) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return line.replace(url.password, "***") if url.password else line


_REMEDIES: Final = (
    (("password", "authentication", "Access denied"), "check the user and the password"),
    (
        ("(0x00)", "NUL", "null character"),
        "PostgreSQL holds no NUL character in a text; remove it from the file or the query",
    ),
    (("readonly", "read-only"), "the store was opened read-only; open it for writing"),
    (
        ("statement timeout", "max_statement_time", "max_execution_time"),
        "the table may be a slow view: give it an index on its key, or raise table.timeout_s",
    ),
    (
        ("conflict with recovery",),
        "this standby cancels statements to follow its primary: set hot_standby_feedback=on "
        "there, or raise max_standby_streaming_delay",
    ),
    (("connection was lost",), "the connection was lost; try again"),
    (
        ("unable to open", "connect"),
        "check that the database exists and runs, and that host, port and name are right",
    ),
    (("locked",), "another program is writing to it; wait until it has finished"),
)
"""Words of an error, and what to do about it; the first that fits."""


_UNFINISHED: Final = (
    "SQLITE_READONLY_ROLLBACK",
    "SQLITE_READONLY_RECOVERY",
    "SQLITE_READONLY_DIRECTORY",
    "SQLITE_READONLY_CANTINIT",
)
"""Errors of a SQLite file whose last writer was stopped, and whose journal cannot be applied."""


def _remedy(error: Exception) -> str:
    if isinstance(error, (ArgumentError, NoSuchModuleError, ImportError)):
        return (
            "use sqlite:///FILE or postgresql://..., or install the driver of this database "
            "(pip install 'linkage_rl[mysql]' for MariaDB and MySQL)"
        )
    cause = error.orig if isinstance(error, DBAPIError) else error
    if getattr(cause, "sqlite_errorname", "") in _UNFINISHED:
        return (
            "a program that wrote to the file was stopped and left its journal beside it: read the "
            "file once as a user who may write to it and to its folder, which rolls that back"
        )
    text = str(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        text = f"connection was lost: {text}"
    for words, remedy in _REMEDIES:
        if any(word in text for word in words):
            return remedy
    return "check the table, the rights of the user and the free disk space"
