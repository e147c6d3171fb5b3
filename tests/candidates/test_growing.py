"""Arrays that grow hold what was appended, in memory as in a file."""

from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates import growing
from linkage_rl.candidates.encode import ROW
from linkage_rl.candidates.growing import GrowingArray, kept_in
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.layout import named_arrays
from linkage_rl.candidates.strings import GrowingStrings, StringColumn
from linkage_rl.errors import OutputError
from linkage_rl.tables.sample import SampleConfig, generate_companies
from tests.full_disk import disk_with_room_for

PARTS = [np.arange(size, dtype=np.int64) for size in (0, 5, 200_000, 1, 0, 7)]
"""Together longer than what is held in memory."""


@pytest.mark.parametrize("in_file", [False, True])
def test_an_array_holds_its_parts_in_order(tmp_path: Path, in_file: bool) -> None:
    array = GrowingArray(np.int64, tmp_path / "below" if in_file else None)

    for part in PARTS:
        array.append(part)

    assert len(array) == 200_013
    assert np.array_equal(array.array(), np.concatenate(PARTS))


def test_an_array_of_a_file_can_be_written_to_and_leaves_no_file(tmp_path: Path) -> None:
    array = GrowingArray(ROW, tmp_path)
    array.append(np.zeros(50_000, dtype=ROW))

    rows = array.array()
    rows["doc"] = np.arange(50_000)

    assert rows["doc"][-1] == 49_999
    assert np.all(rows["name"] == 0)
    assert list(tmp_path.iterdir()) == []


def test_texts_are_the_same_in_memory_and_in_a_file(tmp_path: Path) -> None:
    texts = [f"五洋建設{number}" * 5 for number in range(30_000)]
    column = GrowingStrings(tmp_path)

    for begin in range(0, len(texts), 7_000):
        column.append(StringColumn.from_texts(texts[begin : begin + 7_000]))

    assert column.column().take(np.arange(len(texts))) == texts


def test_moving_an_array_to_a_file_keeps_its_shape(tmp_path: Path) -> None:
    table = np.arange(600_000, dtype=np.uint32).reshape(-1, 3)

    assert kept_in(None, table) is table
    assert np.array_equal(kept_in(tmp_path, table), table)


def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    array = GrowingArray(np.int64, tmp_path)

    with (
        disk_with_room_for(1 << 19),
        pytest.raises(OutputError, match="cannot write the candidate"),
    ):
        array.append(PARTS[2])


def test_an_index_built_in_files_is_the_one_built_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "_HELD", 1 << 10)
    config = SampleConfig(companies=300, clients=10)

    in_memory = CompanyIndex.build(generate_companies(config))
    in_files = CompanyIndex.build(generate_companies(config), tmp_path)

    expected, found = named_arrays(in_memory.base), named_arrays(in_files.base)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert array.dtype == found[name].dtype, name
        assert np.array_equal(array, found[name]), name
