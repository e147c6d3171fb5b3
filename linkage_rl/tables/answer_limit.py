"""How long a driver waits for a server that is connected and says nothing.

The limit that a statement has in the server does not help where the server itself has stopped, or
where something on the way swallows what is sent: TCP then waits for as long as the host, or what
stands before it, confirms packets.
"""

import time
from collections.abc import Generator
from typing import Any, Final, TypeVar

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

LONGEST_MARGIN_S: Final = 30.0
"""Seconds after the server's own limit of a statement, at most, for its answer to arrive."""
_LOST: Final = 2013
"""Error number of MariaDB's and MySQL's drivers for a connection lost within a statement."""

Result = TypeVar("Result")


class NoAnswerError(psycopg.OperationalError):
    """The server has not answered a reading statement in time; its connection is closed."""


def answer_limit(timeout_s: float) -> float:
    """Seconds to wait for the answer to a statement that the server limits to `timeout_s`."""
    return timeout_s + min(timeout_s, LONGEST_MARGIN_S)


def limit_answers(engine: Engine, limit_s: float) -> None:
    """Let connections of psycopg give up statements in AUTOCOMMIT that get no answer.

    Args:
        engine: An engine that has not connected.
        limit_s: Seconds until the answer to a statement must be complete.
    """

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, arguments: Any, named: Any) -> Any:
        connection = _LimitedConnection.connect(*arguments, **named)
        connection.limit_s = limit_s
        return connection


def has_no_answer(error: DBAPIError) -> bool:
    """Whether the driver gave up waiting, so that another attempt may have to wait as long."""
    if isinstance(error.orig, NoAnswerError):
        return True
    what: tuple[object, ...] = getattr(error.orig, "args", ())
    return what[:1] == (_LOST,) and "timed out" in str(what[1:])


class _LimitedConnection(psycopg.Connection[Any]):
    limit_s: float = 0.0
    """Limit of a statement in AUTOCOMMIT; 0 has none."""

    def wait(self, gen: Generator[Any, Any, Result], *arguments: Any, **named: Any) -> Result:
        """The result of what the driver does; it looks up ten times a second while it waits."""
        if not (self.limit_s and self.autocommit):
            return super().wait(gen, *arguments, **named)
        try:
            return super().wait(_before(gen, self.limit_s), *arguments, **named)
        except NoAnswerError:
            # what the server says later would be taken for the answer to the next statement
            self.close()
            raise


def _before(gen: Generator[Any, Any, Result], limit_s: float) -> Generator[Any, Any, Result]:
    """The same steps of a driver, which fail once the time is over and nothing has come."""
    deadline = time.monotonic() + limit_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise NoAnswerError(f"connection was lost: no answer within {limit_s:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result
