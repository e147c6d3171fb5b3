"""The canonical company table: text columns, and times of change that a trigger writes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, MetaData, Table, Text, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.schema import CreateColumn

from linkage_rl.tables.schema import COMPANY_COLUMNS

STAMP_SQL: Final = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    "postgresql": (
        "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    ),
}
"""The present time in UTC to the millisecond, as `stamp` writes it; such times sort as texts."""

LATER_COLUMNS: Final = ("former_names", "trade_names")
"""Columns that tables created by older versions lack."""


def stamp() -> str:
    """The present time as ISO 8601 in UTC to the millisecond: '2025-12-31T23:59:59.999Z'."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def split_name(table: str) -> tuple[str | None, str]:
    """Schema and name of a table given as 'name' or 'schema.name'."""
    schema, _, name = table.rpartition(".")
    return schema or None, name


def company_table(table: str, dialect: str) -> Table:
    """The canonical company table: text everywhere, '' for missing, keyed by company_id.

    Args:
        table: Its name, or 'schema.name'.
        dialect: 'sqlite' or 'postgresql'.
    """
    schema, name = split_name(table)
    # byte order sorts times and ids the same way in both databases, whatever the locale
    kind = Text(collation="C") if dialect == "postgresql" else Text()
    now = STAMP_SQL[dialect].replace(":", r"\:")
    columns = [
        Column(
            column,
            kind,
            primary_key=column == "company_id",
            nullable=False,
            index=column == "updated_at",
            server_default=text(f"({now})" if column == "updated_at" else "''"),
        )
        for column in COMPANY_COLUMNS
    ]
    return Table(name, MetaData(schema=schema), *columns, sqlite_with_rowid=False)


def create(connection: Connection, table: Table) -> None:
    """Create the table if it is missing, and a trigger that sets `updated_at` on plain updates."""
    table.create(connection, checkfirst=True)
    for statement in _trigger(connection.dialect, table):
        connection.exec_driver_sql(statement)


def add_columns(connection: Connection, table: Table, columns: Sequence[str]) -> None:
    """Add these columns to a table that an older version created."""
    name = connection.dialect.identifier_preparer.format_table(table)
    for column in columns:
        definition = CreateColumn(table.columns[column]).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {definition}")


def _trigger(dialect: Dialect, table: Table) -> Sequence[str]:
    """Statements that set `updated_at` of a changed row unless the update sets it itself."""
    quote = dialect.identifier_preparer
    name = quote.format_table(table)
    trigger = quote.quote(f"{table.name}_stamp")
    if dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {trigger} AFTER UPDATE ON {name} "
            "WHEN NEW.updated_at IS OLD.updated_at BEGIN "
            f"UPDATE {name} SET updated_at = {STAMP_SQL['sqlite']} "
            "WHERE company_id = NEW.company_id; END"
        ]
    function = f"{quote.quote(table.schema)}.{trigger}" if table.schema else trigger
    return [
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN NEW.updated_at = {STAMP_SQL['postgresql']}; RETURN NEW; END $$",
        f"CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE ON {name} FOR EACH ROW "
        "WHEN (NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at) "
        f"EXECUTE FUNCTION {function}()",
    ]
