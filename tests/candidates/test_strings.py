"""Texts packed into one blob."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_rl.candidates.strings import StringColumn

SMALL = ["五洋建設", "", "JFE", "𠮷野家"]


def test_texts_come_back_in_the_given_order_and_as_often() -> None:
    column = StringColumn.from_texts(SMALL)

    assert len(column) == 4
    assert column.take(np.array([3, 0, 0, 1])) == ["𠮷野家", "五洋建設", "五洋建設", ""]


def test_offsets_count_bytes_of_utf_8() -> None:
    column = StringColumn.from_texts(["五洋", "", "JFE"])

    assert column.offsets.tolist() == [0, 6, 6, 9]
    assert bytes(column.blob).decode() == "五洋JFE"


def test_a_newline_becomes_a_space_and_a_lone_surrogate_a_question_mark() -> None:
    column = StringColumn.from_texts(["a\nb", "x\ud800y"])

    assert column.take(np.arange(2)) == ["a b", "x?y"]


@pytest.mark.parametrize("texts", [[], [""], ["", ""]])
def test_empty_texts_and_no_texts_differ(texts: list[str]) -> None:
    column = StringColumn.from_texts(texts)

    assert len(column) == len(texts)
    assert column.take(np.arange(len(texts))) == texts


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))))
def test_what_is_packed_comes_back(texts: list[str]) -> None:
    column = StringColumn.from_texts(texts)

    assert column.take(np.arange(len(texts))) == texts
    assert column.select(np.arange(len(texts))[::-1]).take(np.arange(len(texts))) == texts[::-1]


def test_columns_are_put_one_after_the_other() -> None:
    joined = StringColumn.concatenate(
        [
            StringColumn.from_texts(["a", ""]),
            StringColumn.from_texts([]),
            StringColumn.from_texts(SMALL),
        ]
    )

    assert joined.take(np.arange(len(joined))) == ["a", "", *SMALL]
    assert len(StringColumn.concatenate([])) == 0


def test_select_makes_a_new_column() -> None:
    chosen = StringColumn.from_texts(SMALL).select(np.array([2, 1, 2]))

    assert chosen.offsets.tolist() == [0, 3, 3, 6]
    assert len(chosen.select(np.zeros(0, dtype=np.int64))) == 0


@pytest.mark.parametrize("row", [-1, 4, 1_000_000_000])
def test_a_row_that_does_not_exist_is_refused(row: int) -> None:
    column = StringColumn.from_texts(SMALL)

    with pytest.raises(IndexError, match="of a column of 4 texts"):
        column.take(np.array([row]))


def test_a_column_mapped_from_disk_reads_as_one_in_memory(tmp_path: Path) -> None:
    column = StringColumn.from_texts(SMALL)
    np.save(tmp_path / "offsets.npy", column.offsets)
    np.save(tmp_path / "blob.npy", column.blob)

    mapped = StringColumn(
        np.load(tmp_path / "offsets.npy", mmap_mode="r"),
        np.load(tmp_path / "blob.npy", mmap_mode="r"),
    )

    assert mapped.take(np.arange(4)) == SMALL
