"""Opens a decision log in a database, and reads and writes its rows."""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Final, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, exists, func, select
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError

from linkage_rl.decision_log.inserting import insert_decisions
from linkage_rl.decision_log.notes import (
    Notes,
    check_choices,
    facts,
    refuse_other_privacy,
    set_retention,
)
from linkage_rl.decision_log.opening import (
    begin_reading,
    begin_writing,
    create,
    find_notes,
    make_file,
    place_of,
)
from linkage_rl.decision_log.privacy import Privacy, storable
from linkage_rl.decision_log.rows import (
    EVERYTHING,
    DecisionRows,
    Selection,
    Verdict,
)
from linkage_rl.decision_log.schema import DECISIONS, VERDICTS
from linkage_rl.decision_log.values import checked_rows
from linkage_rl.decision_log.verdicts import add_verdicts, latest
from linkage_rl.errors import ConfigError, DatabaseError, SchemaError
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.engine import COMMAND_LIMITS, Limits, database_errors, open_engine
from linkage_rl.tables.retry import is_conflict

__all__ = ["COLUMNS", "IDS", "PAGE", "DecisionLog", "add_verdicts", "conditions", "latest"]

PAGE: Final = 2_000
"""Decisions that are read or written together."""
IDS: Final = 500
"""Ids of one statement."""
COLUMNS: Final = [DECISIONS.c[one.name] for one in fields(DecisionRows)]
"""Columns of a decision, in the order of `DecisionRows`."""
_OF_VERDICTS: Final = [VERDICTS.c[one.name] for one in fields(Verdict)]
_TRIES: Final = 8
_ID: Final = re.compile(r"[!-~]{1,32}")

Result = TypeVar("Result")


