"""What a refresh asks of the company table, and which of the rows it gives have really changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch


class ChangingTable(Protocol):
    """The company table as a refresh reads it."""

    def changes_since(self, watermark: str) -> Iterable[CompanyRows]:
        """Rows changed at or after the watermark, closed ones included."""

    def watermark(self) -> str:
        """Time of the latest change, ISO 8601; '' where rows carry no time."""

    def open_count(self) -> int:
        """Number of companies that are not closed."""

    def ids(self) -> Iterable[Sequence[str]]:
        """Ids of all companies, in chunks."""


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh found."""

    changed: int
    """Rows inserted or changed."""
    removed: int
    """Rows closed or deleted."""


def changed_rows(chunk: CompanyRows, indexed: NDArray[np.int64], held: RecordBatch) -> CompanyRows:
    """The rows of a chunk that differ from what the index holds.

    A table without times of change, or with times by the day, gives rows that have not changed.

    Args:
        chunk: N rows of the table.
        indexed: Row of the index of each, -1 for a new company, shape (N,).
        held: Fields that the index holds of those that are not new, in the order of the chunk.
    """
    known = np.flatnonzero(indexed >= 0)
    same = np.ones(len(known), dtype=np.bool_)
    for name in FIELDS:
        # packed first, since the index holds texts without newlines and lone surrogates
        texts = StringColumn.from_texts(chunk.records.column(name)).take(known)
        same &= np.array(texts, dtype=object) == np.array(held.column(name), dtype=object)
    closed = np.array([bool(when) for when in chunk.closed_at], dtype=np.bool_)
    unchanged = np.zeros(len(indexed), dtype=np.bool_)
    unchanged[known] = same
    changed = np.flatnonzero(np.where(closed, indexed >= 0, ~unchanged)).tolist()
    return CompanyRows(
        chunk.records.take(changed),
        [chunk.updated_at[row] for row in changed],
        [chunk.closed_at[row] for row in changed],
    )
