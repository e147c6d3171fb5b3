"""Arrays are judged as Python and NumPy would judge them, in pieces and at their edges."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates import _text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import build_segment
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.candidates.validation import find_fault
from tests.small_table import company_rows, small_index

_BYTES = (0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE3, 0xED, 0xF0, 0xF4)
_CHARACTERS = ("a", "é", "山", "𠮷", "\U0010ffff", "\ud7ff", "\ue000", "\u0800", "\U00010000")


def is_text(content: bytes) -> bool:
    offsets = np.array([0, len(content)], dtype=np.uint32)
    return _text.are_texts(offsets, np.frombuffer(content, dtype=np.uint8))


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_bytes_are_text_where_python_decodes_them() -> None:
    rng = random.Random(0)
    for _ in range(5000):
        content = bytearray("".join(rng.choices(_CHARACTERS, k=rng.randrange(12))).encode())
        for _ in range(rng.randrange(3)):
            content.insert(rng.randrange(len(content) + 1), rng.choice(_BYTES))

        assert is_text(bytes(content)) == is_utf8(bytes(content)), bytes(content)


def test_every_sequence_of_three_edge_bytes_is_judged_as_python_does() -> None:
    for first in _BYTES:
        for second in _BYTES:
            for third in _BYTES:
                content = bytes([first, second, third])
                assert is_text(content) == is_utf8(content), content


@pytest.mark.parametrize(
    "offsets",
    [[], [0], [1, 3], [0, 4], [0, 2, 1, 3], [0, 1, 3], [0, (1 << 32) - 1, 3], [0, 1 << 31, 3]],
)
def test_offsets_rise_from_the_first_to_the_last_byte_by_whole_characters(
    offsets: list[int],
) -> None:
    blob = np.frombuffer("山".encode(), dtype=np.uint8)

    assert not _text.are_texts(np.array(offsets, dtype=np.uint32), blob)
    assert _text.are_texts(np.array([0, 0, 3, 3], dtype=np.uint32), blob)


@pytest.mark.parametrize("offsets", [[0, 9], [4, 2], [2, 0], [(1 << 32) - 1, 3], [1 << 31, 3]])
def test_a_text_outside_of_its_column_is_not_read(offsets: list[int]) -> None:
    column = StringColumn(np.array(offsets, dtype=np.uint32), np.zeros(3, dtype=np.uint8))

    for read in (column.take, column.select):
        with pytest.raises(IndexError, match="text 0 lies outside of its column"):
            read(np.array([0]))


def test_a_built_index_has_no_fault_with_or_without_changes() -> None:
    index = small_index()
    assert find_fault(index) == ""
    assert find_fault(CompanyIndex.build([])) == ""

    changed = build_segment([company_rows({"new": {"name": "株式会社あたらしい"}})], index.base)
    base = replace(index.parts[0], alive=np.zeros(len(index.base), dtype=np.uint8))
    grown = replace(index, parts=(base, Part.of(changed, len(index.base))))
    assert find_fault(grown) == ""
    assert "of the keys ['no such key']" in find_fault(grown, ["no such key"])


def test_a_fault_of_the_changes_is_named_as_theirs() -> None:
    index = small_index()
    changed = build_segment([company_rows({"new": {"name": "株式会社あたらしい"}})], index.base)
    wrong = replace(changed, postings=np.full_like(changed.postings, 7))
    parts = (*index.parts, Part.of(wrong, len(index.base)))

    assert find_fault(replace(index, parts=parts)) == "changes.postings must lie in 0..0"
    shifted = replace(index, parts=(*index.parts, Part.of(changed, 3)))
    assert find_fault(shifted) == "changes.rows begin at another row"


def test_an_element_type_of_many_fields_is_cut_in_the_message() -> None:
    index = small_index()
    base = index.parts[0]
    many = np.dtype([(f"field_with_a_long_name_{n}", "<f4") for n in range(40)])
    alive: NDArray[Any] = np.zeros(len(base.alive), dtype=many)
    index = replace(index, parts=(replace(base, alive=alive),))

    fault = find_fault(index)

    assert fault.startswith("alive must be of type uint8, got [('field_with")
    assert fault.endswith("...")
    assert len(fault) < 100


def test_arrays_longer_than_a_piece_are_looked_at_to_their_end() -> None:
    def last_falls(size: int) -> NDArray[np.uint64]:
        keys = np.arange(size, dtype=np.uint64)
        keys[-1] = 0
        return keys

    index = small_index()
    for size in (1 << 15, (1 << 15) + 1, 100_001):
        offices = replace(index.offices, keys=last_falls(size), shares=np.ones(size, np.float32))
        assert find_fault(replace(index, offices=offices)) == "offices.keys must ascend"
