"""The values of review queues, and the statements that read and write their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.schema import QUESTIONS, QUEUES, VERDICTS

LEASE_S: Final = 600
"""How long a question that a reviewer has taken is kept for them."""
OPEN: Final = 0
"""`answered` of a question that is still to be asked or answered."""
ANSWERED: Final = 1
"""`answered` of a question with an answer."""
REPEAT: Final = 2
"""`answered` of a client that an earlier place of the queue asks about."""

UNFINISHED: Final = ""
"""Kind of a queue whose questions are still being written."""


@dataclass(frozen=True)
class Question:
    """A client that a person is asked about."""

    question_id: int
    queue_id: str
    place: int
    """Position in the queue, from 0 on."""
    decision_id: str
    chance: float
    """Chance with which it was drawn, in (0, 1]."""


@dataclass(frozen=True)
class Queue:
    """A queue, and how far it is answered."""

    queue_id: str
    kind: str
    """'stratified', 'disagreement', 'review' or 'audit'."""
    created_at: str
    settings: dict[str, Any]
    """What it was made from, and what is needed to make something of its answers."""
    questions: int
    """Clients that are asked about, each counted once."""
    answered: int
    """Those of them that have been answered."""


QUESTION: Final = [QUESTIONS.c[one.name] for one in fields(Question)]
"""Columns of a question."""
VERDICT: Final = [VERDICTS.c[one.name] for one in fields(Verdict)]
"""Columns of a verdict."""
_NEWEST: Final = 1_000
"""Verdicts of a reviewer that can be taken back."""


def question_rows(
    queue_id: str, decision_ids: Sequence[str], chances: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """The rows of a new queue, see `Questions.create`."""
    seen: set[str] = set()
    for place, (decision_id, chance) in enumerate(zip(decision_ids, chances, strict=True)):
        yield {
            "queue_id": queue_id,
            "place": place,
            "decision_id": decision_id,
            "chance": float(chance),
            "reviewer": "",
            "taken_at": "",
            "answered": REPEAT if decision_id in seen else OPEN,
        }
        seen.add(decision_id)


def counted(queue_id: str = "") -> Select[Any]:
    """Queues, or this one, with the number of their questions and of the answered ones."""
    asked = case((QUESTIONS.c.answered != REPEAT, 1), else_=0)
    done = case((QUESTIONS.c.answered == ANSWERED, 1), else_=0)
    counts = (
        select(
            QUESTIONS.c.queue_id, func.sum(asked).label("questions"), func.sum(done).label("done")
        )
        .where(*([QUESTIONS.c.queue_id == queue_id] if queue_id else []))
        .group_by(QUESTIONS.c.queue_id)
        .subquery()
    )
    return (
        select(QUEUES, counts.c.questions, counts.c.done)
        .outerjoin(counts, counts.c.queue_id == QUEUES.c.queue_id)
        .where(QUEUES.c.kind != UNFINISHED)
        .where(*([QUEUES.c.queue_id == queue_id] if queue_id else []))
        .order_by(QUEUES.c.created_at, QUEUES.c.queue_id)
    )


def is_free(reviewer: str = "") -> tuple[ColumnElement[bool], ...]:
    """That a question is open and nobody else than this reviewer looks at it."""
    theirs = QUESTIONS.c.reviewer.in_(["", reviewer])
    return (
        QUESTIONS.c.answered == OPEN,
        or_(theirs, QUESTIONS.c.taken_at < ago(LEASE_S)),
    )


def ago(seconds: float) -> str:
    """The time so many seconds ago, as `stamp` writes it."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answers_of(reviewer: str) -> Select[Any]:
    """The reviewer's verdicts on questions that are still there, the newest first."""
    return (
        select(*VERDICT)
        .join(QUESTIONS, QUESTIONS.c.question_id == VERDICTS.c.question_id)
        .where(VERDICTS.c.reviewer == reviewer)
        .order_by(VERDICTS.c.verdict_id.desc())
        .limit(_NEWEST)
    )


def last_that_counts(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The newest of a reviewer's verdicts that has not been taken back."""
    seen = set()
    for verdict in verdicts:
        if verdict.answer is not Answer.WITHDRAWN and verdict.decision_id not in seen:
            return verdict
        seen.add(verdict.decision_id)
    return None


def verdicts_of(where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """The verdicts on the decisions of answered questions, in the order of writing."""
    decisions = select(QUESTIONS.c.decision_id).where(*where, QUESTIONS.c.answered == ANSWERED)
    return (
        select(*VERDICT)
        .where(VERDICTS.c.decision_id.in_(decisions))
        .order_by(VERDICTS.c.verdict_id)
    )


def judged(
    known: Sequence[tuple[Question, Verdict | None]], prefix: bool
) -> Iterator[tuple[Question, Verdict]]:
    """Those with a verdict that counts, all of them or up to the first that has none."""
    for question, verdict in known:
        if verdict is not None:
            yield question, verdict
        elif prefix:
            return
