"""Which database, index and bundle a command means; light, so that linking needs no torch."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.candidates.storage import MANIFEST
from linkage_rl.linker import Linker
from linkage_rl.tables.credentials import VARIABLES, database_url, parse_url, shown
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.store import CompanyStore
from linkage_rl.tables.writer import file_fingerprint

DEFAULT_DATABASE: Final = "outputs/companies.db"
"""SQLite file of companies where no other database is given, relative to the working folder."""


@dataclass(frozen=True)
class TableChoice:
    """A company table as `configs/table/` describes it."""

    name: str = "companies"
    source: str = ""
    """Company file it is loaded from."""
    database: str = ""
    """Database URL, or path of an SQLite file."""
    index: str = ""
    """Index folder; '' takes the one beside the database."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the company file, or of a user's own table."""

    @property
    def columns(self) -> ColumnMapping:
        """Columns of the table in the database: one loaded from a file has the canonical ones."""
        return CANONICAL if self.source else self.mapping


def database_of(text: str, environ: Mapping[str, str] = os.environ) -> URL:
    """The database that is meant by a setting.

    Args:
        text: A database URL, or the path of an SQLite file; '' takes the one of the environment,
            or else `DEFAULT_DATABASE`.
        environ: Where credentials are looked up.

    Raises:
        DatabaseError: The URL is malformed, or the environment's settings are incomplete.

    >>> database_of("companies.db").render_as_string()
    'sqlite:///companies.db'
    """
    if re.match(r"[\w+]+://", text):
        return parse_url(text)
    if not text and any(environ.get(name) for name in VARIABLES):
        return database_url(environ)
    return URL.create("sqlite", database=text or DEFAULT_DATABASE)


def index_folder(store: CompanyStore, given: str) -> Path:
    """The folder of a database's index: the given one, or the usual one for its table."""
    return Path(given).expanduser() if given else default_index_folder(store.url, store.mapping)


@contextmanager
def open_linker(
    bundle: str, database: str, index: str, table: TableChoice, refresh: bool = True
) -> Iterator[tuple[Linker, str]]:
    """The linker of a bundle, and a text that changes with the state of the table it links against.

    Args:
        bundle: Bundle folder.
        database: Database to link against; '' takes that of `table`, and without one the linker
            uses the index in the bundle.
        index: Index folder of the database; '' takes that of `table`, or the usual place.
        table: The table's description.
        refresh: Whether to look for changes of the database first.

    Raises:
        LinkageError: Bundle, database or index has a fault.
    """
    folder = Path(bundle).expanduser()
    database = database or table.database
    if not database:
        linker = load_bundle(folder)
        yield linker, file_fingerprint(folder / "index" / MANIFEST)
        return
    with CompanyStore(database_of(database), table.columns, read_only=True) as store:
        store.check()
        found = open_index(store, index_folder(store, index or table.index), refresh)
        state = f"{shown(store.url)} {store.mapping.table} {found.watermark} {len(found)}"
        yield load_bundle(folder, found, store), state
