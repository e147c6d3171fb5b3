"""Streams the rows of a statement that is not read page by page."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from sqlalchemy.engine import CursorResult, Engine

from linkage_rl.tables.engine import COMMAND_LIMITS

BLOCK: Final = 2_000
"""Rows fetched at once."""


@contextmanager
def streamed(engine: Engine, statement: str) -> Iterator[CursorResult[Any]]:
    """The rows of a statement, `BLOCK` at a time, in one read-only transaction.

    Args:
        engine: A read-only engine of `open_engine`.
        statement: A SELECT statement without parameters.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # the cursor of a stream lives in a transaction of several statements
            connection.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=True)
            limit_ms = round(COMMAND_LIMITS.timeout_s * 1000)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit_ms}")
        streaming = connection.execution_options(
            stream_results=True, max_row_buffer=BLOCK, no_parameters=True
        )
        with closing(streaming.exec_driver_sql(statement)) as result:
            yield result
