"""Texts packed into one blob."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_rl.candidates import strings
from linkage_rl.candidates.growing import checked_offsets
from linkage_rl.candidates.strings import CodedColumn, GrowingTexts, StringColumn, TextColumn
from linkage_rl.errors import CandidateIndexError

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


def grown(*parts: list[str], folder: Path | None = None) -> TextColumn:
    texts = GrowingTexts(folder)
    for part in parts:
        texts.append(part)
    return texts.column()


@pytest.mark.parametrize("distinct", [3, 300])
@pytest.mark.parametrize("on_disk", [False, True])
def test_texts_of_which_few_differ_are_numbered(
    tmp_path: Path, distinct: int, on_disk: bool
) -> None:
    texts = [f"市{number % distinct}" if number % distinct else "" for number in range(1000)]
    column = grown(texts, texts[:5], [], folder=tmp_path if on_disk else None)

    assert isinstance(column, CodedColumn)
    assert column.codes.dtype == (np.uint8 if distinct < 256 else np.uint16)
    assert column.take(np.arange(len(column))) == texts + texts[:5]
    assert column.lengths().tolist() == [len(text.encode()) for text in texts + texts[:5]]
    assert column.has_text
    assert not grown(["", "", ""]).has_text


def test_texts_that_differ_are_spelled_out_whenever_that_shows() -> None:
    few = ["a", "", "a", "山"] * 40_000
    many = [f"{number}" for number in range(70_000)]
    late, short = grown(few, many, few[:3]), grown(["a", "b"])

    assert isinstance(late, StringColumn)
    assert isinstance(short, StringColumn)
    assert late.take(np.arange(len(late))) == few + many + few[:3]


def test_long_texts_are_not_kept_to_number_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "_MOST_KEPT", 1_000)
    texts = ["x" * 600, "y" * 300, "x" * 600] * 3
    kept, spelled = grown(texts, texts), grown(texts, ["z" * 200], texts)

    assert isinstance(kept, CodedColumn)
    assert isinstance(spelled, StringColumn)
    assert spelled.take(np.arange(19)) == [*texts, "z" * 200, *texts]


@pytest.mark.parametrize("row", [-1, 6])
def test_a_row_of_numbered_texts_that_does_not_exist_is_refused(row: int) -> None:
    with pytest.raises(IndexError):
        grown(["a", "b", "a"] * 2).take(np.array([row]))


def test_numbered_texts_are_kept_as_plain_ones_are() -> None:
    odd = ["a\nb", "a b", "\ud800", "\0", "e\u0301", ""] * 3

    assert grown(odd).take(np.arange(18)) == ["a b", "a b", "?", "\0", "e\u0301", ""] * 3


def test_a_column_of_more_bytes_than_offsets_reach_is_refused() -> None:
    assert checked_offsets(np.array([2**32 - 1])).tolist() == [2**32 - 1]
    with pytest.raises(CandidateIndexError, match="got 4,294,967,296"):
        checked_offsets(np.array([7, 2**32]))
