"""Where the `link` command writes: a file of some format, or a table of a database."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from linkage_rl.config.inputs import database_of
from linkage_rl.config.link_settings import LinkSettings, is_url
from linkage_rl.errors import ConfigError
from linkage_rl.linked_columns import digest
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.csv_writer import CsvForm, CsvWriter
from linkage_rl.tables.engine import sqlite_path
from linkage_rl.tables.jsonl_writer import JsonForm, JsonLinesWriter
from linkage_rl.tables.parquet_writer import ParquetWriter
from linkage_rl.tables.table_writer import TableWriter
from linkage_rl.tables.writer import LineForm, ResultColumns, ResultWriter

DATABASE_ENDINGS: Final = (".db", ".sqlite", ".sqlite3", ".duckdb")
OTHER_ENDINGS: Final = (".json", ".gz", ".zip", ".bz2", ".xz", ".zst", ".avro", ".orc", ".feather")
"""Of files that a reader would expect in another format than CSV."""
"""Endings of files that are no result, since a database would be replaced by it."""
_LINKED: Final = "linked"
"""Ends the name of the file that says that a table holds clients of an interrupted run."""
_NO_FILES: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True)
class LinkOutput:
    """The place of a result: a file, or a table of a database."""

    path: Path
    """The file; for a table a name in the working folder, beside which temporary files lie."""
    url: URL | None = None
    """The database; None for a file."""
    table: str = ""
    """The table, or 'schema.table'."""

    @classmethod
    def of(cls, settings: LinkSettings) -> "LinkOutput":
        """The place that the settings name.

        Raises:
            ConfigError: It is a device, a pipe, a folder or the client list, or a table that is
                the company table.
            DatabaseError: The URL is malformed.
        """
        if not is_url(settings.output):
            return cls(_checked_path(settings))
        url = database_of(settings.output)
        if path := sqlite_path(url):
            url = url.set(database=str(path.expanduser().absolute()))
        elif url.get_backend_name() == "sqlite":
            raise ConfigError(
                "output=sqlite:// is a database in memory, which ends with the command; name its "
                "file, as sqlite:///linked.db"
            )
        name = digest(shown(url), settings.output_table)
        if _is_company_table(settings, url):
            raise ConfigError(
                f"output_table={settings.output_table} of {shown(url)} is the company table; "
                "name another one"
            )
        return cls(Path(f"link-{name}"), url, settings.output_table)

    def open(
        self,
        columns: ResultColumns,
        mark: str,
        started: str,
        bom: bool = False,
        quotes_formulas: bool = False,
    ) -> ResultWriter:
        """The writer of the result, which continues an interrupted run.

        Args:
            columns: Columns of the result.
            mark: Fingerprint of everything that the result depends on.
            started: When the run began, if it is no continued one.
            bom: Whether a CSV file begins with a byte order mark.
            quotes_formulas: Whether texts of a CSV file that a spreadsheet would calculate get an
                apostrophe.

        Raises:
            LinkageError: The place cannot be written to.
        """
        if self.url is not None:
            return TableWriter(self.url, self.table, columns, mark, started)
        ending = self.path.suffix.lower()
        if ending == ".parquet":
            return ParquetWriter(self.path, columns, mark, started)
        if ending in (".jsonl", ".ndjson"):
            return JsonLinesWriter(self.path, columns, mark, started)
        return CsvWriter(self.path, columns, mark, started, bom, quotes_formulas)

    def form(self, columns: ResultColumns, quotes_formulas: bool = False) -> LineForm | None:
        """How rows look in the file; None for a table, and for a file that has no lines."""
        ending = self.path.suffix.lower()
        if self.url is not None or ending == ".parquet":
            return None
        if ending in (".jsonl", ".ndjson"):
            return JsonForm(columns)
        return CsvForm(columns, quotes_formulas)

    def beside(self, name: str) -> Path:
        """A temporary file that belongs to this result."""
        return self.path.with_name(f"{self.path.name}.{name}")

    def has_begun(self) -> bool:
        """Whether an interrupted run has left work on its clients, in any of its passes."""
        states = (
            *("first-pass.partial.json", "only.jsonl.partial.json"),
            "only.jsonl.first-pass.partial.json",
        )
        return self.has_linked() or any(_finished(self.beside(state)) for state in states)

    def has_linked(self) -> bool:
        """Whether an interrupted run has left clients of this result in it that are finished."""
        return self.beside(_LINKED).exists() or _finished(self.beside("partial.json")) > 0

    def note_linked(self) -> None:
        """Note that clients are finished, for `has_linked`; a file keeps its own record of them."""
        kept = ("clients.json", "only.json")
        if self.url is not None and any(self.beside(name).exists() for name in kept):
            self.beside(_LINKED).touch()

    def forget_linked(self) -> None:
        """What was finished is of no use to the next run, or the result is complete."""
        for name in (_LINKED, "partial.json"):
            self.beside(name).unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self.path) if self.url is None else f"{shown(self.url)} {self.table}"


def _finished(state: Path) -> int:
    """Clients that are finished according to the state of a partial file; 0 without one."""
    try:
        return int(json.loads(state.read_text())["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _checked_path(settings: LinkSettings) -> Path:
    """The file that is written: of a link in the file system the file that it leads to."""
    given = Path(settings.output).expanduser()
    path = given.resolve() if given.is_symlink() else given
    for place in (given, path):
        what = _no_file(place)
        if what:
            raise ConfigError(
                f"output={given} is {what}, which a result would replace; name a file, such as "
                "linked.csv"
            )
    if path.suffix.lower() in DATABASE_ENDINGS:
        raise ConfigError(
            f"output={given} has the ending of a database; write output=sqlite:///{given} for a "
            "table of it, or name a .csv, .jsonl or .parquet file"
        )
    if path.suffix.lower() in OTHER_ENDINGS:
        raise ConfigError(
            f"link writes no {path.suffix} file, got output={given}; name a .csv, .jsonl or "
            ".parquet file"
        )
    clients = Path(settings.clients).expanduser()
    same = path.exists() and clients.exists() and path.samefile(clients)
    if same or path.resolve() == clients.resolve():
        raise ConfigError(f"output={given} would replace the client list; name another file")
    return path


def _no_file(path: Path) -> str:
    """What is at this path if it is no file; '' if it is one, or nothing."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    for is_kind, name in _NO_FILES:
        if is_kind(mode):
            return name
    # /dev/stdout leads to the file that a shell redirects to
    parts = path.absolute().parts
    return "a device" if parts[1:2] == ("proc",) or parts[1:3] in _STREAMS else ""


_STREAMS: Final = (("dev", "stdout"), ("dev", "stderr"), ("dev", "fd"))


def _is_company_table(settings: LinkSettings, url: URL) -> bool:
    """Whether the result would be written into the table that the list is linked with."""
    given = settings.database or settings.table.database
    if not given or settings.output_table != settings.table.columns.table:
        return False
    companies = database_of(given)
    if path := sqlite_path(companies):
        companies = companies.set(database=str(path.expanduser().absolute()))
    return shown(companies) == shown(url)
