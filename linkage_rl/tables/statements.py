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
    milliseconds = max(1, round(timeout_s * 1000))
    if engine.dialect.name == "postgresql" and engine.dialect.driver in DRIVERS_OF_STRINGS:
        _Transactions(milliseconds).limit(engine)
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


class _Transactions:
    """Settings of PostgreSQL for each transaction, since poolers give each another session.

    Several statements sent as one string are one transaction, and one round trip.
    """

    def __init__(self, milliseconds: int) -> None:
        self._settings = f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {milliseconds}"

    def limit(self, engine: Engine) -> None:
        """Limit every statement in AUTOCOMMIT."""
        event.listen(engine, "before_cursor_execute", self._before, retval=True)
        if engine.dialect.driver == "psycopg":
            event.listen(engine, "after_cursor_execute", self._after)

    def _before(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object
    ) -> tuple[str, Any]:
        if _is_autocommit(connection):
            statement = f"{self._settings}; {statement}"
        return statement, parameters

    def _after(self, connection: Connection, cursor: Any, *_: object) -> None:
        # past the results of the settings
        while _is_autocommit(connection) and cursor.nextset():
            pass


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
