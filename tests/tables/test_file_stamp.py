"""Stamps of SQLite files: other ones after any write, the same ones while nobody writes."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, column, create_mock_engine, select, table

from linkage_rl.tables import file_stamp
from linkage_rl.tables.file_stamp import is_local
from linkage_rl.tables.layout import TableLayout
from linkage_rl.tables.schema import ColumnMapping, SiteColumns
from linkage_rl.tables.store import CompanyStore

FIRMS = ColumnMapping(table="firms", company_id="no", name="mei", phone="tel", closed_at="closed")
TICK_S = 0.03
"""More than a tick of the file system, so that no test waits for seconds."""


@pytest.fixture(autouse=True)
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_stamp, "TICK_NS", int(TICK_S * 1e9))
    # whatever the temporary folder lies in
    monkeypatch.setattr(file_stamp, "is_local", lambda device: True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of two companies, one of them closed."""
    run(
        tmp_path / "firms.db",
        "CREATE TABLE firms (no INTEGER PRIMARY KEY, mei TEXT, tel TEXT, closed TEXT)",
        "INSERT INTO firms VALUES (1, '五洋建設', '', ''), (2, '青空商事', '03', '2020-03-31')",
    )
    return tmp_path / "firms.db"


def run(path: Path, *statements: str) -> None:
    """What another program writes, in one transaction."""
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def stamp(path: Path, mapping: ColumnMapping = FIRMS, settled: bool = True) -> str:
    """The stamp as a new command finds it, some time after the last write."""
    if settled:
        time.sleep(TICK_S + 0.01)
    with CompanyStore(f"sqlite:///{path}", mapping, read_only=True) as store:
        return store.stamp()


