"""A reading statement that comes with every request: compiled once, sent by the driver itself.

Compiling, looking up and wrapping a statement takes SQLAlchemy longer than a database needs to find
a company. What remains of it here is its pool; errors are those that its connections raise.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Select, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import BindTyping, DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from linkage_rl.tables.statements import settings_of, skip_settings

Convert = Callable[[Any], Any]

_OPENED: Final = "opened_at"
"""Time of a connection, in the notes that the pool keeps of it."""


class KeptStatements:
    """Sends statements through the connections of an engine, all of which are in AUTOCOMMIT."""

    def __init__(self, engine: Engine, timeout_s: float) -> None:
        """Nothing is compiled yet.

        Args:
            engine: A read-only engine that has not connected.
            timeout_s: Limit of each statement.
        """
        self._engine = engine
        self._settings = settings_of(engine, timeout_s)
        self._errors: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._lost_at = 0.0
        self._kept: dict[Select[Any], _Sent] = {}
        event.listen(engine, "connect", _note_time)

    @classmethod
    def of(cls, engine: Engine, timeout_s: float) -> "KeptStatements | None":
        """For the databases whose drivers find the types of values in the statement or in them."""
        if engine.dialect.bind_typing is BindTyping.SETINPUTSIZES:
            return None
        return cls(engine, timeout_s)

    def rows(
        self, statement: Select[Any], parameters: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """All rows of a statement, the same as through a connection of SQLAlchemy.

        Args:
            statement: Kept from its first call, so that it must be the same object every time.
            parameters: Those of its parameters that have no value.

        Raises:
            DBAPIError: As a connection of SQLAlchemy would raise it. After a lost connection all
                that were opened before are replaced when they are used next.
        """
        sent = self._kept.get(statement)
        if sent is None:
            sent = self._kept.setdefault(statement, _Sent(self._engine, statement, parameters))
        text, values = sent.with_values(parameters)
        with self._cursor(text) as cursor:
            cursor.execute(self._settings + text, values)
            if self._settings:
                skip_settings(self._engine, cursor)
            return sent.converted(cursor.fetchall(), cursor)

    @contextmanager
    def _cursor(self, text: str) -> Iterator[DBAPICursor]:
        """A cursor of a connection of the pool, and errors of the driver as SQLAlchemy's."""
        connection = self._connected()
        try:
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                # one that has failed half-way would hold a lock on a SQLite file
                with suppress(self._errors):
                    cursor.close()
        except self._errors as error:
            lost = self._is_lost(error, connection)
            if lost:
                self._lost_at = time.monotonic()
                connection.invalidate(error)
            raise DBAPIError.instance(
                *(text, None, error, self._errors),
                hide_parameters=True,
                connection_invalidated=lost,
                dialect=self._engine.dialect,
            ) from error
        except BaseException as error:
            if not isinstance(error, Exception):
                # interrupted: what the server sends later is no answer to the next statement
                connection.invalidate(error)
            raise
        finally:
            connection.close()

    def _connected(self) -> PoolProxiedConnection:
        while True:
            try:
                connection = self._engine.raw_connection()
            except self._errors as error:
                raise DBAPIError.instance(
                    *(None, None, error, self._errors),
                    hide_parameters=True,
                    connection_invalidated=self._is_lost(error, None),
                    dialect=self._engine.dialect,
                ) from error
            if connection.info[_OPENED] > self._lost_at:
                return connection
            connection.invalidate()

    def _is_lost(self, error: Any, connection: PoolProxiedConnection | None) -> bool:
        return self._engine.dialect.is_disconnect(error, connection, None)


class _Sent:
    """A statement as its driver takes it."""

    def __init__(
        self, engine: Engine, statement: Select[Any], parameters: Mapping[str, Any]
    ) -> None:
        self._dialect = engine.dialect
        self._compiled: Any = statement.compile(dialect=engine.dialect)
        self._state = self._compiled.construct_expanded_state(dict(parameters))
        self._is_fixed = not any(self._compiled.binds[name].expanding for name in parameters)
        self._types = [column.type for column in statement.selected_columns]
        self._converts: list[Convert | None] | None = None

    def with_values(self, parameters: Mapping[str, Any]) -> tuple[str, Any]:
        """The text, and the values of all its parameters in the form of the driver."""
        state = self._state
        values = {**state.parameters, **parameters}
        if not self._is_fixed:
            state = self._compiled.construct_expanded_state(dict(parameters))
            values = dict(state.parameters)
        for name, convert in state.processors.items():
            values[name] = convert(values[name])
        names = state.positiontup
        return state.statement, values if names is None else tuple(map(values.get, names))

    def converted(
        self, rows: Sequence[Sequence[Any]], cursor: DBAPICursor
    ) -> Sequence[Sequence[Any]]:
        """The rows that a cursor gave with values of the types that SQLAlchemy gives."""
        if self._converts is None:
            # once, since psycopg makes the description anew every time
            self._converts = [
                kind.dialect_impl(self._dialect).result_processor(self._dialect, about[1])
                for kind, about in zip(self._types, cursor.description or (), strict=True)
            ]
        if not any(self._converts):
            return rows
        return [
            tuple(
                value if convert is None else convert(value)
                for value, convert in zip(row, self._converts, strict=True)
            )
            for row in rows
        ]


def _note_time(connection: object, record: Any) -> None:
    record.info[_OPENED] = time.monotonic()
