"""The company table some time after training: some companies renamed, moved, or closed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.records import CompanyRows
from linkage_rl.training.data import open_table
from linkage_rl.training.settings import RunSettings

NAMES: Final = ("name", "name_kana", "name_en")
PLACES: Final = ("postal_code", "prefecture", "city", "street", "phone")
_CLOSED_ON: Final = "2026-01-01"


@dataclass
class Changes:
    """Changes a share of the rows that pass: a third each renamed, moved and closed.

    A renamed or moved company gets the names or the place of another changed one, so that both are
    as frequent as before. The old name stays as a former name where the table has that column.
    """

    share: float
    rng: np.random.Generator
    closed: set[str]
    """Ids of the companies that have been closed so far."""

    def apply(self, chunks: Iterator[CompanyRows]) -> Iterator[CompanyRows]:
        """The rows as they are afterwards, chunk by chunk."""
        for chunk in chunks:
            yield self._changed(chunk)

    def _changed(self, chunk: CompanyRows) -> CompanyRows:
        records = chunk.records
        chosen = np.flatnonzero(self.rng.random(len(records)) < self.share)
        renamed, moved, closed = (chosen[part::3] for part in range(3))
        columns = {field: list(texts) for field, texts in records.columns.items()}
        former = columns.get("former_names")
        if former is not None:
            for row in renamed.tolist():
                former[row] = "|".join(filter(None, (columns["name"][row], former[row])))
        _rotate(columns, NAMES, renamed)
        _rotate(columns, PLACES, moved)
        closing = list(chunk.closed_at)
        for row in closed.tolist():
            closing[row] = closing[row] or _CLOSED_ON
            self.closed.add(records.ids[row])
        return CompanyRows(replace(records, columns=columns), chunk.updated_at, closing)


def _rotate(
    columns: dict[str, list[str]], fields: tuple[str, ...], rows: NDArray[np.int64]
) -> None:
    """Each of these rows takes these fields of the row before it, the first those of the last."""
    for field in set(fields) & set(columns):
        old = [columns[field][row] for row in rows]
        for row, text in zip(np.roll(rows, -1).tolist(), old, strict=True):
            columns[field][row] = text


def changed_index(settings: RunSettings, share: float) -> tuple[CompanyIndex, set[str]]:
    """An index of the table after the changes, and the ids of the companies that were closed.

    Args:
        settings: Say which table.
        share: Companies that change, in [0, 1).
    """
    changes = Changes(share, np.random.default_rng(0), set())
    store, _ = open_table(settings)
    with store:
        index = CompanyIndex.build(changes.apply(store.chunks()))
    return index, changes.closed
