"""Pages of a company table: rows in the order of their keys, read in short statements.

A page is a range of keys: all keys after that at which the page before it ends, up to its own last
key, its *bound*. The order is that of the database, which no other program can be asked for, so
bounds are only ever compared there.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import ConfigError, DatabaseError
from linkage_rl.records import CompanyRows

ROWS_PER_PAGE: Final = 20_000
"""Rows of a page: a statement of some 100 ms, and 12 MB of text."""


@dataclass(frozen=True)
class Paging:
    """How much of the table one statement reads, and how fast statements follow each other."""

    rows: int = ROWS_PER_PAGE
    """Rows of a page."""
    rows_per_s: int = 0
    """Rows read per second at most; 0 for no limit."""

    def __post_init__(self) -> None:
        if self.rows < 1 or self.rows_per_s < 0:
            raise ConfigError(
                f"expected rows of at least 1 and rows_per_s of at least 0, got {self.rows} and "
                f"{self.rows_per_s}"
            )


@dataclass(frozen=True)
class RowHashes:
    """N open rows of the table: whose they are, and their hashes."""

    ids: Sequence[str]
    """Company id of each row."""
    keys: Sequence[Any]
    """Key of each row as the database gives it."""
    hashes: NDArray[np.uint64]
    """`row_hash` of each row, shape (N,)."""
    bound: str = ""
    """Last key of the page, as `bound_of` writes it; '' where rows were not read by page."""


@dataclass(frozen=True)
class CompanyPage:
    """N rows of the company table with their hashes."""

    rows: CompanyRows
    hashes: NDArray[np.uint64]
    """`row_hash` of each row, shape (N,)."""
    bound: str = ""
    """Last key of the page, as `bound_of` writes it; '' where rows were not read by page."""


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "int": int,
    "str": str,
    "float": float,
    "Decimal": Decimal,
    "UUID": UUID,
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def bound_of(key: object) -> str:
    """A key with its type as text, in one line.

    Raises:
        DatabaseError: The key is of a type that cannot be a key.

    >>> bound_of(17), key_of(bound_of(17))
    ('["int", "17"]', 17)
    """
    kind = type(key).__name__
    if kind not in _READ:
        raise DatabaseError(
            f"expected keys that are texts, numbers, UUIDs or dates, got one of type {kind}; "
            "map company_id to another column"
        )
    return json.dumps([kind, key.hex() if isinstance(key, bytes) else str(key)])


def key_of(bound: str) -> Any:
    """The inverse of `bound_of`."""
    kind, text = json.loads(bound)
    return _READ[kind](text)


class Pace:
    """Waits between pages, so that no more rows are read per second than allowed."""

    def __init__(self, rows_per_s: int) -> None:
        self._rows_per_s = rows_per_s
        self._due = time.monotonic()

    def wait(self, rows: int) -> None:
        """Wait until this many rows may have been read since the last call."""
        if self._rows_per_s:
            self._due = max(self._due, time.monotonic() - 1) + rows / self._rows_per_s
            time.sleep(max(0.0, self._due - time.monotonic()))
