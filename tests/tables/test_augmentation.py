"""Augmented clients keep their identity and lose what a short list would not have."""

import numpy as np
import pytest

from linkage_rl.records import RecordBatch
from linkage_rl.tables.augmentation import NAME_LIST_RATES, augment


def known_well(n: int) -> RecordBatch:
    return RecordBatch(
        [f"c{row}" for row in range(n)],
        {
            "name": [f"株式会社青空商事{row}" for row in range(n)],
            "name_kana": ["アオゾラショウジ"] * n,
            "postal_code": ["1010051"] * n,
            "street": ["東京都千代田区神田神保町２丁目３８番地"] * n,
        },
    )


def test_the_share_of_clients_is_drawn_once_each_in_order() -> None:
    augmented, rows = augment(known_well(100), 0.3, NAME_LIST_RATES, np.random.default_rng(0))

    assert len(augmented) == len(rows) == len(set(rows)) == 30
    assert rows == sorted(rows)
    assert augmented.ids == [f"c{row}" for row in rows]


def test_most_lose_their_address_and_few_their_name() -> None:
    augmented, _ = augment(known_well(4000), 1.0, NAME_LIST_RATES, np.random.default_rng(0))

    kept = {
        field: np.mean([text != "" for text in augmented.column(field)])
        for field in ("name", "name_kana", "street", "postal_code")
    }
    assert kept["name"] == 1
    assert kept["street"] == pytest.approx(0.3, abs=0.03)
    assert kept["name_kana"] == pytest.approx(0.25, abs=0.03)
    assert kept["postal_code"] == pytest.approx(0.2, abs=0.03)


def test_nothing_to_augment_gives_nothing() -> None:
    augmented, rows = augment(known_well(10), 0.0, NAME_LIST_RATES, np.random.default_rng(0))

    assert len(augmented) == len(rows) == 0
