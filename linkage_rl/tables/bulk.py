"""Bulk upsert of companies: touches changed rows only, and keeps former names."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.schema import COMPANY_COLUMNS

STAGING: Final = "linkage_rl_staging"

SEEN: Final = "linkage_rl_seen"
"""Temporary table of the ids that a snapshot has."""

COPY_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
"""PostgreSQL's COPY text format; the backslash comes first, or it would escape the others."""


LISTED: Final = {
    "sqlite": """json_each('[' || replace(json_quote({names}), '|', '","') || ']')""",
    "postgresql": "unnest(string_to_array({names}, '|')) WITH ORDINALITY AS listed(value, key)",
}
"""SQL that turns names joined by '|' into rows of a `value` and its place, the `key`."""

JOINED: Final = {"sqlite": "group_concat", "postgresql": "string_agg"}


def upsert(connection: Connection, table: Table, rows: CompanyRows, watermark: str) -> None:
    """Insert or update these companies; of several rows with the same id the last one counts.

    Rows equal to those in the table are not touched, and keep their `updated_at`. Where a row's own
    time of change is not after the watermark, the present time is written, so that times of change
    only grow. A row whose name changes keeps the old name among its former names.
    """
    if len(rows.records) == 0:
        return
    columns = _columns(rows, watermark)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns)
    else:
        marks = ", ".join("?" * len(COMPANY_COLUMNS))
        connection.exec_driver_sql(
            _merge(connection, table, f"VALUES ({marks})"), list(zip(*columns, strict=True))
        )


def begin_snapshot(connection: Connection) -> None:
    """Prepare for `note_seen`, within the transaction that ends with `remove_unseen`."""
    if connection.dialect.name == "postgresql":
        columns, ending = '(company_id text COLLATE "C")', " ON COMMIT DROP"
    else:
        columns, ending = "(company_id text PRIMARY KEY)", " WITHOUT ROWID"
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {SEEN}")
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {SEEN} {columns}{ending}")


def note_seen(connection: Connection, company_ids: Sequence[str]) -> None:
    """Remember that the snapshot has these companies; an id may come again."""
    if connection.dialect.name == "postgresql":
        _copy_lines(connection, SEEN, _escaped(company_ids))
    elif company_ids:
        connection.exec_driver_sql(
            f"INSERT OR IGNORE INTO {SEEN} VALUES (?)", [(one,) for one in company_ids]
        )


def count(connection: Connection, table: Table) -> int:
    """Companies of the table."""
    return _count(connection, table, "")


def count_unseen(connection: Connection, table: Table) -> int:
    """Companies of the table that the snapshot lacks."""
    return _count(connection, table, _unseen())


def _count(connection: Connection, table: Table, where: str) -> int:
    name = connection.dialect.identifier_preparer.format_table(table)
    counted = connection.exec_driver_sql(f"SELECT count(*) FROM {name} AS own{where}")
    return int(counted.scalar_one())


def remove_unseen(connection: Connection, table: Table) -> None:
    """Delete the companies that the snapshot lacks."""
    name = connection.dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(f"DELETE FROM {name} AS own{_unseen()}")
    connection.exec_driver_sql(f"DROP TABLE {SEEN}")


def _unseen() -> str:
    seen = f"SELECT 1 FROM {SEEN} AS seen WHERE seen.company_id = own.company_id"
    return f" WHERE NOT EXISTS ({seen})"


def _columns(rows: CompanyRows, watermark: str) -> list[Sequence[str]]:
    """Every column of the table, in its order, without repeated ids."""
    records, ids = rows.records, rows.records.ids
    updated_at, closed_at = rows.updated_at, rows.closed_at
    last = {company_id: row for row, company_id in enumerate(ids)}
    if len(last) < len(ids):
        kept = sorted(last.values())
        records = records.take(kept)
        updated_at = [updated_at[row] for row in kept]
        closed_at = [closed_at[row] for row in kept]
    now = max(stamp(), watermark)
    stamps = [text if text > watermark else now for text in updated_at]
    fields = {column: records.column(column) for column in COMPANY_COLUMNS[1:-2]}
    fields["former_names"] = _former_names(records)
    return [records.ids, *fields.values(), stamps, closed_at]


def _former_names(records: RecordBatch) -> list[str]:
    """Former names as the table holds them: each once, without the present name."""
    return [
        "|".join(part for part in dict.fromkeys(former.split("|")) if part not in ("", name))
        for former, name in zip(records.column("former_names"), records.column("name"), strict=True)
    ]


def _merge(connection: Connection, table: Table, source: str) -> str:
    """INSERT ... ON CONFLICT, the same in SQLite and PostgreSQL but for 'is distinct from'."""
    dialect = connection.dialect.name
    name = connection.dialect.identifier_preparer.format_table(table)
    former = _merged_former_names(dialect)
    changing = {column: f"excluded.{column}" for column in COMPANY_COLUMNS[1:]}
    changing["former_names"] = former
    compared = [column for column in changing if column not in ("updated_at", "former_names")]
    distinct = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    guard = "WHERE true " if source.startswith("SELECT") else ""
    return (
        f"INSERT INTO {name} AS old ({', '.join(COMPANY_COLUMNS)}) {source} {guard}"
        f"ON CONFLICT (company_id) DO UPDATE SET "
        f"{', '.join(f'{column} = {value}' for column, value in changing.items())} "
        f"WHERE ({', '.join(f'old.{column}' for column in compared)}) "
        f"{distinct} ({', '.join(f'excluded.{column}' for column in compared)}) "
        # rarely given, so the lists are rarely merged for this comparison
        f"OR excluded.former_names NOT IN ('', old.former_names) AND old.former_names <> {former}"
    )


def _merged_former_names(dialect: str) -> str:
    """SQL of the former names: those in the table, those given, and the old name; each once.

    The present name is left out. A '|' inside a name becomes full-width, which folds to the same.
    """
    old, present = (f"replace({row}.name, '|', '｜')" for row in ("old", "excluded"))
    names = f"old.former_names || '|' || excluded.former_names || '|' || {old}"
    return (
        f"coalesce((SELECT {JOINED[dialect]}(value, '|') FROM (SELECT value "
        f"FROM {LISTED[dialect].format(names=names)} WHERE value NOT IN ('', {present}) "
        "GROUP BY value ORDER BY min(key)) AS former), '')"
    )


def _copy(connection: Connection, table: Table, columns: Sequence[Sequence[str]]) -> None:
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGING} "
        f"({', '.join(f'{column} text' for column in COMPANY_COLUMNS)}) ON COMMIT DROP"
    )
    _copy_lines(
        connection, STAGING, list(map("\t".join, zip(*map(_escaped, columns), strict=True)))
    )
    connection.exec_driver_sql(_merge(connection, table, f"SELECT * FROM {STAGING}"))
    connection.exec_driver_sql(f"TRUNCATE {STAGING}")


def _copy_lines(connection: Connection, name: str, lines: Sequence[str]) -> None:
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {name} FROM STDIN") as copy:
        copy.write("\n".join(lines))
    cursor.close()


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    if not any(character in text for text in ("\0".join(texts),) for character in COPY_ESCAPES):
        return texts
    escapes = str.maketrans(COPY_ESCAPES)
    return [text.translate(escapes) for text in texts]
