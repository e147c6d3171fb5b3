"""Two programs that want the same index: one builds it, the other waits and uses the result."""

import errno
import fcntl
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.locking import index_lock, lock_file
from linkage_rl.candidates.refresh import build_index, open_index
from linkage_rl.tables.pages import CompanyPage
from linkage_rl.tables.store import CompanyStore
from tests.full_disk import disk_with_room_for
from tests.small_table import company_rows

HOLDER = """
import sys, pathlib
from linkage_rl.candidates.locking import index_lock
with index_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompanyStore]:
    with CompanyStore(f"sqlite:///{tmp_path}/companies.db") as opened:
        opened.create()
        opened.load([company_rows()])
        yield opened


def test_a_killed_holder_leaves_no_lock_and_is_named_to_those_who_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        threading.Timer(0.2, holder.kill).start()
        with caplog.at_level(logging.INFO), index_lock(folder) as waited:
            assert waited
    with index_lock(folder) as waited_again:
        assert not waited_again

    assert caplog.messages == [
        f"waiting for process {holder.pid}, which works on the index {folder}"
    ]


def test_of_two_programs_one_builds_and_the_other_uses_the_result(
    store: CompanyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[int] = []
    both_started = threading.Barrier(2, timeout=30)
    read_pages = CompanyStore.pages

    def pages(store: CompanyStore) -> Iterator[CompanyPage]:
        builds.append(1)
        return read_pages(store)

    def start(opening: str, found: list[CompanyIndex]) -> None:
        both_started.wait()
        open_or_build = open_index if opening == "open" else build_index
        found.append(open_or_build(store, tmp_path / "index", progress=False))

    monkeypatch.setattr(CompanyStore, "pages", pages)
    found: list[CompanyIndex] = []
    with index_lock(tmp_path / "index"):
        threads = [threading.Thread(target=start, args=(name, found)) for name in ("open", "build")]
        for thread in threads:
            thread.start()
        while both_started.n_waiting:
            pass
        threading.Event().wait(0.2)
    for thread in threads:
        thread.join(30)

    assert len(builds) == 1
    assert [index.state for index in found] == [found[0].state] * 2
    assert len(found[0]) == 8


def test_an_index_that_is_only_loaded_needs_no_lock(store: CompanyStore, tmp_path: Path) -> None:
    build_index(store, tmp_path / "index", progress=False)

    with index_lock(tmp_path / "index"):
        index = open_index(store, tmp_path / "index", refresh=False)

    assert len(index) == 8


def test_where_no_file_can_be_made_there_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with index_lock(tmp_path / "file" / "index") as waited:
        assert not waited
    assert not lock_file(tmp_path / "file" / "index").exists()


def test_an_unchanged_index_is_opened_on_a_full_disk(store: CompanyStore, tmp_path: Path) -> None:
    build_index(store, tmp_path / "index", progress=False)

    with disk_with_room_for(0):
        index = open_index(store, tmp_path / "index", progress=False)

    assert len(index) == 8


def test_the_lock_file_of_another_user_is_locked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    lock_file(folder).write_text("1234\n")
    open_file = Path.open

    def refuse_to_write(path: Path, mode: str = "r", buffering: int = -1) -> IO[Any]:
        if mode != "rb":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_file(path, mode, buffering)

    monkeypatch.setattr(Path, "open", refuse_to_write)
    with index_lock(folder) as waited, lock_file(folder).open("rb") as other:
        assert not waited
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert lock_file(folder).read_bytes() == b"1234\n"