def vacuum(path: Path) -> None:
    """Write the whole file again."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("VACUUM")
    connection.close()


def restore(path: Path) -> None:
    """Copy the same bytes into the file, with the times of the backup."""
    status = path.stat()
    content = path.read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def move(path: Path) -> None:
    """Put a copy with the same times in the place of the file."""
    shutil.copy2(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


WRITES: dict[str, Callable[[Path], None]] = {
    "insert": lambda path: run(path, "INSERT INTO firms VALUES (3, '海', '', '')"),
    "update": lambda path: run(path, "UPDATE firms SET tel = '03' WHERE no = 1"),
    "same size": lambda path: run(
        path, "DELETE FROM firms WHERE no = 1", "INSERT INTO firms VALUES (3, '五洋建設', '', '')"
    ),
    "closing": lambda path: run(path, "UPDATE firms SET closed = '' WHERE no = 2"),
    "vacuum": vacuum,
    "restored in place": restore,
    "restored by a move": move,
}


@pytest.mark.parametrize("journal", ["delete", "persist", "wal"])
@pytest.mark.parametrize("write", WRITES)
def test_every_write_changes_the_stamp_and_no_reading_does(
    path: Path, journal: str, write: str
) -> None:
    run(path, f"PRAGMA journal_mode = {journal}")
    before = stamp(path)
    with CompanyStore(f"sqlite:///{path}", FIRMS, read_only=True) as store:
        store.check()
        assert list(store.pages())
    assert before == stamp(path) != ""

    WRITES[write](path)

    assert stamp(path) not in (before, "")


@pytest.mark.parametrize("checkpoint", ["", "passive", "restart"])
def test_a_table_with_a_log_has_no_stamp(path: Path, checkpoint: str) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = wal")
    before = stamp(path)
    writer.execute("UPDATE firms SET mei = '海' WHERE no = 1")
    if checkpoint:
        writer.execute(f"PRAGMA wal_checkpoint({checkpoint})")
    assert stamp(path) == ""

    writer.execute("PRAGMA wal_checkpoint(truncate)")
    assert stamp(path) not in (before, "")
    writer.close()


def test_a_log_beside_the_file_that_a_link_leads_to_counts(path: Path) -> None:
    link = path.parent / "folder" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = wal")
    assert stamp(link) != ""
    writer.execute("UPDATE firms SET mei = '海' WHERE no = 1")

    assert stamp(link) == ""
    writer.close()


def test_a_stamp_is_of_the_file_that_is_read_after_it(path: Path) -> None:
    time.sleep(TICK_S + 0.01)
    with CompanyStore(f"sqlite:///{path}", FIRMS, read_only=True) as store:
        assert sum(len(page.rows.records) for page in store.pages()) > 0
        shutil.copy(path, path.with_name("new.db"))
        run(path.with_name("new.db"), "DELETE FROM firms WHERE no = 1")
        path.with_name("new.db").replace(path)
        time.sleep(TICK_S + 0.01)

        first = store.stamp()
        read = [one for page in store.pages() for one in page.rows.records.ids]
        assert store.stamp() == first != ""
    assert "1" not in read


def test_a_file_that_was_just_written_to_has_no_stamp(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stamp(path) != ""

    monkeypatch.setattr(file_stamp, "TICK_NS", 3600 * 10**9)
    assert stamp(path) == ""


def test_a_file_of_a_clock_that_ran_ahead_has_no_stamp(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr("linkage_rl.tables.file_stamp.time.time_ns", lambda: now - 3600 * 10**9)

    assert stamp(path) == ""


def test_what_is_read_counts(path: Path) -> None:
    run(path, "CREATE TABLE sites AS SELECT no, tel FROM firms")
    mappings = (
        FIRMS,
        replace(FIRMS, phone=""),
        replace(FIRMS, closed_at=""),
        replace(FIRMS, closed_when="tel=03"),
        replace(FIRMS, closed_when="tel=04"),
        replace(FIRMS, sites=SiteColumns(table="sites", company_id="no", phone="tel")),
    )
    stamps = [stamp(path, mapping) for mapping in mappings]

    assert "" not in stamps
    assert len(set(stamps)) == len(mappings)
    assert stamp(path, mappings[-1]) == stamps[-1]


@pytest.mark.parametrize("dated", [True, False])
def test_a_closing_in_the_future_comes_true_with_the_day(
    path: Path, monkeypatch: pytest.MonkeyPatch, dated: bool
) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=1)

    mapping = FIRMS if dated else replace(FIRMS, closed_at="")
    today = stamp(path, mapping)
    monkeypatch.setattr(file_stamp, "datetime", Tomorrow)

    assert (stamp(path, mapping) == today) is not dated


@pytest.mark.parametrize(
    "make",
    [
        "CREATE VIEW other AS SELECT * FROM firms WHERE closed < date('now')",
        "CREATE VIRTUAL TABLE other USING fts5(no, mei, tel, closed)",
    ],
)
def test_views_and_virtual_tables_have_no_stamp(path: Path, make: str) -> None:
    run(path, make)
    sites = SiteColumns(table="other", company_id="no", phone="tel")

    assert stamp(path, replace(FIRMS, table="other")) == ""
    assert stamp(path, replace(FIRMS, sites=sites)) == ""
    assert stamp(path, replace(FIRMS, table="FIRMS")) != ""


def test_other_databases_have_no_stamp() -> None:
    engine = create_mock_engine("postgresql+psycopg://", lambda *_: None)
    layout = TableLayout({"company_id": column("no")}, table("firms"), "postgresql")

    assert file_stamp.file_stamp(cast(Engine, engine), layout, select(column("no"))) == ""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """What Linux says of mounted file systems."""
    lines = (
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/a rw",
        "2 1 0:5 / /mnt/net rw - nfs4 host:/x rw",
        r"3 1 0:6 / /mnt/a\040b rw - fuse.sshfs host: rw",
        "4 2 8:2 / /mnt/net/own rw - xfs /dev/b rw",
        "5 1 0:7 / /data\u2028 rw master:2 - overlay overlay rw",
        "6 1 8:2 /folder /bound rw - xfs /dev/b rw",
        "",
    )
    file = tmp_path / "mountinfo"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("device", "local"),
    [((8, 1), True), ((0, 5), False), ((0, 6), False), ((8, 2), True), ((0, 7), False)],
)
def test_only_file_systems_of_this_machine_are_relied_on(
    mounts: Path, device: tuple[int, int], local: bool
) -> None:
    assert is_local(os.makedev(*device), mounts) is local


def test_an_unknown_file_system_is_not_relied_on(
    path: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_local(os.makedev(9, 9), mounts)
    assert not is_local(path.stat().st_dev, path.with_name("no mounts"))

    monkeypatch.setattr(file_stamp, "is_local", lambda device: False)
    assert stamp(path) == ""
