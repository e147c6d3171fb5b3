"""Raw records as columns."""

import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS, RecordBatch

BATCH = RecordBatch(["a", "b", "c"], {"name": ["五洋", "青空", ""], "phone": ["1", "", "3"]})


def test_an_absent_field_is_missing_for_everybody() -> None:
    assert len(BATCH) == 3
    assert BATCH.column("url") == ["", "", ""]
    assert BATCH.column("name") == ["五洋", "青空", ""]


def test_records_are_taken_in_any_order_and_as_often_as_asked() -> None:
    taken = BATCH.take([2, 0, 0])

    assert taken.ids == ["c", "a", "a"]
    assert taken.column("phone") == ["3", "1", "1"]
    assert len(BATCH.take([])) == 0


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SchemaError, match=r"fields among \['name', .*, got 'naem'"):
        RecordBatch(["a"], {"naem": ["五洋"]})


@pytest.mark.parametrize("field", FIELDS)
def test_a_column_of_another_length_is_refused(field: str) -> None:
    with pytest.raises(SchemaError, match=f"column '{field}' needs 1 texts, one per id, got 2"):
        RecordBatch(["a"], {field: ["五洋", "青空"]})
