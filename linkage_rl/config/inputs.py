"""Which database, index and bundle a command means; light, so that linking needs no torch."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.errors import ConfigError
from linkage_rl.linker import Linker
from linkage_rl.tables.credentials import VARIABLES, database_url, is_url, parse_url, shown
from linkage_rl.tables.engine import COMMAND_LIMITS, Limits, sqlite_path
from linkage_rl.tables.pages import ROWS_PER_PAGE, Paging
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.store import CompanyStore

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
    timeout_s: float = COMMAND_LIMITS.timeout_s
    """Limit of each statement that reads a database on a server, in seconds."""
    retry_s: float = COMMAND_LIMITS.retry_s
    """How long a database that went away is waited for, in seconds; 0 does not wait."""
    rows_per_page: int = ROWS_PER_PAGE
    """Rows that one statement reads while the table is indexed or compared with its index."""
    rows_per_s: int = 0
    """Rows that are read per second at most while the table is indexed; 0 for no limit."""

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s < math.inf:
            raise ConfigError(f"table.timeout_s must be above 0, got {self.timeout_s}")
        if not 0 <= self.retry_s < math.inf:
            raise ConfigError(f"table.retry_s must be at least 0, got {self.retry_s}")
        if self.rows_per_page < 1:
            raise ConfigError(f"table.rows_per_page must be at least 1, got {self.rows_per_page}")
        if self.rows_per_s < 0:
            raise ConfigError(f"table.rows_per_s must be at least 0, got {self.rows_per_s}")

    @property
    def columns(self) -> ColumnMapping:
        """Columns of the table in the database: one loaded from a file has the canonical ones."""
        return CANONICAL if self.source else self.mapping

    @property
    def limits(self) -> Limits:
        """How much of the database the command may use."""
        return Limits(COMMAND_LIMITS.connections, self.timeout_s, self.retry_s)

    @property
    def paging(self) -> Paging:
        """How much of the table is read at once, and how fast."""
        return Paging(self.rows_per_page, self.rows_per_s)


@dataclass(frozen=True)
class ChosenDatabase:
    """The database that a command uses, and which of its settings named it."""

    url: URL | None
    """None for the index in the bundle."""
    named_by: str
    """A setting, a variable of the environment, or a default, in words."""

    @property
    def text(self) -> str:
        """The URL with its password, for settings; '' for the index in the bundle."""
        return self.url.render_as_string(hide_password=False) if self.url else ""

    def said(self, table: str, bundle: str = "") -> str:
        """The line that says what a command works on, without a password."""
        if self.url is None:
            return f"table    the index of {bundle or 'the bundle'} ({self.named_by})"
        return f"table    {table} of {shown(self.url)} ({self.named_by})"


def choose_database(
    database: str,
    table: "TableChoice",
    bundle: str = "",
    environ: Mapping[str, str] = os.environ,
) -> ChosenDatabase:
    """The database that every command uses, by one rule.

    The first of these that is set: `database=`; `table.database`; DATABASE_URL, DB_SECRET_ARN or
    DB_HOST of the environment; the index in the bundle; `DEFAULT_DATABASE`.

    Args:
        database: The setting of the command.
        table: The table's description.
        bundle: The bundle that is linked with; '' where there is none.
        environ: Where credentials are looked up.

    Raises:
        DatabaseError: The URL is malformed, or the environment's settings are incomplete.
    """
    if database:
        return ChosenDatabase(_url_of(database), "from database=")
    if table.database:
        return ChosenDatabase(_url_of(table.database), "from table.database")
    for name in VARIABLES:
        if environ.get(name):
            return ChosenDatabase(database_url(environ), f"from {name}")
    if bundle:
        return ChosenDatabase(None, "no database is given")
    return ChosenDatabase(_url_of(DEFAULT_DATABASE), "no database is given")


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
    chosen = choose_database(text, TableChoice(), environ=environ)
    return chosen.url or _url_of(DEFAULT_DATABASE)


def _url_of(text: str) -> URL:
    return parse_url(text) if is_url(text) else URL.create("sqlite", database=text)


def from_here(path: Path) -> Path:
    """The path as seen from the working folder where it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def database_from_here(text: str) -> str:
    """A database for messages: an SQLite file as seen from the working folder, no password."""
    url = _url_of(text)
    path = sqlite_path(url)
    return str(from_here(path)) if path else shown(url)


def index_folder(store: CompanyStore, given: str) -> Path:
    """The folder of a database's index: the given one, or the usual one for its table."""
    return Path(given).expanduser() if given else default_index_folder(store.url, store.mapping)


@contextmanager
def open_linker(
    bundle: str, database: str, index: str, table: TableChoice, refresh: bool = True
) -> Iterator[tuple[Linker, str]]:
    """The linker of a bundle, and `CompanyIndex.state` of the table that it links against.

    Args:
        bundle: Bundle folder.
        database: Database to link against; '' takes the one that `choose_database` finds, which
            may be the index in the bundle.
        index: Index folder of the database; '' takes that of `table`, or the usual place.
        table: The table's description.
        refresh: Whether to look for changes of the database first.

    Raises:
        LinkageError: Bundle, database or index has a fault.
    """
    folder = Path(bundle).expanduser()
    url = choose_database(database, table, bundle).url
    if url is None:
        linker = load_bundle(folder)
        yield linker, linker.index.state
        return
    with CompanyStore(
        url, table.columns, read_only=True, limits=table.limits, paging=table.paging
    ) as store:
        store.check()
        found = open_index(store, index_folder(store, index or table.index), refresh)
        yield load_bundle(folder, found, store), found.state
