"""Writes many companies at once: upserts that touch changed rows only."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from linkage_rl.records import CompanyRows
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.schema import COMPANY_COLUMNS

STAGING: Final = "linkage_rl_staging"

COPY_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
"""PostgreSQL's COPY text format; the backslash comes first, or it would escape the others."""


def upsert(connection: Connection, table: Table, rows: CompanyRows, watermark: str) -> None:
    """Insert or replace these companies; of rows with one id the last wins.

    Rows that are in the table as they come are left alone, and so is their stamp. A row whose own
    stamp is not after the watermark is stamped with the present, or no refresh would find it.
    """
    columns = _columns(rows, watermark)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns)
    else:
        marks = ", ".join("?" * len(COMPANY_COLUMNS))
        connection.exec_driver_sql(
            _merge(connection, table, f"VALUES ({marks})"), list(zip(*columns, strict=True))
        )


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
    fields = [records.column(column) for column in COMPANY_COLUMNS[1:-2]]
    return [records.ids, *fields, stamps, closed_at]


def _merge(connection: Connection, table: Table, source: str) -> str:
    """INSERT ... ON CONFLICT, the same in SQLite and PostgreSQL but for 'is distinct from'."""
    name = connection.dialect.identifier_preparer.format_table(table)
    changing = COMPANY_COLUMNS[1:]
    compared = [column for column in changing if column != "updated_at"]
    distinct = "IS NOT" if connection.dialect.name == "sqlite" else "IS DISTINCT FROM"
    guard = "WHERE true " if source.startswith("SELECT") else ""
    return (
        f"INSERT INTO {name} AS old ({', '.join(COMPANY_COLUMNS)}) {source} {guard}"
        f"ON CONFLICT (company_id) DO UPDATE SET "
        f"{', '.join(f'{column} = excluded.{column}' for column in changing)} "
        f"WHERE ({', '.join(f'old.{column}' for column in compared)}) "
        f"{distinct} ({', '.join(f'excluded.{column}' for column in compared)})"
    )


def _copy(connection: Connection, table: Table, columns: Sequence[Sequence[str]]) -> None:
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGING} "
        f"({', '.join(f'{column} text' for column in COMPANY_COLUMNS)}) ON COMMIT DROP"
    )
    lines = "\n".join(map("\t".join, zip(*map(_escaped, columns), strict=True)))
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {STAGING} FROM STDIN") as copy:
        copy.write(lines)
    cursor.close()
    connection.exec_driver_sql(_merge(connection, table, f"SELECT * FROM {STAGING}"))
    connection.exec_driver_sql(f"TRUNCATE {STAGING}")


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    if not any(character in text for text in ("\0".join(texts),) for character in COPY_ESCAPES):
        return texts
    escapes = str.maketrans(COPY_ESCAPES)
    return [text.translate(escapes) for text in texts]
