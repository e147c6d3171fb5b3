"""Raw records as columns."""

import math
from typing import Any

import numpy as np
import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.text.canonical import canonicalise

BATCH = RecordBatch(["a", "b", "c"], {"name": ["五洋", "青空", ""], "phone": ["1", "", "3"]})


def test_an_absent_field_is_missing_for_all_records() -> None:
    assert len(BATCH) == 3
    assert BATCH.column("url") == ["", "", ""]
    assert BATCH.column("name") == ["五洋", "青空", ""]


def test_records_are_taken_in_any_order_and_as_often_as_asked() -> None:
    taken = BATCH.take([2, 0, 0])

    assert taken.ids == ["c", "a", "a"]
    assert taken.column("phone") == ["3", "1", "1"]
    assert len(BATCH.take([])) == 0


def test_records_between_two_places_are_those_taken_one_by_one() -> None:
    for begin, end in [(0, 3), (1, 2), (1, 1), (0, 0)]:
        assert BATCH.between(begin, end) == BATCH.take(range(begin, end))


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SchemaError, match=r"fields among \['name', .*, got 'naem'"):
        RecordBatch(["a"], {"naem": ["五洋"]})


@pytest.mark.parametrize("field", FIELDS)
def test_a_column_of_another_length_is_refused(field: str) -> None:
    with pytest.raises(SchemaError, match=f"column '{field}' needs 1 texts, one per id, got 2"):
        RecordBatch(["a"], {field: ["五洋", "青空"]})


class NotAvailable:
    """Compares as `pandas.NA` does: the result has no truth value."""

    def __eq__(self, other: object) -> Any:
        return self

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "missing",
    [None, math.nan, np.float32("nan"), np.datetime64("NaT"), NotAvailable()],
    ids=["None", "nan", "numpy nan", "NaT", "NA"],
)
def test_a_missing_value_of_any_kind_is_an_empty_text(field: str, missing: Any) -> None:
    batch = RecordBatch(["a", "b"], {field: ["五洋", missing]})

    assert batch.column(field) == ["五洋", ""]
    assert len(canonicalise(batch)) == 2


@pytest.mark.parametrize("value", [5, 312345678.0, b"x", ["x"], np.zeros(2), True])
def test_a_value_that_is_no_text_is_refused_with_field_position_and_type(value: Any) -> None:
    with pytest.raises(
        SchemaError, match=rf"column 'phone' needs texts.* {type(value).__name__} at position 1"
    ):
        RecordBatch(["a", "b"], {"phone": ["03", value]})


def test_texts_of_numpy_become_plain_texts() -> None:
    texts: Any = np.array(["五洋", "青空"])

    assert [type(text) for text in RecordBatch(["a", "b"], {"name": texts}).column("name")] == [
        str,
        str,
    ]


def test_an_address_in_one_column_is_the_street() -> None:
    address = "東京都千代田区丸の内1-1"

    batch = RecordBatch(["a"], {"name": ["五洋"], "address": [address]})

    assert list(batch.columns) == ["name", "street"]
    assert canonicalise(batch).city == ["千代田区"]


def test_address_and_street_together_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"got both; .* leave one of them out"):
        RecordBatch(["a"], {"address": ["東京都"], "street": ["後楽2-2-8"]})
