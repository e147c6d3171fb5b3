"""Writes results into a table of a database, in short transactions that a lost one repeats."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Self

from sqlalchemy import Column, Double, Integer, MetaData, String, Table, Text, func, inspect, select
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, Dialect

from linkage_rl.errors import ConfigError, DatabaseError, LinkageError, OutputError
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.ddl import split_name, stamp
from linkage_rl.tables.engine import database_errors, open_engine, sqlite_path
from linkage_rl.tables.jsonl_writer import json_values
from linkage_rl.tables.retry import Retry
from linkage_rl.tables.writer import ResultColumns, ResultRows, without_surrogates

_log = logging.getLogger(__name__)

KEY: Final = ("client_id", "run_id")
"""A row of the table is of one client and one run."""
RUNS: Final = "_runs"
"""Ends the name of the table that keeps how far each run is."""
DIALECTS: Final = ("postgresql", "sqlite", "mysql", "mariadb")
RETRY_S: Final = 60.0
"""How long a transaction is tried again while the database is away."""
_KINDS: Final = ("link", "no_match", "review")
_NAME_BYTES: Final = {"postgresql": 63}
_MAX_COLUMNS: Final = {"postgresql": 1600, "sqlite": 2000, "mysql": 1017, "mariadb": 1017}
"""Columns of a table; those of MySQL and MariaDB are of InnoDB."""
_LONGEST: Final = 255


class TableWriter:
    """The rows of a run in a table, with a row of `<table>_runs` that says how far the run is.

    Both change in the same transaction, one for each chunk. Writing the same rows again changes
    nothing, so that a transaction is simply repeated where it is not known how it ended.
    """

    def __init__(
        self, url: URL, table: str, columns: ResultColumns, fingerprint: str, started: str
    ) -> None:
        """Create the tables if they are missing, or continue the run that was interrupted.

        Args:
            url: The database; a SQLite file is created if it is missing.
            table: Name of the table, or 'schema.name'.
            columns: Columns of the result; entries of nested ones have columns of their own.
            fingerprint: Of everything that the result depends on.
            started: When the run began.

        Raises:
            ConfigError: Such a database cannot be written to.
            DatabaseError: It cannot be reached, refuses to create the table, or has one that lacks
                columns.
        """
        self._url = url
        self._create_file()
        self._engine = open_engine(url, read_only=False)
        self._retry = Retry(url, RETRY_S)
        dialect = self._engine.dialect
        if dialect.name not in DIALECTS:
            raise ConfigError(
                f"output= takes databases of the kinds {', '.join(DIALECTS)}, got {shown(url)}; "
                "write a .csv, .jsonl or .parquet file and load it"
            )
        self._columns = columns
        _check_names(columns, dialect)
        self._table, self._runs = _tables(table, columns, dialect)
        self._run = {"fingerprint": fingerprint, "started": started}
        self.finished, self.counts, self.started = 0, Counter[str](), started
        try:
            self._run_transaction(f"create the table {table}", self._prepare)
        except LinkageError:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._engine.dispose()

    def write(self, rows: ResultRows) -> None:
        """Insert or replace the rows of one chunk; they are safe afterwards.

        Raises:
            DatabaseError: A statement failed, or the database stays away; earlier chunks stay safe.
        """
        records = list(self._records(rows))
        counts = self.counts + rows.counts()
        finished = self.finished + len(rows)

        def insert(connection: Connection) -> None:
            _replace(connection, self._table, records)
            progress = self._progress(rows.texts["run_id"][0], finished, counts)
            _replace(connection, self._runs, [progress])

        self._run_transaction(self._writing(), insert)
        self.finished, self.counts = finished, counts

    def complete(self) -> None:
        """Say in `<table>_runs` that the run is complete.

        Raises:
            OutputError: The table holds fewer rows of the run than it has clients.
            DatabaseError: A statement failed.
        """
        table, runs = self._table, self._runs

        def finish(connection: Connection) -> None:
            mine = [getattr(runs.c, name) == text for name, text in self._run.items()]
            run_id = connection.execute(select(runs.c.run_id).where(*mine)).scalar()
            written = connection.execute(
                select(func.count())
                .select_from(table)
                .where(table.c.run_id == run_id, table.c.linked_at == self.started)
            ).scalar()
            if written != self.finished:
                raise OutputError(
                    f"expected {self.finished:,} rows of run {run_id} in {table.name}, got "
                    f"{written:,}: the database takes some client ids for equal, as ids that "
                    "differ in blanks at the end; give every client another id"
                )
            connection.execute(runs.update().where(*mine).values(completed_at=stamp()))

        self._run_transaction(self._writing(), finish)

    def _writing(self) -> str:
        return f"write to {self._table.name} ({self.finished:,} finished clients are kept)"

    def _create_file(self) -> None:
        path = sqlite_path(self._url)
        try:
            if path:
                path.touch()
        except OSError as error:
            raise OutputError(
                f"cannot create {shown(self._url)}: {error.strerror}; choose another folder"
            ) from None

    def _prepare(self, connection: Connection) -> None:
        """Create what is missing, check what is there, and find how far an earlier run came."""
        inspector = inspect(connection)
        for table in (self._table, self._runs):
            if not inspector.has_table(table.name, schema=table.schema):
                table.create(connection)
                continue
            have = {one["name"] for one in inspector.get_columns(table.name, schema=table.schema)}
            if missing := [column.name for column in table.columns if column.name not in have]:
                raise DatabaseError(
                    f"the table {table.fullname} in {shown(self._url)} lacks the columns "
                    f"{', '.join(missing)}; add them, or choose another one with output_table="
                )
        runs = self._runs.c
        kept = connection.execute(
            select(self._runs)
            .where(runs.fingerprint == self._run["fingerprint"], runs.completed_at == "")
            .order_by(runs.started.desc())
            .limit(1)
        ).mappings()
        for row in kept:
            self.finished, self.started = row["finished"], row["started"]
            self.counts = +Counter({kind: row[kind] for kind in _KINDS})
            self._run["started"] = self.started

    def _progress(self, run_id: str, finished: int, counts: Counter[str]) -> dict[str, Any]:
        return {
            **self._run,
            "run_id": run_id,
            "finished": finished,
            **{kind: counts[kind] for kind in _KINDS},
            "completed_at": "",
        }

    def _records(self, rows: ResultRows) -> Iterable[Mapping[str, Any]]:
        """The rows as the statement takes them: NULL for '', and numbers where they are meant."""
        names, numbers = self._columns.flat_names(), self._columns.flat_numbers()
        values = [
            json_values(self._storable(texts), name in numbers)
            for name, texts in zip(names, rows.flat(self._columns), strict=True)
        ]
        keys = self._table.columns.keys()
        return (dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True))

    def _storable(self, texts: Sequence[str]) -> Sequence[str]:
        """Texts as the database can hold them: PostgreSQL knows no NUL."""
        texts = without_surrogates(texts)
        if self._engine.dialect.name != "postgresql" or not any("\0" in text for text in texts):
            return texts
        _log.warning(
            "%s: PostgreSQL holds no NUL character in a text; U+FFFD is written for it",
            self._table.name,
        )
        return [text.replace("\0", "\ufffd") for text in texts]

    def _run_transaction(self, doing: str, act: Callable[[Connection], None]) -> None:
        """Act in a transaction, again where the connection is lost: the same rows change nothing.

        Args:
            doing: What is attempted, to follow the word 'cannot'.
            act: Executes the statements.
        """

        def transaction() -> None:
            with self._engine.begin() as connection:
                act(connection)

        with database_errors(self._url, doing):
            self._retry(transaction)


def _check_names(columns: ResultColumns, dialect: Dialect) -> None:
    """Refuse names that the database would cut, and more columns than it has room for."""
    names, most = columns.flat_names(), _MAX_COLUMNS[dialect.name]
    if len(names) > most:
        raise ConfigError(
            f"a table of {dialect.name} has {most:,} columns at most, and the result "
            f"{len(names):,}; leave columns of the list out, or write a file"
        )
    limit = _NAME_BYTES.get(dialect.name, dialect.max_identifier_length)
    for name in names:
        size = len(name.encode()) if dialect.name in _NAME_BYTES else len(name)
        if size > limit:
            raise ConfigError(
                f"the column {name!r} of the list is too long a name for {dialect.name}, {size} of "
                f"{limit}; rename it in the list, or write a file"
            )


def _tables(table: str, columns: ResultColumns, dialect: Dialect) -> tuple[Table, Table]:
    """The table of results and that of runs; keys of columns are plain, whatever their names."""
    schema, name = split_name(table)
    numbers = columns.flat_numbers()
    key = _key_type()

    def column(place: int, name: str) -> Column[Any]:
        if name in KEY:
            return Column(name, key, primary_key=True)
        kind = Double() if name in numbers else Text()
        own = place >= len(columns.decision)
        return Column(name, kind, key=f"column_{place}" if own else name)

    options: dict[str, Any] = {"mysql_charset": "utf8mb4", "mariadb_charset": "utf8mb4"}
    results = Table(
        name,
        MetaData(schema=schema),
        *(column(place, one) for place, one in enumerate(columns.flat_names())),
        **options,
    )
    runs = Table(
        f"{name}{RUNS}",
        MetaData(schema=schema),
        Column("fingerprint", String(64), primary_key=True),
        Column("started", String(32), primary_key=True),
        Column("run_id", key, nullable=False),
        *(Column(one, Integer, nullable=False) for one in ("finished", *_KINDS)),
        Column("completed_at", String(32), nullable=False),
        **options,
    )
    return results, runs


def _key_type() -> Any:
    """Text that is compared byte by byte, and in MySQL short enough for an index."""
    binary = mysql.VARCHAR(_LONGEST, charset="utf8mb4", collation="utf8mb4_bin")
    return (
        Text()
        .with_variant(binary, "mysql", "mariadb")
        .with_variant(Text(collation="C"), "postgresql")
    )


def _replace(connection: Connection, table: Table, records: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those of the same keys.

    Args:
        connection: In a transaction.
        table: Where to.
        records: Key of each column to its value, in the order of the columns.
    """
    dialect = connection.dialect
    if dialect.name == "postgresql":
        # one statement and one value, instead of one for each row and cell
        content = json.dumps(records, ensure_ascii=False)
        connection.exec_driver_sql(_insert_json(table, dialect), (content,))
    elif dialect.name in ("mysql", "mariadb"):
        # PyMySQL misreads a % in the names that would follow ON DUPLICATE KEY
        insert = str(table.insert().compile(dialect=dialect))
        connection.exec_driver_sql(insert.replace("INSERT", "REPLACE", 1), list(map(dict, records)))
    else:
        connection.execute(table.insert().prefix_with("OR REPLACE"), list(records))


def _insert_json(table: Table, dialect: Dialect) -> str:
    """INSERT for PostgreSQL that takes the rows as an array of JSON objects."""
    quote = dialect.identifier_preparer
    fields = [f"{quote.quote(column.key)} {_plain_type(column)}" for column in table.columns]
    names = [quote.quote(column.name) for column in table.columns]
    keys = [quote.quote(column.name) for column in table.primary_key.columns]
    changed = [f"{name} = excluded.{name}" for name in names if name not in keys]
    return (
        f"INSERT INTO {quote.format_table(table)} ({', '.join(names)}) "
        f"SELECT * FROM json_to_recordset(%s) AS given ({', '.join(fields)}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changed)}"
    )


def _plain_type(column: Column[Any]) -> str:
    if isinstance(column.type, Double):
        return "double precision"
    return "integer" if isinstance(column.type, Integer) else "text"
