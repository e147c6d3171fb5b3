"""Table noise: what the rows of a company table have beside the name, or in place of an unknown."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.beside_name import TABLE_KINDS
from linkage_rl.tables.cell_noise import SHARED_KINDS
from linkage_rl.tables.spelling_noise import changed_by_one

KINDS: Final = (TABLE_KINDS, SHARED_KINDS)
"""Kinds of each column of `chosen`."""


def with_table_noise(
    rows: CompanyRows, chosen: NDArray[np.bool_], rng: np.random.Generator
) -> CompanyRows:
    """The rows, some with text beside the name or with a shared value in an empty identifier.

    Args:
        rows: N rows of a table.
        chosen: Which rows get text beside the name, and which a shared value, shape (N, 2).
        rng: Says of which kind; a table in several chunks gets the same noise as in one.
    """
    columns = {field: list(texts) for field, texts in rows.records.columns.items()}
    for place, number in np.argwhere(chosen).tolist():
        row = {field: texts[place] for field, texts in columns.items()}
        changed = changed_by_one(KINDS[number], row, rng)
        for field, texts in columns.items():
            texts[place] = changed[field]
    return replace(rows, records=RecordBatch(rows.records.ids, columns))
