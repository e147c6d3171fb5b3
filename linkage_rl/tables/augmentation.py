"""Clients that are known well, as a list that knows little of them would have them."""

from typing import Final

import numpy as np

from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.corrupt import NoiseRates, corrupt

NAME_LIST_RATES: Final = NoiseRates(
    exact=0.3,
    legal_form=0.3,
    width_space=0.05,
    extra_text=0.14,
    typo=0.15,
    renamed=0.0,
    reading=0.04,
    english=0.02,
    kana=0.25,
    address=0.3,
    postal_code=0.2,
    phone=0.0,
    url=0.0,
    corporate_number=0.0,
    moved=0.0,
)
"""Lists of names to which little else is known, as clerks type them."""


def augment(
    records: RecordBatch, share: float, rates: NoiseRates, rng: np.random.Generator
) -> tuple[RecordBatch, list[int]]:
    """A share of the records as somebody else would have written them, with fields left out.

    Args:
        records: N clients.
        share: How many of them, in [0, 1].
        rates: How often what goes wrong; there is no former state to go back to.
        rng: Source of all chance.

    Returns:
        The augmented clients, and their positions in `records`, rising.
    """
    count = round(share * len(records))
    rows = np.sort(rng.permutation(len(records))[:count]).tolist()
    some = records.take(rows)
    whole = RecordBatch(some.ids, {field: some.column(field) for field in FIELDS})
    return corrupt(whole, whole, rates, rng)[0], rows
