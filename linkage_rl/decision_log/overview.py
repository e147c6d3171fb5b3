"""Counts what is in a log."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from linkage_rl.decision_log.schema import DECISIONS, VERDICTS
from linkage_rl.decision_log.store import DecisionLog


@dataclass(frozen=True)
class Overview:
    """Numbers of rows of a log."""

    actions: Mapping[str, int]
    """'link', 'no_match' and 'review' to decisions."""
    sources: Mapping[str, int]
    """'link', 'serve' and 'import' to decisions."""
    customers: Mapping[str, int]
    """Customer to decisions."""
    features: Mapping[str, int]
    """Version of the features to decisions that have evidence of it; what can be learned from."""
    first: str
    """`decided_at` of the oldest decision, '' where there is none."""
    last: str
    answers: Mapping[str, int]
    """Answer to verdicts, withdrawn ones and those that count no more included."""
    judged: int
    """Decisions with a verdict."""

    @property
    def decisions(self) -> int:
        """Decisions in all."""
        return sum(self.actions.values())

    @property
    def verdicts(self) -> int:
        """Verdicts in all."""
        return sum(self.answers.values())


def overview(log: DecisionLog) -> Overview:
    """Count the rows of a log; one statement per count, each reads a whole table."""
    with log.reading("count the rows of the decision log") as connection:
        times = select(func.min(DECISIONS.c.decided_at), func.max(DECISIONS.c.decided_at))
        first, last = connection.execute(times).one()
        judged = select(func.count(VERDICTS.c.decision_id.distinct()))
        return Overview(
            actions=_grouped(connection, DECISIONS.c.action),
            sources=_grouped(connection, DECISIONS.c.source),
            customers=_grouped(connection, DECISIONS.c.customer),
            features=_grouped(connection, DECISIONS.c.features),
            first=first or "",
            last=last or "",
            answers=_grouped(connection, VERDICTS.c.answer),
            judged=connection.execute(judged).scalar_one(),
        )


def _grouped(connection: Connection, column: Column[str]) -> dict[str, int]:
    """Value of a column to the number of rows that have it."""
    statement = select(column, func.count()).group_by(column).order_by(column)
    return {str(row[0]): int(row[1]) for row in connection.execute(statement)}
