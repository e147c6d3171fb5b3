"""A server maps private copies: nobody can change or cut them while they are in use."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

import pytest

from linkage_rl.candidates.copies import PrivateCopies
from linkage_rl.candidates.files import digest_of, file_digest
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.mapping import open_verified
from linkage_rl.candidates.storage import load_index, save_index
from linkage_rl.errors import CandidateIndexError, ResourceLimitError
from tests.candidates.test_storage import assert_equal
from tests.full_disk import disk_with_room_for
from tests.small_table import COMPANIES, company_rows, small_index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_index(small_index(), tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def private(tmp_path: Path) -> PrivateCopies:
    return PrivateCopies(tmp_path / "run" / "copies")


def copied(private: PrivateCopies) -> list[str]:
    """The copies that are there, by their checksums."""
    return sorted(path.name for path in private.folder.iterdir() if len(path.name) == 32)


def spoil(path: Path, how: str) -> None:
    """Change a file in place: its inode stays."""
    with path.open("r+b") as file:
        if how == "cut":
            file.truncate(0)
        else:
            file.write(b"\xff" * path.stat().st_size)


@pytest.mark.parametrize("how", ["cut", "overwritten"])
def test_an_index_that_is_spoilt_in_place_is_served_on(
    folder: Path, private: PrivateCopies, how: str
) -> None:
    index = load_index(folder, open_file=private)

    for path in folder.rglob("*"):
        if path.is_file():
            spoil(path, how)

    assert_equal(index, small_index())


def test_processes_share_one_copy_which_goes_when_nobody_uses_it(
    folder: Path, private: PrivateCopies
) -> None:
    other = PrivateCopies(private.folder)
    one, two = (load_index(folder, open_file=opener) for opener in (private, other))
    shared = copied(private)

    del one
    private.drop_unused()
    while_one_uses_it = copied(private)
    del two
    private.drop_unused()

    assert len(shared) == 2
    assert while_one_uses_it == shared
    assert copied(private) == []


def test_another_state_of_the_index_replaces_the_copy_of_the_former_one(
    tmp_path: Path, folder: Path, private: PrivateCopies
) -> None:
    index = load_index(folder, open_file=private)
    save_index(CompanyIndex.build([company_rows({"goyo": COMPANIES["goyo"]})]), folder)
    index = load_index(folder, open_file=private)
    private.drop_unused()

    assert len(index) == 1
    assert len(copied(private)) == 2


def test_a_damaged_file_is_found_before_it_is_served(folder: Path, private: PrivateCopies) -> None:
    base = next(folder.glob("base-*"))
    content = bytearray(base.read_bytes())
    content[len(content) // 2] ^= 1
    base.write_bytes(content)

    with pytest.raises(CandidateIndexError, match=r"base-.* is missing or damaged"):
        load_index(folder, open_file=private)
    # the state of the index, which is whole, is copied first
    assert copied(private) == [file_digest(next(folder.glob("state-*")))]


def test_a_disk_without_room_for_a_copy_serves_the_file_itself(
    folder: Path, private: PrivateCopies, caplog: pytest.LogCaptureFixture
) -> None:
    with disk_with_room_for(100_000):
        index = load_index(folder, open_file=private)
        load_index(folder, open_file=private)

    assert_equal(index, small_index())
    assert copied(private) == []
    # once for each of the two files, however often they are loaded
    assert caplog.text.count("(File too large) and is served where it is") == 2


def test_a_file_in_the_run_folder_is_read_once_and_again_only_after_a_change(
    tmp_path: Path, private: PrivateCopies, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run" / "index"
    save_index(small_index(), folder)
    read: list[FileIO] = []

    def noted(file: FileIO) -> str:
        read.append(file)
        return digest_of(file)

    monkeypatch.setattr("linkage_rl.candidates.copies.digest_of", noted)
    for _ in range(3):
        load_index(folder, open_file=private)
    read_at_first = len(read)
    base = next(folder.glob("base-*"))
    content = bytearray(base.read_bytes())
    content[-100] ^= 1
    base.write_bytes(content)

    assert read_at_first == 2
    assert copied(private) == []
    with pytest.raises(CandidateIndexError, match="checksum differs"):
        load_index(folder, open_file=private)


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """This process can open only so many more files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 16, before[1]))
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(count):
            os.close(taken.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken:
            os.close(descriptor)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_process_without_descriptors_says_so_and_blames_no_file(
    folder: Path, private: PrivateCopies, left: int
) -> None:
    for opener in (open_verified, private):
        with (
            descriptors_left(left),
            pytest.raises(ResourceLimitError, match="Too many open files; close"),
        ):
            load_index(folder, open_file=opener)
        assert_equal(load_index(folder, open_file=opener), small_index())
