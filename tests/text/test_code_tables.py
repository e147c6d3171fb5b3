"""Tables by code point say what they say, in little memory."""

import errno
import mmap

import numpy as np
import pytest

from linkage_rl.text import addresses, characters, kana, normalise, usual_names
from linkage_rl.text.code_tables import (
    DROP,
    SIZE,
    Shifts,
    code_of,
    codes_of,
    flags_between,
    flags_of,
    shifts_of,
    sparse,
    table_of,
)

TABLES = {
    "fold": characters.FOLD,
    "fold alone": characters.FOLD_ALONE,
    "one width": characters.ONE_WIDTH,
    "core": normalise.CORE,
    "sounds": kana.SOUNDS,
    "addresses": addresses._WRITTEN,
    "usual names": usual_names._TABLE,
}


def test_a_table_moves_some_characters_and_drops_others() -> None:
    table = table_of({"髙": "高", "-": ""})

    assert [code_of(char, table) for char in "髙-a"] == [ord("高"), DROP, ord("a")]
    assert (codes_of(shifts_of(codes_of(table))) == codes_of(table)).all()


def test_a_system_without_large_pages_refuses_advice_about_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing(mmap.mmap):
        def madvise(self, *_: int) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(mmap, "mmap", Refusing)

    assert sparse(np.array([0, 7], dtype=np.uint8)).tolist() == [0, 7]


def test_flags_are_set_for_these_characters_alone() -> None:
    assert np.flatnonzero(flags_of("ab")).tolist() == [97, 98]
    assert np.flatnonzero(flags_between((0, 2), (97, 98))).tolist() == [0, 1, 97]


def test_a_sparse_copy_is_its_own() -> None:
    values = np.array([0, 5, 0], dtype=np.uint32)
    copy = sparse(values)
    copy[0] = 1

    assert (copy.tolist(), values.tolist()) == ([1, 5, 0], [0, 5, 0])


@pytest.mark.parametrize("name", TABLES)
def test_hardly_any_page_of_a_table_is_written(name: str) -> None:
    table: Shifts = TABLES[name]
    page = 1024
    written = np.unique(np.flatnonzero(table) // page)

    assert len(table) == SIZE
    assert 0 < len(written) < 200 < SIZE // page
