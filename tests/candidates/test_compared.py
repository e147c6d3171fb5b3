"""A table that nobody has written to is not read again, and one that somebody has always is."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.candidates.compared import COMPARED
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.refresh import build_index, open_index
from linkage_rl.tables import file_stamp
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.store import CompanyStore
from tests.candidates.test_histories import StoredHistory
from tests.small_table import company_rows
from tests.stored_table import run_sql

TICK_S = 0.02
"""More than a tick of the file system, so that no test waits for seconds."""


@pytest.fixture(autouse=True)
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_stamp, "TICK_NS", int(TICK_S * 1e9))
    # whatever the temporary folder lies in
    monkeypatch.setattr(file_stamp, "is_local", lambda path: True)


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[CompanyIndex]:
    """Indexes that are compared with their tables from now on."""
    compared: list[CompanyIndex] = []
    refresh = CompanyIndex.refresh

    def noted(index: CompanyIndex, *args: Any, **options: Any) -> Any:
        compared.append(index)
        return refresh(index, *args, **options)

    monkeypatch.setattr(CompanyIndex, "refresh", noted)
    return compared


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A table that was written a moment ago, with its index."""
    address = f"sqlite:///{tmp_path}/companies.db"
    with CompanyStore(address) as store:
        store.create()
        store.load([company_rows()])
        time.sleep(2 * TICK_S)
        build_index(store, tmp_path / "index", progress=False)
    return address


def opened(url: str, folder: Path) -> CompanyIndex:
    """The index as a new command finds it."""
    time.sleep(2 * TICK_S)
    with CompanyStore(url, read_only=True, paging=Paging(5)) as store:
        return open_index(store, folder, progress=False)


def test_a_table_is_compared_once_after_every_write(
    url: str, tmp_path: Path, comparisons: list[CompanyIndex]
) -> None:
    folder = tmp_path / "index"

    assert len(opened(url, folder)) == 8
    assert comparisons == []

    # neither a stamp nor the number of rows tells
    run_sql(
        url,
        "UPDATE companies SET company_id = 'other', updated_at = '2001-01-01' "
        "WHERE company_id = 'goyo'",
    )
    states = {opened(url, folder).state for _ in range(3)}
    assert (len(comparisons), len(states)) == (1, 1)

    shutil.copy2(tmp_path / "companies.db", tmp_path / "backup.db")
    run_sql(url, "DELETE FROM companies WHERE company_id = 'other'")
    assert len(opened(url, folder)) == len(opened(url, folder)) == 7
    shutil.copy2(tmp_path / "backup.db", tmp_path / "companies.db")
    assert {opened(url, folder).state for _ in range(3)} == states
    assert len(comparisons) == 3


@pytest.mark.parametrize("fault", ["lost", "damaged", "changed", "no text", "of another state"])
def test_a_note_with_a_fault_costs_a_comparison_and_is_written_again(
    url: str, tmp_path: Path, comparisons: list[CompanyIndex], fault: str
) -> None:
    note = tmp_path / "index" / COMPARED
    before = note.read_text()
    if fault == "of another state":
        run_sql(url, "DELETE FROM companies WHERE company_id = 'goyo'")
        opened(url, tmp_path / "index")
        comparisons.clear()
    spoilt = {
        "lost": None,
        "damaged": b"[1, 2",
        "changed": before.replace("sqlite", "SQLITE").encode(),
        "no text": b"\xff\x00",
        "of another state": before.encode(),
    }[fault]
    note.unlink()
    if spoilt is not None:
        note.write_bytes(spoilt)

    opened(url, tmp_path / "index")
    opened(url, tmp_path / "index")

    assert len(comparisons) == 1
    assert note.read_bytes() != spoilt


def test_a_write_while_the_table_is_compared_leaves_no_note(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    (folder / COMPARED).unlink()
    refresh = CompanyIndex.refresh

    def disturbed(index: CompanyIndex, *args: Any, **options: Any) -> Any:
        found = refresh(index, *args, **options)
        run_sql(url, "DELETE FROM companies WHERE company_id = 'goyo'")
        return found

    monkeypatch.setattr(CompanyIndex, "refresh", disturbed)
    assert len(opened(url, folder)) == 8
    assert not (folder / COMPARED).exists()

    monkeypatch.setattr(CompanyIndex, "refresh", refresh)
    assert len(opened(url, folder)) == 7
    assert (folder / COMPARED).exists()


def test_where_no_note_can_be_written_the_table_is_compared_again(
    url: str, tmp_path: Path, comparisons: list[CompanyIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    (folder / COMPARED).unlink()

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("linkage_rl.candidates.compared.replace_text", full)
    assert len(opened(url, folder)) == len(opened(url, folder)) == 8
    assert len(comparisons) == 2


EVENTS = ("write", "disturb", "nothing", "restore", "write", "restore", "disturb")


@pytest.mark.parametrize(("seed", "journal"), [(0, "delete"), (1, "wal"), (2, "delete")])
def test_whatever_is_written_and_restored_the_index_is_that_of_the_table(
    tmp_path: Path, seed: int, journal: str, comparisons: list[CompanyIndex]
) -> None:
    path, folder, backup = (tmp_path / name for name in ("firms.db", "index", "backup.db"))
    url = f"sqlite:///{path}"
    run_sql(url, f"PRAGMA journal_mode = {journal}")
    stored = StoredHistory(url, seed)
    stored.engine.dispose()
    shutil.copy2(path, backup)
    history = stored.history
    kept = dict(history.rows), dict(history.closed), dict(stored.stored)
    for event in history.rng.permutation(EVENTS):
        if event == "write":
            stored.step()
        elif event == "restore":
            stored.engine.dispose()
            shutil.copy2(backup, path)
            history.rows, history.closed = dict(kept[0]), dict(kept[1])
            stored.stored = dict(kept[2])
        elif event == "disturb":
            refreshed(url, folder, stored)
        index = refreshed(url, folder)
        before = len(comparisons)

        assert refreshed(url, folder).state == index.state
        assert len(comparisons) == before
        with CompanyStore(url, read_only=True) as store:
            assert index.state == "{}-{:016x}".format(*store.summary("", ""))
        assert len(index) == len(history.rows)
    stored.engine.dispose()


def refreshed(url: str, folder: Path, writer: StoredHistory | None = None) -> CompanyIndex:
    """The index of a new command, while another program may write between its statements."""
    time.sleep(2 * TICK_S)
    with CompanyStore(url, read_only=True, paging=Paging(5)) as store:
        if writer is not None:
            vars(store)["_paged"] = writer.beside(store._paged)
        return open_index(store, folder, progress=False)
