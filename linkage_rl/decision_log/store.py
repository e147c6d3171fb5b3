"""Opens a decision log in a database, and reads and writes its rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import URL, Engine

from linkage_rl.decision_log.rows import (
    EVERYTHING,
    Answer,
    DecisionRows,
    Selection,
    Verdict,
)
from linkage_rl.decision_log.schema import DECISIONS, METADATA, VERDICTS
from linkage_rl.errors import ConfigError
from linkage_rl.tables.credentials import is_url, parse_url, shown
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.engine import database_errors, open_engine, sqlite_path

PAGE: Final = 2_000
"""Decisions that are read or written together."""
_IDS: Final = 500
"""Ids of one statement."""
_COLUMNS: Final = [DECISIONS.c[one.name] for one in fields(DecisionRows)]


class DecisionLog:
    """A decision log; a context manager that closes its connections."""

    def __init__(self, engine: Engine, url: URL) -> None:
        """Use `open`."""
        self.engine, self.url = engine, url

    @classmethod
    def open(cls, place: str | URL, create: bool = True) -> Self:
        """Open a log.

        Args:
            place: Database URL or path of an SQLite file.
            create: Whether tables, and the file of SQLite, are created where they are missing.

        Raises:
            ConfigError: There is no place given.
            DatabaseError: The database cannot be opened, or has no log and none may be created.
        """
        if not place:
            raise ConfigError("expected log=, the URL or the file of a decision log, got nothing")
        if isinstance(place, str):
            place = parse_url(place) if is_url(place) else URL.create("sqlite", database=place)
        url = place
        path = sqlite_path(url)
        if create and path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        engine = open_engine(url, read_only=False)
        log = cls(engine, url)
        with database_errors(url, "open the decision log"), engine.begin() as connection:
            if create:
                METADATA.create_all(connection, checkfirst=True)
            else:
                connection.execute(select(func.count()).select_from(DECISIONS)).scalar()
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def __str__(self) -> str:
        return shown(self.url)

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """A transaction whose faults are said as what was attempted."""
        with database_errors(self.url, doing), self.engine.begin() as connection:
            yield connection

    def append(self, rows: DecisionRows) -> None:
        """Write decisions; those that the log has already stay as they are."""
        statement = insert_missing(self.engine.dialect.name)
        values = rows.rows()
        for begin in range(0, len(values), PAGE):
            with self.transaction("log decisions") as connection:
                connection.execute(statement, values[begin : begin + PAGE])

    def decisions(self, selection: Selection = EVERYTHING) -> Iterator[DecisionRows]:
        """The selected decisions in the order of their ids, page after page."""
        after = ""
        while True:
            statement = (
                select(*_COLUMNS)
                .where(DECISIONS.c.decision_id > after, *conditions(selection))
                .order_by(DECISIONS.c.decision_id)
                .limit(PAGE)
            )
            with self.transaction("read decisions") as connection:
                found = connection.execute(statement).all()
            if found:
                page = DecisionRows.of([tuple(row) for row in found])
                after = page.decision_id[-1]
                yield page
            if len(found) < PAGE:
                return

    def find(self, decision_ids: Sequence[str]) -> DecisionRows:
        """The decisions of these ids, in their order; those that the log lacks are left out."""
        found: dict[str, tuple[Any, ...]] = {}
        with self.transaction("read decisions") as connection:
            for begin in range(0, len(decision_ids), _IDS):
                wanted = DECISIONS.c.decision_id.in_(decision_ids[begin : begin + _IDS])
                for row in connection.execute(select(*_COLUMNS).where(wanted)):
                    found[row.decision_id] = tuple(row)
        return DecisionRows.of([found[one] for one in decision_ids if one in found])

    def count(self, selection: Selection = EVERYTHING) -> int:
        """Number of selected decisions."""
        statement = select(func.count()).select_from(DECISIONS).where(*conditions(selection))
        with self.transaction("count decisions") as connection:
            return int(connection.execute(statement).scalar_one())

    def add_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Write verdicts, all of them or none."""
        with self.transaction("log verdicts") as connection:
            add_verdicts(connection, verdicts)

    def verdicts(self, selection: Selection = EVERYTHING) -> list[Verdict]:
        """Every verdict on the selected decisions, in the order of writing."""
        columns = [VERDICTS.c[one.name] for one in fields(Verdict)]
        statement = (
            select(*columns)
            .join(DECISIONS, DECISIONS.c.decision_id == VERDICTS.c.decision_id)
            .where(*conditions(replace(selection, judged=False)))
            .order_by(VERDICTS.c.verdict_id)
        )
        with self.transaction("read verdicts") as connection:
            return [Verdict(**row) for row in connection.execute(statement).mappings()]

    def latest(self, selection: Selection = EVERYTHING) -> dict[str, Verdict]:
        """The verdict that counts for each judged decision."""
        return latest(self.verdicts(selection))


def latest(verdicts: Sequence[Verdict]) -> dict[str, Verdict]:
    """The verdict that counts for each decision: the last that its reviewer has not taken back.

    Args:
        verdicts: In the order of writing.
    """
    by_decision: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        mine = by_decision.setdefault(verdict.decision_id, {})
        mine.pop(verdict.reviewer, None)
        if verdict.answer is not Answer.WITHDRAWN:
            mine[verdict.reviewer] = verdict
    return {one: list(mine.values())[-1] for one, mine in by_decision.items() if mine}


def add_verdicts(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    """Write verdicts within a transaction."""
    now = stamp()
    rows = [
        {
            "decision_id": one.decision_id,
            "answer": str(one.answer),
            "company_id": one.company_id,
            "reviewer": one.reviewer,
            "given_at": one.given_at or now,
            "why_asked": one.why_asked,
            "chance": one.chance,
            "question_id": one.question_id,
        }
        for one in verdicts
    ]
    if rows:
        connection.execute(insert(VERDICTS), rows)


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """The WHERE of a selection of decisions."""
    column = DECISIONS.c
    found: list[ColumnElement[bool]] = [
        column[name] == getattr(selection, name)
        for name in ("customer", "list_id", "client_id", "action", "bundle", "features")
        if getattr(selection, name)
    ]
    if selection.since:
        found.append(column.decided_at >= selection.since)
    if selection.until:
        found.append(column.decided_at < selection.until)
    if selection.judged:
        found.append(exists().where(VERDICTS.c.decision_id == column.decision_id))
    return found


def insert_missing(dialect: str) -> Any:
    """INSERT of decisions that leaves rows of known ids as they are."""
    if dialect == "postgresql":
        return postgresql.insert(DECISIONS).on_conflict_do_nothing()
    if dialect in ("mysql", "mariadb"):
        # IGNORE would cut texts that are too long
        known = mysql.insert(DECISIONS)
        return known.on_duplicate_key_update(decision_id=known.inserted.decision_id)
    return sqlite.insert(DECISIONS).on_conflict_do_nothing()
