"""The company table in a SQL database: loaded in bulk, changed daily, read in streams."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self, TypeVar, overload

from sqlalchemy import Executable, Select, Table
from sqlalchemy.engine import URL, Connection, Engine

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows
from linkage_rl.tables import bulk, ddl
from linkage_rl.tables.closing import SHOWN_VALUES, check_dates, said_values
from linkage_rl.tables.credentials import parse_url, shown
from linkage_rl.tables.engine import (
    COMMAND_LIMITS,
    Limits,
    database_errors,
    open_engine,
    sqlite_path,
)
from linkage_rl.tables.file_stamp import file_stamp
from linkage_rl.tables.kept_statement import KeptStatements
from linkage_rl.tables.layout import TableCounts, TableLayout, as_text
from linkage_rl.tables.paged_table import PagedTable
from linkage_rl.tables.pages import CompanyPage, Paging, RowHashes
from linkage_rl.tables.retry import Retry
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.site_table import find_tables

Result = TypeVar("Result")


class CompanyStore:
    """A company table; reads any table through a column mapping, writes the canonical one.

    A closed company keeps its row, with `closed_at` set. Threads may share a store. Do not write to
    a SQLite table while iterating over it: the writer would wait for the reader. A `with` statement
    closes the connections at its end.
    """

    def __init__(
        self,
        url: URL | str,
        mapping: ColumnMapping = CANONICAL,
        *,
        read_only: bool = False,
        limits: Limits | None = None,
        paging: Paging = Paging(),  # noqa: B008 - frozen
    ) -> None:
        """Prepare a store; it connects at the first call of a method.

        Args:
            url: SQLAlchemy URL; 'sqlite:///FILE' or 'postgresql://USER:PASSWORD@HOST/NAME'.
            mapping: Table and column names.
            read_only: Whether all writing is refused, also by the database.
            limits: Connections and time that it may use; None takes `COMMAND_LIMITS`.
            paging: How much of the table is read at once, and how fast.

        Raises:
            DatabaseError: The URL is malformed or its driver is not installed.
        """
        self.url = parse_url(url) if isinstance(url, str) else url
        self.mapping = mapping
        self.read_only = read_only
        self._paging = paging
        limits = limits or COMMAND_LIMITS
        self._engine = open_engine(self.url, read_only=read_only, limits=limits)
        self._retry = Retry(self.url, limits.retry_s)
        self._kept = KeptStatements.of(self._engine, limits.timeout_s) if read_only else None

    def __repr__(self) -> str:
        return f"CompanyStore({shown(self.url)!r}, table={self.mapping.table!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.dispose()

    def create(self) -> None:
        """Create the canonical table if it is missing, for SQLite its file and folder, too.

        Raises:
            DatabaseError: It cannot be created, or the mapping has columns of other names.
        """
        self._check_writable()
        try:
            if path := sqlite_path(self.url):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        except OSError as error:
            raise DatabaseError(
                f"cannot create {shown(self.url)}: {error.strerror}; choose another folder"
            ) from None
        with self._writing("create the company table") as connection:
            table = ddl.company_table(self.mapping.table, self._engine.dialect.name)
            ddl.create(connection, table)

    def load(self, chunks: Iterable[CompanyRows]) -> int:
        """Insert or update all these companies, or none of them if anything fails.

        The *watermark* is the latest `updated_at` of the table. A row without `updated_at`, or with
        one that is not after the watermark, gets the present time; rows equal to those in the table
        keep theirs. `former_names` only grows: by those given, and by the old name of a row whose
        name changes.

        Returns:
            The number of rows read from the chunks.

        Raises:
            DatabaseError: A statement failed, or the table is not a canonical one.
        """
        return self._load(chunks, None)[0]

    def replace(self, chunks: Iterable[CompanyRows], limit: float) -> tuple[int, int]:
        """Load a snapshot: like `load`, and companies that are in none of the chunks are deleted.

        Args:
            chunks: All companies that the table is to have.
            limit: Largest share of the table's companies that may be deleted, in [0, 1].

        Returns:
            The number of rows read from the chunks, and of companies deleted.

        Raises:
            DatabaseError: More would be deleted; the table is then as it was. Or as for `load`.
        """
        return self._load(chunks, limit)

    def _load(self, chunks: Iterable[CompanyRows], limit: float | None) -> tuple[int, int]:
        self._check_writable()
        table = ddl.company_table(self.mapping.table, self._engine.dialect.name)
        self._add_later_columns(table)
        watermark, before, loaded, removed = self.watermark(), 0, 0, 0
        with self._writing("load companies") as connection:
            if limit is not None:
                before = bulk.count(connection, table)
                bulk.begin_snapshot(connection)
            for rows in chunks:
                bulk.upsert(connection, table, rows, watermark)
                loaded += len(rows.records)
                if limit is not None:
                    bulk.note_seen(connection, rows.records.ids)
            if limit is not None:
                removed = self._remove_unseen(connection, table, before, limit)
        return loaded, removed

    def _remove_unseen(
        self, connection: Connection, table: Table, before: int, limit: float
    ) -> int:
        """Delete what a snapshot lacks, if that is not more than the limit.

        Args:
            connection: The transaction in which the snapshot was loaded.
            table: The company table.
            before: Its companies before that.
            limit: Largest share of them that may be deleted.
        """
        removed = bulk.count_unseen(connection, table)
        if removed > limit * before:
            raise DatabaseError(
                f"expected a snapshot that lacks at most {limit:.1%} of the companies of table "
                f"{self.mapping.table!r}, got one that lacks {removed:,} of {before:,} "
                f"({removed / before:.1%}); nothing was changed: load a complete file, or set "
                "replace_limit= higher if they are to be removed"
            )
        bulk.remove_unseen(connection, table)
        return removed

    @property
    def columns(self) -> tuple[str, ...]:
        """Canonical columns that the table has."""
        return tuple(self._layout.columns)

    def apply(self, changes: CompanyRows) -> int:
        """Insert, update or close these companies; `load` of one chunk."""
        return self.load([changes])

    def check(self) -> TableCounts:
        """Count the companies, and refuse a table that is missing, lacks columns or has none open.

        Raises:
            DatabaseError: The table is missing, empty or has closed companies only, or the database
                cannot be reached.
            SchemaError: The table lacks a column, or it is unclear which companies are closed.
        """
        rows, is_open, without_id, unclear = self._read(self._layout.overview())[0]
        counts = TableCounts(int(rows), int(is_open), int(without_id))
        if unclear is not None and self._layout.checked_dates is not None:
            check_dates([unclear], *self._layout.checked_dates)
        if self._layout.sites is not None:
            self._paged.check_closed_at()
        where = f"table {self.mapping.table!r} of {shown(self.url)}"
        if not counts.rows:
            raise DatabaseError(
                f"expected companies in {where}, got none"
                f"{f' but {counts.said_left_out}' if counts.without_id else ''}; "
                "load some with the companies command"
            )
        if not counts.open:
            raise DatabaseError(
                f"expected open companies in {where}, got {counts.rows:,} that are all closed; say "
                "which values of which column mean closed with "
                "table.mapping.closed_when=COLUMN=VALUE, or leave the column out with "
                "table.mapping.closed_at=''"
            )
        return counts

    def said_conditions(self) -> list[str]:
        """What each condition of `closed_when` means for the rows; see `closing.said_values`."""
        return [
            ("sites: " if layout is self._layout.sites else "")
            + said_values(one, self._read(layout.values_of(one, column, SHOWN_VALUES)))
            for layout, one, column in self._layout.every_condition
        ]

    def count(self) -> int:
        """Rows of the table, closed companies included."""
        return int(as_text(self._one(self._layout.size())))

    def open_count(self) -> int:
        """Rows of the table without the closed companies."""
        return int(as_text(self._one(self._layout.open_size())))

    def chunks(self) -> Iterator[CompanyRows]:
        """All rows, closed ones included, in the order of their keys, page by page."""
        return (page.rows for page in self._paged.pages(closed=True))

    @property
    def hashing(self) -> str:
        """Name of the row hash; hashes of another name cannot be compared with this table's."""
        return self._paged.row_hash.name

    @property
    def rows_per_page(self) -> int:
        """Rows that a page of the table should have."""
        return self._paging.rows

    def pages(self) -> Iterator[CompanyPage]:
        """Open companies with their hashes, page by page; for the rest see `PagedTable`."""
        return self._paged.pages()

    def summary(self, after: str, upto: str) -> tuple[int, int]:
        """Number of open companies in a range of keys, and the sum of their hashes."""
        return self._paged.summary(after, upto)

    def hashes(self, after: str, upto: str = "") -> Iterator[RowHashes]:
        """Keys and hashes of open companies in a range of keys, page by page."""
        return self._paged.hashes(after, upto)

    def stamp(self) -> str:
        """Equal at two times only if the open companies were the same; '' where none shows that."""
        # a connection that is kept may read a file that another one has replaced
        self._engine.dispose()
        return self._read(lambda: file_stamp(self._autocommit, self._layout, self._paged.statement))

    def rows_of(self, keys: Sequence[Any]) -> Iterator[CompanyPage]:
        """Open companies with these keys, as they are now."""
        return self._paged.rows_of(keys)

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies in one query; see `PagedTable.head_rows`."""
        return self._paged.head_rows(company_ids)

    def watermark(self) -> str:
        """The latest `updated_at`, ISO 8601; '' for an empty table or one without times."""
        if "updated_at" not in self._layout.columns:
            return ""
        return as_text(self._one(self._layout.latest()))

    def dispose(self) -> None:
        """Close all connections; the store opens new ones when it is used again."""
        self._engine.dispose()

    @cached_property
    def _autocommit(self) -> Engine:
        """For single statements: begin and rollback would be two more round trips."""
        return self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @cached_property
    def _layout(self) -> TableLayout:
        return self._read(lambda: find_tables(self._autocommit, self.mapping))

    def _add_later_columns(self, table: Table) -> None:
        lacking = [column for column in ddl.LATER_COLUMNS if column not in self._layout.columns]
        if lacking:
            with self._writing(f"add columns {lacking}") as connection:
                ddl.add_columns(connection, table, lacking)
            del self._layout
            vars(self).pop("_paged", None)

    @cached_property
    def _paged(self) -> PagedTable:
        return PagedTable(self._layout, self._read, self._paging)

    def _one(self, statement: Select[Any]) -> object:
        rows = self._read(statement)
        return rows[0][0] if rows else None

    @overload
    def _read(
        self, task: Executable, parameters: Mapping[str, Any] | None = None, *, often: bool = False
    ) -> Sequence[Sequence[Any]]: ...

    @overload
    def _read(self, task: Callable[[], Result]) -> Result: ...

    def _read(
        self, task: Any, parameters: Mapping[str, Any] | None = None, *, often: bool = False
    ) -> Any:
        """All rows of a statement, or the result of a task that reads.

        The statement is a read-only transaction of its own. It is sent again, or the task run
        again, where the connection is lost or the server is away.

        Args:
            task: A statement, or a function that reads through `_autocommit`.
            parameters: Parameters of the statement.
            often: Whether the same statement comes with many requests, see `KeptStatements`.

        Raises:
            DatabaseError: The statement failed, or the database did not answer for too long.
        """

        def rows() -> Sequence[Sequence[Any]]:
            # connections of other stores begin transactions
            if often and self._kept is not None:
                return self._kept.rows(task, parameters or {})
            with self._autocommit.connect() as connection:
                return connection.execute(task, parameters).fetchall()

        with database_errors(self.url, f"read table {self.mapping.table!r}"):
            return self._retry(rows if isinstance(task, Executable) else task)

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Connection]:
        with database_errors(self.url, doing), self._engine.begin() as connection:
            yield connection

    def _check_writable(self) -> None:
        if self.read_only:
            raise DatabaseError(f"{shown(self.url)} was opened read-only; open it for writing")
        if not self.mapping.is_canonical():
            raise DatabaseError(
                f"table {self.mapping.table!r} has a column mapping and is only read; "
                "load companies into a table without one"
            )
        if self._engine.dialect.name not in ddl.STAMP_SQL:
            raise DatabaseError(
                f"companies are written to {sorted(ddl.STAMP_SQL)} only, got "
                f"{self._engine.dialect.name!r}; fill the table with other tools, then read it"
            )
