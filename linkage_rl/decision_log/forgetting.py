"""Deletes decisions for good, with what people said of them and what they were asked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, select

from linkage_rl.decision_log.queue_settings import forget_in_queues, queues_asking
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.schema import DECISIONS, QUESTIONS, VERDICTS
from linkage_rl.decision_log.store import IDS, DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.tables.engine import database_errors

MAX_DAYS: Final = 36_500
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Forgotten:
    """How many rows were deleted."""

    decisions: int = 0
    verdicts: int = 0
    questions: int = 0

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(
            self.decisions + other.decisions,
            self.verdicts + other.verdicts,
            self.questions + other.questions,
        )


def forget(log: DecisionLog, selection: Selection) -> Forgotten:
    """Delete the selected decisions, their verdicts and the questions about them.

    Queues that have no question left go, too, and others lose what they hold of the decisions.

    Pages of them are deleted one after the other, each as a whole, so that a server goes on writing
    meanwhile. SQLite overwrites what it deletes.

    Args:
        log: The log.
        selection: Which decisions; of a log of hashes, the client id is hashed before it is sought.

    Raises:
        ConfigError: The selection is that of every decision.
        DatabaseError: The database refused it; pages deleted before stay deleted.
    """
    if selection == Selection():
        raise ConfigError(
            "expected a client, a customer, a list or an age to forget, got none; to forget "
            "everything, delete the database"
        )
    wanted = select(DECISIONS.c.decision_id).where(*log.where(selection)).limit(IDS)
    total = Forgotten()
    while True:
        with log.reading("find the decisions to forget") as connection:
            ids = connection.execute(wanted).scalars().all()
        if not ids:
            break
        total += log.write("forget decisions", partial(_delete, ids=ids))
    _empty_journal(log)
    return total


def forget_older(log: DecisionLog, days: int, now: datetime | None = None) -> Forgotten:
    """Delete decisions that were made more than so many days ago, as `forget` does.

    Args:
        log: The log.
        days: At least 1.
        now: The present time, with its zone; None takes the clock's.

    Raises:
        ConfigError: The days are no possible age.
    """
    if not 1 <= days <= MAX_DAYS:
        raise ConfigError(
            f"older_than_days expects a number of days from 1 to {MAX_DAYS:,}, got {days}"
        )
    begin = (now or datetime.now(UTC)) - timedelta(days=days)
    return forget(log, Selection(until=begin.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")))


def forget_ids(log: DecisionLog, decision_ids: Sequence[str]) -> Forgotten:
    """Delete the decisions of these ids, as `forget` does; those that the log lacks are no fault.

    Raises:
        DatabaseError: The database refused it; pages deleted before stay deleted.
    """
    total = Forgotten()
    for begin in range(0, len(decision_ids), IDS):
        page = decision_ids[begin : begin + IDS]
        total += log.write("forget decisions", partial(_delete, ids=page))
    return total


def apply_retention(log: DecisionLog, now: datetime | None = None) -> Forgotten:
    """Delete what is older than the log keeps decisions; nothing where it keeps them for ever."""
    if not log.retention_days:
        return Forgotten()
    forgotten = forget_older(log, log.retention_days, now)
    if forgotten.decisions:
        _log.info("forgot %d decisions older than %d days", forgotten.decisions, log.retention_days)
    return forgotten


def _delete(connection: Connection, ids: Sequence[str]) -> Forgotten:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    asking = queues_asking(connection, ids)
    counts = [
        connection.execute(delete(table).where(table.c.decision_id.in_(ids))).rowcount
        for table in (QUESTIONS, VERDICTS, DECISIONS)
    ]
    forget_in_queues(connection, asking, frozenset(ids))
    questions, verdicts, decisions = counts
    return Forgotten(decisions, verdicts, questions)


def _empty_journal(log: DecisionLog) -> None:
    """Empty the write-ahead log of SQLite, which holds the deleted rows until then."""
    if log.engine.dialect.name == "sqlite":
        with database_errors(log.url, "empty the journal"), log.engine.connect() as connection:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if busy:
            _log.warning(
                "other programs read %s, so its file with the ending -wal may hold what was "
                "forgotten; end them, and run forget again",
                log,
            )