class DecisionLog:
    """A decision log; a context manager that closes its connections."""

    def __init__(self, engine: Engine, url: URL, notes: Notes, read_only: bool) -> None:
        """Use `open`."""
        self.engine, self.url = engine, url
        self._read_only = read_only
        self.privacy: Privacy = notes.privacy
        """What the log keeps of clients."""
        self.retention_days: int = notes.retention_days
        """Days after which decisions are deleted, 0 for never; see `forgetting`."""

    @classmethod
    def open(
        cls,
        place: str | URL,
        create: bool = True,
        *,
        read_only: bool = False,
        privacy: str = "",
        retention_days: int | None = None,
        limits: Limits = COMMAND_LIMITS,
    ) -> Self:
        """Open a log.

        Args:
            place: Database URL or path of an SQLite file. A URL without a password takes that of
                the company database, see `opening.place_of`.
            create: Whether tables, and the file of SQLite, are created where they are missing.
            read_only: Whether nothing can be written, and nothing is created.
            privacy: 'full' or 'hashes' for a log that is created now; one that exists must have
                been created with it. '' takes what the log has, and 'full' for a new one.
            retention_days: Days after which decisions are deleted, 0 for never; changes that of a
                log that exists. None takes what the log has, and 0 for a new one.
            limits: How much it may use of the database.

        Raises:
            ConfigError: There is no place given, a choice is not possible, the log was created with
                another one, or `LINKAGE_LOG_KEY` is not its secret.
            DatabaseError: The database cannot be opened, or has no log and none may be created.
            OutputError: The file of SQLite cannot be made.
            SchemaError: The log was written by a later version of linkage_rl.
        """
        if not place:
            raise ConfigError("expected log=, the URL or the file of a decision log, got nothing")
        check_choices(privacy, retention_days)
        url = place_of(place)
        create = create and not read_only
        if create:
            make_file(url)
        engine = open_engine(url, read_only=read_only, limits=limits)
        try:
            notes = _opened(engine, url, create, privacy, retention_days or 0)
            refuse_other_privacy(notes.privacy, privacy, shown(url))
            log = cls(engine, url, notes, read_only)
            if retention_days is not None and not read_only:
                log.keep_for(retention_days)
        except BaseException:
            engine.dispose()
            raise
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
        """A transaction that writes, whose faults are said as what was attempted.

        SQLite lets one such transaction in at a time; others wait for it.
        """
        self._refuse_writing(doing)
        with database_errors(self.url, doing), self.engine.begin() as connection:
            begin_writing(connection)
            yield connection

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """A connection that only reads, whose faults are said as what was attempted.

        All of its statements see one state of the log.
        """
        with database_errors(self.url, doing), self.engine.connect() as connection:
            begin_reading(connection)
            yield connection

    def write(self, doing: str, task: Callable[[Connection], Result]) -> Result:
        """The result of a task in a transaction of its own.

        It runs again where the database rolled it back in favour of another writer.
        """
        self._refuse_writing(doing)
        with database_errors(self.url, doing):
            for tries in range(_TRIES):
                try:
                    with self.engine.begin() as connection:
                        begin_writing(connection)
                        return task(connection)
                except DBAPIError as error:
                    if tries == _TRIES - 1 or not is_conflict(error):
                        raise
                    time.sleep(random.uniform(0, 0.02 * 2**tries))
        raise AssertionError("the last try returns or raises")

    def keep_for(self, days: int) -> None:
        """Change after how many days decisions are deleted, 0 for never."""
        if days != self.retention_days:
            self.write("change the retention", lambda connection: set_retention(connection, days))
            self.retention_days = days

    def _refuse_writing(self, doing: str) -> None:
        if self._read_only:
            raise DatabaseError(
                f"cannot {doing} in {self}: the log was opened for reading only; open it for "
                "writing"
            )

    def append(self, rows: DecisionRows) -> None:
        """Write decisions; those that the log has already stay as they are.

        Raises:
            SchemaError: A text is too long for its column, or a number lies outside its range.
            DatabaseError: The database refused them; pages written before stay written.
        """
        # writers that take their locks in one order do not wait for each other in a circle
        values = sorted(
            self.privacy.applied(checked_rows(rows)).rows(), key=itemgetter("decision_id")
        )
        for begin in range(0, len(values), PAGE):
            page = values[begin : begin + PAGE]
            self.write("log decisions", partial(insert_decisions, page=page))

    def decisions(self, selection: Selection = EVERYTHING) -> Iterator[DecisionRows]:
        """The selected decisions in the order of their ids, page after page."""
        after = ""
        while True:
            statement = (
                select(*COLUMNS)
                .where(DECISIONS.c.decision_id > after, *self.where(selection))
                .order_by(DECISIONS.c.decision_id)
                .limit(PAGE)
            )
            with self.reading("read decisions") as connection:
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
        decision_ids = [one for one in decision_ids if _ID.fullmatch(one)]
        with self.reading("read decisions") as connection:
            for begin in range(0, len(decision_ids), IDS):
                wanted = DECISIONS.c.decision_id.in_(decision_ids[begin : begin + IDS])
                for row in connection.execute(select(*COLUMNS).where(wanted)):
                    found[row.decision_id] = tuple(row)
        return DecisionRows.of([found[one] for one in decision_ids if one in found])

    def known(self, decision_ids: Sequence[str]) -> set[str]:
        """Those of these ids of which the log has a decision."""
        found: set[str] = set()
        decision_ids = [one for one in decision_ids if _ID.fullmatch(one)]
        with self.reading("read decisions") as connection:
            for begin in range(0, len(decision_ids), IDS):
                wanted = DECISIONS.c.decision_id.in_(decision_ids[begin : begin + IDS])
                found.update(
                    connection.execute(select(DECISIONS.c.decision_id).where(wanted)).scalars()
                )
        return found

    def count(self, selection: Selection = EVERYTHING) -> int:
        """Number of selected decisions."""
        statement = select(func.count()).select_from(DECISIONS).where(*self.where(selection))
        with self.reading("count decisions") as connection:
            return int(connection.execute(statement).scalar_one())

    def add_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        """Write verdicts, all of them or none.

        Raises:
            SchemaError: A text is too long for its column, or the log has no such decision.
        """
        self.write("log verdicts", partial(_add_verdicts, verdicts))

    def verdicts(self, selection: Selection = EVERYTHING) -> list[Verdict]:
        """Every verdict on the selected decisions, in the order of writing."""
        statement = (
            select(*_OF_VERDICTS)
            .join(DECISIONS, DECISIONS.c.decision_id == VERDICTS.c.decision_id)
            .where(*self.where(replace(selection, judged=False)))
            .order_by(VERDICTS.c.verdict_id)
        )
        with self.reading("read verdicts") as connection:
            return [Verdict(**row) for row in connection.execute(statement).mappings()]

    def verdicts_on(self, decision_ids: Sequence[str]) -> list[Verdict]:
        """Every verdict on the decisions of these ids, in the order of writing."""
        found: list[Verdict] = []
        with self.reading("read verdicts") as connection:
            for begin in range(0, len(decision_ids), IDS):
                wanted = VERDICTS.c.decision_id.in_(decision_ids[begin : begin + IDS])
                rows = connection.execute(select(*_OF_VERDICTS).where(wanted)).mappings()
                found += [Verdict(**row) for row in rows]
        return sorted(found, key=attrgetter("verdict_id"))

    def last_verdict_id(self) -> int:
        """The id of the verdict that was written last, 0 without one."""
        statement = select(func.max(VERDICTS.c.verdict_id))
        with self.reading("read verdicts") as connection:
            return int(connection.execute(statement).scalar() or 0)

    def where(self, selection: Selection) -> list[ColumnElement[bool]]:
        """The WHERE of a selection of decisions of this log, whose client ids may be hashes."""
        texts = {one.name: getattr(selection, one.name) for one in fields(selection)}
        odd: dict[str, Any] = {
            name: storable(text) for name, text in texts.items() if isinstance(text, str)
        }
        selection = replace(selection, **odd)
        client_id = self.privacy.stored_id(selection.client_id)
        found = conditions(replace(selection, client_id=client_id))
        if self.engine.dialect.name in ("mysql", "mariadb"):
            # 'a' equals 'a ' there, in every collation that both databases have
            found += [
                func.char_length(DECISIONS.c[name]) == len(text)
                for name, text in (
                    ("customer", selection.customer),
                    ("list_id", selection.list_id),
                    ("client_id", client_id),
                )
                if text
            ]
        return found

    def latest(self, selection: Selection = EVERYTHING) -> dict[str, Verdict]:
        """The verdict that counts for each judged decision."""
        return latest(self.verdicts(selection))


def _add_verdicts(verdicts: Sequence[Verdict], connection: Connection) -> None:
    """Write verdicts on decisions that are there, and that nobody deletes meanwhile."""
    ids = sorted({one.decision_id for one in verdicts})
    for begin in range(0, len(ids), IDS):
        page = ids[begin : begin + IDS]
        known = select(DECISIONS.c.decision_id).where(DECISIONS.c.decision_id.in_(page))
        lacking = set(page).difference(
            connection.execute(known.with_for_update(read=True)).scalars()
        )
        if lacking:
            raise SchemaError(
                f"expected verdicts on decisions of the log, got {len(lacking):,} on others, such "
                f"as {min(lacking)[:40]!r}; they may have been forgotten"
            )
    add_verdicts(connection, verdicts)


def _opened(engine: Engine, url: URL, may_create: bool, privacy: str, days: int) -> Notes:
    notes = find_notes(engine, url)
    if "format" not in notes and may_create:
        notes = create(engine, url, privacy, days)
    if "format" not in notes:
        raise DatabaseError(
            f"expected a decision log in {shown(url)}, found none; check log=, or write one with "
            "link log=URL"
        )
    return facts(notes, shown(url))


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """The WHERE of a selection of decisions, its client id as the log holds it."""
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
