"""Augmentation: more training clients, made of known ones by noise and by leaving fields out."""

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
    shared_identifier=0.02,
    name_only=0.0,
)
"""Noise of lists that hold a name and little else, as clerks type them."""


def augment(
    records: RecordBatch, share: float, rates: NoiseRates, rng: np.random.Generator
) -> tuple[RecordBatch, list[int]]:
    """Noisy copies of a random share of the clients.

    Args:
        records: N clients.
        share: Share of the clients that are copied, in [0, 1].
        rates: Rate of each kind of error; a client has no former name or address to go back to.
        rng: Random generator.

    Returns:
        The augmented clients, and their positions in `records`, rising.
    """
    count = round(share * len(records))
    rows = np.sort(rng.permutation(len(records))[:count]).tolist()
    some = records.take(rows)
    complete = RecordBatch(some.ids, {field: some.column(field) for field in FIELDS})
    return corrupt(complete, complete, rates, rng)[0], rows
