"""Finds the tables of a log in a database, or makes them, also where several programs do so."""

import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import inspect
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from linkage_rl.atomic import writing
from linkage_rl.decision_log.notes import new_notes, read_notes, write_missing
from linkage_rl.decision_log.privacy import FULL
from linkage_rl.decision_log.schema import DECISIONS, METADATA, NOTES
from linkage_rl.errors import DatabaseError
from linkage_rl.tables.credentials import VARIABLES, database_url, is_url, parse_url, shown
from linkage_rl.tables.engine import database_errors, sqlite_path

LOG_VARIABLE: Final = "LINKAGE_LOG_URL"
"""Environment variable that names the log where `log=` does not."""
_TRIES: Final = 6
_LONGEST_WAIT_S: Final = 0.5


def log_url(place: str | URL) -> URL:
    """The database of a log: a URL, or the path of an SQLite file.

    Raises:
        DatabaseError: It is no database URL that can be used.
    """
    if isinstance(place, URL):
        return place
    if is_url(place):
        return parse_url(place)
    return URL.create("sqlite", database=str(Path(place).expanduser()))


def place_of(place: str | URL, environ: Mapping[str, str] = os.environ) -> URL:
    """The database of a log as it is opened.

    A URL without a password takes that of the company database, if its user is the same or none is
    named: on AWS the one secret that a server can read holds the login of both.

    Raises:
        LinkageError: It is no database URL, or the login cannot be read.
    """
    url = log_url(place)
    if sqlite_path(url) is None and not url.password and any(map(environ.get, VARIABLES)):
        login = database_url(environ)
        if url.username in (None, login.username):
            url = url.set(username=login.username, password=login.password)
    return url


def named_log(log: str, environ: Mapping[str, str] = os.environ) -> str:
    """What `log=` of a command names; `LINKAGE_LOG_URL` where it names nothing.

    Passwords on a command line can be read by other users of the machine.

    >>> named_log("", {"LINKAGE_LOG_URL": "decisions.db"}), named_log("own.db", {})
    ('decisions.db', 'own.db')
    """
    return log or environ.get(LOG_VARIABLE, "").strip()


def make_file(url: URL) -> None:
    """Make the file of an SQLite log with its folder, if it is missing.

    Raises:
        OutputError: It cannot be made.
    """
    path = sqlite_path(url)
    if path is not None:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def find_notes(engine: Engine, url: URL) -> dict[str, str]:
    """The notes of a log; {} where the database has none.

    Raises:
        DatabaseError: It cannot be reached, or a table of another program has the name of one.
    """
    with database_errors(url, "open the decision log"), engine.connect() as connection:
        # decisions first: a program that creates a log makes the notes first
        has_decisions = inspect(connection).has_table(DECISIONS.name)
        has_notes = inspect(connection).has_table(NOTES.name)
        if has_notes:
            return read_notes(connection)
    if has_decisions:
        raise DatabaseError(
            f"{shown(url)} has a table {DECISIONS.name!r} that is no decision log; give log= "
            "another database, or another schema of this one"
        )
    return {}


def create(engine: Engine, url: URL, privacy: str, retention_days: int) -> dict[str, str]:
    """Make the tables of a log and its notes; returns the notes that count.

    Several programs may do so at once: each goes on with what the others have made.

    Args:
        engine: The database.
        url: Its URL.
        privacy: 'full' or 'hashes', '' for 'full'.
        retention_days: Days after which decisions are deleted, 0 for never.

    Raises:
        DatabaseError: The user may not create tables.
    """
    notes = new_notes(privacy or FULL, retention_days)
    with database_errors(url, "create the decision log"):
        for last in (*[False] * (_TRIES - 1), True):
            try:
                return _create_once(engine, notes)
            except DBAPIError:
                # another program made the same table between our look and our CREATE
                if last:
                    raise
                time.sleep(random.uniform(0, _LONGEST_WAIT_S))
    raise AssertionError("the last try returns or raises")


def _create_once(engine: Engine, notes: dict[str, str]) -> dict[str, str]:
    if engine.dialect.name == "sqlite":
        _allow_readers(engine)
    with engine.begin() as connection:
        METADATA.create_all(connection, tables=[NOTES], checkfirst=True)
        METADATA.create_all(connection, checkfirst=True)
        write_missing(connection, notes)
    with engine.connect() as connection:
        return read_notes(connection)


def _allow_readers(engine: Engine) -> None:
    """Let programs read while one writes (write-ahead log), which a SQLite file remembers."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def begin_reading(connection: Connection) -> None:
    """Have the database show one state to all statements, as MariaDB does by itself."""
    if connection.dialect.name == "sqlite":
        # its driver begins no transaction to read
        connection.exec_driver_sql("BEGIN")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def begin_writing(connection: Connection) -> None:
    """Take the write lock of SQLite at once: a transaction that reads first may never get it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
