"""`python -m experiments.cost live_database`: what a database sees of one command.

    python -m experiments.cost live_database --watch postgresql://admin@host/crm \
        companies database=postgresql://reader@pooler/crm table.mapping.table=firms

A second connection looks fifty times a second at what the database does. It counts the statements
of every client, so nobody else may use the database.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

from experiments.tools.processes import own_memory_mb
from linkage_rl.tables.credentials import parse_url, shown

PAUSE_S: Final = 0.02

COUNT: Final = {
    "postgresql": (
        "SELECT xact_commit + xact_rollback FROM pg_stat_database "
        "WHERE datname = current_database()"
    ),
    "mysql": (
        "SELECT variable_value FROM information_schema.global_status "
        "WHERE variable_name = 'QUESTIONS'"
    ),
}
"""SQL of the transactions so far, each of one statement, or of the statements so far."""

LONGEST: Final = {
    "postgresql": (
        "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) "
        "FILTER (WHERE state = 'active'), 0), "
        "coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0), "
        "coalesce(sum((state LIKE 'idle in%')::int), 0) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    ),
    "mysql": (
        "SELECT coalesce((SELECT max(time_ms) / 1000 FROM information_schema.processlist "
        "WHERE command = 'Query' AND id <> connection_id()), 0), "
        "coalesce((SELECT max(timestampdiff(microsecond, trx_started, now(6))) / 1e6 "
        "FROM information_schema.innodb_trx), 0), 0"
    ),
}
"""SQL of the oldest running statement and transaction in seconds, and of the idle transactions."""


@dataclass
class Seen:
    """What was seen while the command ran."""

    seconds: float = 0.0
    statements: int = 0
    longest_statement_s: float = 0.0
    longest_transaction_s: float = 0.0
    idle_transactions: int = 0
    """Times that a transaction was found waiting for its client."""
    memory_mb: float = 0.0
    """Largest own memory of one of the command's processes."""

    def table(self) -> str:
        """One line for each figure."""
        rows = {
            "seconds": f"{self.seconds:,.1f}",
            "statements": f"{self.statements:,}",
            "statements per second": f"{self.statements / max(self.seconds, 1e-9):,.1f}",
            "longest statement, ms": f"{self.longest_statement_s * 1000:,.0f}",
            "longest transaction, ms": f"{self.longest_transaction_s * 1000:,.0f}",
            "idle in a transaction, times": f"{self.idle_transactions:,}",
            "own memory of a process, MB": f"{self.memory_mb:,.0f}",
        }
        return "\n".join(f"{name:<30}{value:>12}" for name, value in rows.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, print what the database saw, and return the command's exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost live_database",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--watch", required=True, help="URL of the database, past any pooler")
    parser.add_argument("--log", type=Path, default=Path("live_database.log"))
    parser.add_argument("words", nargs="+", help="the command: companies, link ... and its words")
    asked = parser.parse_args(arguments)
    url = parse_url(asked.watch)
    engine = create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True)
    command = [sys.executable, "-m", f"linkage_rl.{asked.words[0]}", *asked.words[1:]]
    with engine.connect() as connection, asked.log.open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        seen = watch(connection, process)
    engine.dispose()
    sys.stdout.write(f"{asked.words[0]} as {shown(url)} saw it\n{seen.table()}\n")
    return process.returncode


def watch(connection: Connection, process: "subprocess.Popen[bytes]") -> Seen:
    """What the database does until the process ends."""
    kind = "postgresql" if connection.dialect.name == "postgresql" else "mysql"
    seen, looks, begin = Seen(), 0, time.perf_counter()
    before = int(connection.execute(text(COUNT[kind])).scalar_one())
    while process.poll() is None:
        statement, transaction, idle = connection.execute(text(LONGEST[kind])).one()
        looks += 1
        seen.longest_statement_s = max(seen.longest_statement_s, float(statement))
        seen.longest_transaction_s = max(seen.longest_transaction_s, float(transaction))
        seen.idle_transactions += int(idle)
        seen.memory_mb = max([seen.memory_mb, *own_memory_mb(process.pid)])
        time.sleep(PAUSE_S)
    seen.seconds = time.perf_counter() - begin
    # PostgreSQL counts a session's last transactions a second late
    time.sleep(1.5)
    after = int(connection.execute(text(COUNT[kind])).scalar_one())
    seen.statements = max(0, after - before - looks - 1)
    return seen
