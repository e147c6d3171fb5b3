"""Which verdict on a decision counts, and how verdicts are written."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, insert, select, update

from linkage_rl.decision_log.question_rows import ANSWERED, OPEN, VERDICT
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.schema import QUESTIONS, VERDICTS
from linkage_rl.decision_log.values import checked_verdicts
from linkage_rl.tables.ddl import stamp

_IDS: Final = 500
"""Decisions of one statement."""


def latest(verdicts: Sequence[Verdict]) -> dict[str, Verdict]:
    """The verdict that counts for each decision: the last that its reviewer has not taken back.

    Args:
        verdicts: In the order of writing.
    """
    by_decision = latest_by_reviewer(verdicts)
    return {one: list(mine.values())[-1] for one, mine in by_decision.items() if mine}


def latest_by_reviewer(verdicts: Sequence[Verdict]) -> dict[str, dict[str, Verdict]]:
    """The last verdict of each reviewer on each decision, but for those taken back.

    Args:
        verdicts: In the order of writing, which is that of the reviewers of a decision, too.
    """
    by_decision: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        mine = by_decision.setdefault(verdict.decision_id, {})
        mine.pop(verdict.reviewer, None)
        if verdict.answer is not Answer.WITHDRAWN:
            mine[verdict.reviewer] = verdict
    return by_decision


def add_verdicts(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    """Write verdicts within a transaction.

    Questions whose only verdict is taken back are open again, in whatever queue they stand: a queue
    would wait for ever for an answer that nobody is asked for.
    """
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
        for one in checked_verdicts(verdicts)
    ]
    if rows:
        connection.execute(insert(VERDICTS), rows)
    withdrawn = {one.decision_id for one in verdicts if one.answer is Answer.WITHDRAWN}
    _open_again(connection, sorted(withdrawn))


def _open_again(connection: Connection, decision_ids: Sequence[str]) -> None:
    """Open the answered questions on those of these decisions that have no verdict any more."""
    for begin in range(0, len(decision_ids), _IDS):
        page = decision_ids[begin : begin + _IDS]
        given = connection.execute(
            select(*VERDICT).where(VERDICTS.c.decision_id.in_(page)).order_by(VERDICTS.c.verdict_id)
        )
        judged = latest([Verdict(*row) for row in given])
        connection.execute(
            update(QUESTIONS)
            .where(
                QUESTIONS.c.decision_id.in_([one for one in page if one not in judged]),
                QUESTIONS.c.answered == ANSWERED,
            )
            .values(answered=OPEN, reviewer="", taken_at="")
        )
