"""Decisions of a log page by page, as people look through them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from linkage_rl.decision_log.rows import DecisionRows, Selection
from linkage_rl.decision_log.schema import DECISIONS
from linkage_rl.decision_log.store import COLUMNS, DecisionLog
from linkage_rl.reviewing.cards import LoggedDecision

ROWS: Final = 50
"""Decisions of one page."""


@dataclass(frozen=True)
class Filter:
    """Which decisions are shown; '' does not restrict."""

    list: str = ""
    customer: str = ""
    client: str = ""
    text: str = ""
    """Contained in the client's fields, as they are written."""
    action: str = ""

    @property
    def selection(self) -> Selection:
        """The same for the log, but for the text."""
        return Selection(
            customer=self.customer, list_id=self.list, client_id=self.client, action=self.action
        )


def browse(log: DecisionLog, chosen: Filter, after: str) -> list[LoggedDecision]:
    """Up to `ROWS` decisions that follow the decision `after`, in the order of their ids."""
    where = log.where(chosen.selection)
    if after:
        where.append(DECISIONS.c.decision_id > after)
    if chosen.text:
        where.append(DECISIONS.c.client.contains(chosen.text, autoescape=True))
    statement = select(*COLUMNS).where(*where).order_by(DECISIONS.c.decision_id).limit(ROWS)
    with log.reading("read decisions") as connection:
        rows = DecisionRows.of([tuple(row) for row in connection.execute(statement)])
    return [LoggedDecision.of(rows, place) for place in range(len(rows))]


def find(log: DecisionLog, decision_id: str) -> LoggedDecision | None:
    """One decision; None where the log lacks it."""
    rows = log.find([decision_id])
    return LoggedDecision.of(rows) if len(rows) else None
