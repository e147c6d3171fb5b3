"""One file of many arrays: mapped once, aligned, and never trusted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates.container import ALIGNMENT, MAGIC, read_arrays, write_arrays
from linkage_rl.candidates.encode import ROW
from linkage_rl.candidates.files import file_digest
from linkage_rl.candidates.mapping import open_unverified, open_verified
from linkage_rl.candidates.storage import load_index, save_index
from linkage_rl.errors import CandidateIndexError
from tests.small_table import small_index


def read(path: Path) -> dict[str, NDArray[Any]]:
    return read_arrays(open_unverified(path, ""), path)


def test_arrays_of_equal_bytes_lie_in_the_file_once(tmp_path: Path) -> None:
    array = np.arange(10_000, dtype=np.uint32)
    arrays: dict[str, NDArray[Any]] = {
        "one": array,
        "two": array.copy(),
        "bytes": array.view(np.uint8),
        "other": array + 1,
    }

    write_arrays(tmp_path / "a", arrays)

    assert (tmp_path / "a").stat().st_size < 2 * array.nbytes + 1000
    found = read(tmp_path / "a")
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_arrays_come_back_aligned_and_read_only(tmp_path: Path) -> None:
    written: dict[str, NDArray[Any]] = {
        "bytes": np.arange(5, dtype=np.uint8),
        "none": np.zeros(0, dtype=np.float32),
        "counts": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "rows": np.zeros(3, dtype=ROW),
    }

    digest = write_arrays(tmp_path / "a", written)
    arrays = read(tmp_path / "a")

    assert digest == file_digest(tmp_path / "a")
    assert [*arrays] == [*written]
    for name, array in arrays.items():
        assert array.dtype == written[name].dtype
        assert np.array_equal(array, written[name])
        assert array.ctypes.data % ALIGNMENT == 0
        assert not array.flags.writeable


def one_array(tmp_path: Path, table: object, magic: bytes = MAGIC, content: int = 64) -> Path:
    """A file of 64 bytes of content whose table says this."""
    text = json.dumps(table).encode()
    text = text.ljust(-(-(16 + len(text)) // 64) * 64 - 16)
    path = tmp_path / "a"
    path.write_bytes(magic + len(text).to_bytes(8, "little") + text + bytes(content))
    return path


ENTRY = {"dtype": "<i4", "shape": [16], "offset": 0}


def test_the_file_that_the_hostile_ones_vary_is_itself_read(tmp_path: Path) -> None:
    assert read(one_array(tmp_path, {"a": ENTRY}))["a"].tolist() == [0] * 16


@pytest.mark.parametrize(
    "table",
    [
        [],
        None,
        {"a": []},
        {"a": {}},
        {"a": {**ENTRY, "shape": [17]}},
        {"a": {**ENTRY, "shape": [-1]}},
        {"a": {**ENTRY, "shape": [2**62, 4]}},
        {"a": {**ENTRY, "shape": [2**70]}},
        {"a": {**ENTRY, "shape": [16.0]}},
        {"a": {**ENTRY, "shape": [True]}},
        {"a": {**ENTRY, "shape": "16"}},
        {"a": {**ENTRY, "shape": 16}},
        {"a": {**ENTRY, "shape": [1] * 100}},
        {"a": {**ENTRY, "offset": 64}},
        {"a": {**ENTRY, "offset": 4, "shape": [1]}},
        {"a": {**ENTRY, "offset": -64}},
        {"a": {**ENTRY, "offset": 2**70}},
        {"a": {**ENTRY, "offset": "0"}},
        {"a": {**ENTRY, "dtype": "|O", "shape": [8]}},
        {"a": {**ENTRY, "dtype": "<U4", "shape": [4]}},
        {"a": {**ENTRY, "dtype": "|V4"}},
        {"a": {**ENTRY, "dtype": "|V0"}},
        {"a": {**ENTRY, "dtype": "nonsense"}},
        {"a": {**ENTRY, "dtype": None}},
        {"a": {**ENTRY, "dtype": 4}},
        {"a": {**ENTRY, "dtype": []}},
        {"a": {**ENTRY, "dtype": [["x", "|O"]]}},
        {"a": {**ENTRY, "dtype": [["x", "<i4", [2**40]]]}},
        {"a": {**ENTRY, "dtype": [["x", [["y", "<i4"]]]]}},
        {"a": {**ENTRY, "dtype": "(,)f8"}},
        {"a": {**ENTRY, "dtype": [["x", "(,)f8"]]}},
        {"a": {**ENTRY, "dtype": "f4," * 100_000, "shape": [0]}},
        {"a": {**ENTRY, "dtype": [["x", "f4," * 20]], "shape": [0]}},
        {"a": {**ENTRY, "dtype": [["x" * 41, "<f4"]]}},
        {"a": {**ENTRY, "dtype": [[f"x{n}", "<f4"] for n in range(41)], "shape": [0]}},
    ],
)
def test_a_table_that_is_not_true_is_refused(tmp_path: Path, table: object) -> None:
    with pytest.raises(CandidateIndexError, match="missing or damaged"):
        read(one_array(tmp_path, table))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        MAGIC,
        MAGIC + b"\xff" * 8,
        MAGIC + (1 << 19).to_bytes(8, "little") + b"[" * (1 << 19),
        MAGIC + (112).to_bytes(8, "little") + b"[" * 112,
        MAGIC + (48).to_bytes(8, "little") + b"\xff" * 48,
        MAGIC + (2).to_bytes(8, "little") + b"{}",
    ],
)
def test_a_file_that_is_no_container_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(CandidateIndexError, match="missing or damaged"):
        read(tmp_path / "a")


def test_a_file_is_mapped_only_if_its_content_has_the_checksum(tmp_path: Path) -> None:
    digest = write_arrays(tmp_path / "a", {"a": np.arange(4)})
    write_arrays(tmp_path / "b", {"a": np.arange(1, 5)})

    assert len(open_verified(tmp_path / "a", digest)) == (tmp_path / "a").stat().st_size
    with pytest.raises(CandidateIndexError, match="checksum differs"):
        open_verified(tmp_path / "b", digest)


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_an_index_keeps_two_descriptors_open_and_gives_them_back(tmp_path: Path) -> None:
    save_index(small_index(), tmp_path)
    before = descriptors()

    index = load_index(tmp_path)
    while_loaded = descriptors()
    del index

    assert while_loaded - before == 2
    assert descriptors() == before
