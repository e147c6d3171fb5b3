"""A finished list as a decision log of its own, for looking at it on the same pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.tables.schema import ColumnMapping

CHUNK: Final = 2_000
_NEEDED: Final = ("client_id", "decision", "company_id", "confidence")


@contextmanager
def open_finished_list(path: str, columns: ColumnMapping) -> Iterator[DecisionLog]:
    """The rows of a result of `link` as decisions, in a temporary file.

    Args:
        path: CSV, JSON Lines or Parquet file that `link` has written.
        columns: Columns of the client list that was linked.

    Raises:
        InputFileError: The file is missing or damaged.
        SchemaError: It is no result of `link`.
    """
    raise NotImplementedError
    yield
