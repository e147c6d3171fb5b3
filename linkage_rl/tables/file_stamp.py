"""Stamps of SQLite files: what shows, without reading a table, that nothing was written to it.

Relied on is what copies of files rely on, too: the system notes the time of every write in the
inode of a file (ctime), which no program can set. All that a statement of SQLite reads lies in
the file of the database as long as its write-ahead log is empty; a journal that has to be rolled
back is written to the file first. The change counter in the header says less, since it does not
count in WAL mode, and may not be read: closing the file would give up all locks that its process
has on it.

There is no stamp where this might not hold: for views and virtual tables, which may read clocks and
other files, while there is a log (its commits count for readers only once they are published in
shared memory), on file systems whose times may come from elsewhere, such as those of a network or
the layers of an image, and within the ticks of the clock after a write. Other databases keep
nothing of the kind that survives a restored backup.
"""

import hashlib
import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select, TableClause
from sqlalchemy.engine import Connection, Engine

from linkage_rl.tables.layout import TableLayout

TICK_NS: Final = 2_000_000_000
"""A file that was written to less than this ago has no stamp: another write might get the same
time. File systems count in whole seconds at worst, most of them in ticks of 1 to 10 ms."""
LOCAL: Final = frozenset(("ext2", "ext3", "ext4", "xfs", "zfs", "f2fs", "tmpfs"))
"""File systems of Linux that only this system writes to, whose times it sets itself, and whose
mounts have the device number of their files."""
_MOUNTS: Final = Path("/proc/self/mountinfo")


def file_stamp(engine: Engine, layout: TableLayout, statement: Select[Any]) -> str:
    """A text that is equal at two times only if a statement would read the same at both.

    Args:
        engine: The database.
        layout: The tables that the statement reads.
        statement: It.

    Returns:
        '' where nothing shows that.
    """
    if engine.dialect.name != "sqlite" or engine.dialect.driver != "pysqlite":
        return ""
    with engine.connect() as connection:
        path = _path_of(connection)
        if path is None or not all(_is_stored(connection, one) for one in layout.tables):
            return ""
    written = _written(path)
    if written is None:
        return ""
    # dates of closing in the future come true without a write
    dated = any(one.closed is not None for one in layout.tables)
    day = datetime.now(UTC).date().isoformat() if dated else ""
    compiled = statement.compile(dialect=engine.dialect)
    parts = (sqlite3.sqlite_version, written, day, str(compiled), sorted(compiled.params.items()))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _path_of(connection: Connection) -> Path | None:
    """The file of the database; None where it is in memory, or another one might be read, too."""
    found = connection.exec_driver_sql("PRAGMA database_list").fetchall()
    files = [file for _, name, file in found if name != "temp"]
    return Path(files[0]).resolve() if len(files) == 1 and files[0] else None


def _is_stored(connection: Connection, layout: TableLayout) -> bool:
    """Whether the file holds its rows, as it does not hold those of views and virtual tables."""
    source = layout.source
    if not isinstance(source, TableClause) or getattr(source, "schema", None) not in (None, "main"):
        return False
    found = connection.exec_driver_sql(
        "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
        (source.name,),
    ).fetchall()
    return len(found) == 1 and bool(found[0][0])


def _written(path: Path) -> tuple[int, ...] | None:
    """Which file it is, and when it was last written to; None where in doubt."""
    now = time.time_ns()
    try:
        # before the times: emptying a log writes to the file
        if _has_content(path.with_name(f"{path.name}-wal")):
            return None
        found = path.stat()
    except OSError:
        return None
    if not is_local(found.st_dev) or found.st_ctime_ns > now - TICK_NS:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def is_local(device: int, mounts: Path = _MOUNTS) -> bool:
    """Whether a device (`st_dev` of its files) holds one of the `LOCAL` file systems.

    False where the system does not say so.
    """
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return False
    # of each mount: id, parent, device, root, place, options - kind, source, options
    halves = [line.partition(" - ") for line in lines]
    kinds = {kind.split(" ")[0] for mount, _, kind in halves if mount.split(" ")[2:3] == [number]}
    return bool(kinds) and kinds <= LOCAL
