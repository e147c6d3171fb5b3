"""Reading statements are read-only and limited in time, as each kind of database allows it."""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

DRIVERS_OF_STRINGS: Final = ("psycopg", "psycopg2")
"""Drivers of PostgreSQL that send several statements as one string."""


def limit_statements(engine: Engine, timeout_s: float, read_only: bool) -> None:
    """Limit what is read through an engine; no connection of a read-only engine of SQLite writes.

    Args:
        engine: An engine that has not connected.
        timeout_s: Limit of each statement.
        read_only: Whether all its connections are in AUTOCOMMIT. Those of another engine that are
            in it are limited as well, since nothing is written through them.
    """
    milliseconds = _milliseconds(timeout_s)
    if own := settings_of(engine, timeout_s):
        _Transactions(own).limit(engine)
    elif engine.dialect.name == "postgresql":
        settings = [f"SET statement_timeout = {milliseconds}"]
        if read_only:
            settings.append("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        _limit_sessions(engine, settings)
    elif engine.dialect.name == "sqlite" and read_only:
        _limit_sessions(engine, ["PRAGMA query_only = ON"])
    elif engine.dialect.name in ("mysql", "mariadb"):
        _limit_sessions(
            engine,
            ["SET SESSION TRANSACTION READ ONLY"] if read_only else [],
            f"SET SESSION max_statement_time = {milliseconds / 1000:g}",
            f"SET SESSION max_execution_time = {milliseconds}",
        )


def settings_of(engine: Engine, timeout_s: float) -> str:
    """Statements that stand before each one in AUTOCOMMIT; '' where its connection has the limits.

    Poolers of PostgreSQL give each transaction another session. Several statements sent as one
    string are one transaction, and one round trip.

    Args:
        engine: The database.
        timeout_s: Limit of each statement.
    """
    if engine.dialect.name != "postgresql" or engine.dialect.driver not in DRIVERS_OF_STRINGS:
        return ""
    limit = f"SET LOCAL statement_timeout = {_milliseconds(timeout_s)}"
    return f"SET TRANSACTION READ ONLY; {limit}; "


def skip_settings(engine: Engine, cursor: Any) -> None:
    """Go to the result of the statement, past those of its settings; psycopg2 has no others."""
    if engine.dialect.driver == "psycopg":
        while cursor.nextset():
            pass


def _milliseconds(timeout_s: float) -> int:
    return max(1, round(timeout_s * 1000))


class _Transactions:
    """Settings that go with each transaction."""

    def __init__(self, settings: str) -> None:
        self._settings = settings

    def limit(self, engine: Engine) -> None:
        """Limit every statement in AUTOCOMMIT."""
        event.listen(engine, "before_cursor_execute", self._before, retval=True)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object
    ) -> tuple[str, Any]:
        if _is_autocommit(connection):
            statement = self._settings + statement
        return statement, parameters

    def _after(self, connection: Connection, cursor: Any, *_: object) -> None:
        if _is_autocommit(connection):
            skip_settings(connection.engine, cursor)


def _is_autocommit(connection: Connection) -> bool:
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.autocommit)


def _limit_sessions(
    engine: Engine, settings: list[str], of_mariadb: str = "", of_mysql: str = ""
) -> None:
    """Settings that every new connection gets."""

    @event.listens_for(engine, "connect")
    def connect(driver: Any, record: object) -> None:
        cursor = driver.cursor()
        chosen = settings
        if of_mariadb:
            cursor.execute("SELECT version()")
            own = of_mariadb if "mariadb" in cursor.fetchone()[0].lower() else of_mysql
            chosen = [*settings, own]
        for setting in chosen:
            cursor.execute(setting)
        cursor.close()
        driver.commit()
