"""The answers to an audit, read from the log in the order of its draws."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from linkage_rl.decision_log.questions import Question, Questions
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.schema import DECISIONS, QUESTIONS
from linkage_rl.decision_log.store import DecisionLog


class Said(IntEnum):
    """What a person says of a link."""

    RIGHT = 0
    WRONG = 1
    UNSURE = 2


@dataclass(frozen=True)
class Draws:
    """Answers to the first n places of the queue of an audit, in their order."""

    link: NDArray[np.int64]
    """A number for each different link, shape (n,)."""
    confidence: NDArray[np.float64]
    """Confidence of each link, in [0, 1], shape (n,)."""
    said: NDArray[np.int8]
    """Values of `Said`, shape (n,)."""

    def __len__(self) -> int:
        return len(self.link)

    def first(self, number: int | None) -> "Draws":
        """So many of the first places; None for all."""
        return Draws(self.link[:number], self.confidence[:number], self.said[:number])

    def error(self, unsure: float) -> NDArray[np.float64]:
        """1 for wrong links, 0 for right ones, and `unsure` for those in doubt; shape (n,)."""
        return np.array([0.0, 1.0, unsure])[self.said]

    def different(self) -> tuple[int, int, int]:
        """Different links that people have answered for, those that are right, those wrong."""
        _, first = np.unique(self.link, return_index=True)
        said = self.said[first]
        return len(said), int((said == Said.RIGHT).sum()), int((said == Said.WRONG).sum())


def answered_draws(log: DecisionLog, queue_id: str) -> Draws:
    """The places before the first one that nobody has answered yet.

    Args:
        log: The log.
        queue_id: The queue of an audit.
    """
    answers = Questions(log).answered(queue_id, prefix=True)
    asked = select(QUESTIONS.c.decision_id).where(
        QUESTIONS.c.queue_id == queue_id, QUESTIONS.c.place <= _last_place(answers)
    )
    column = DECISIONS.c
    statement = select(column.decision_id, column.company_id, column.confidence).where(
        column.decision_id.in_(asked)
    )
    with log.reading("read the links of an audit") as connection:
        links = {row.decision_id: row for row in connection.execute(statement)}
    numbers = {decision_id: number for number, decision_id in enumerate(links)}
    # `forget` may have removed a decision between the two statements
    known = [
        (links[one.decision_id], verdict) for one, verdict in answers if one.decision_id in links
    ]
    return Draws(
        np.array([numbers[link.decision_id] for link, _ in known], dtype=np.int64),
        np.array([link.confidence for link, _ in known], dtype=np.float64),
        np.array([said_of(verdict, link.company_id) for link, verdict in known], dtype=np.int8),
    )


def said_of(verdict: Verdict, company_id: str) -> Said:
    """What a verdict says of the link to a company."""
    if verdict.answer is Answer.COMPANY:
        return Said.RIGHT if verdict.company_id == company_id else Said.WRONG
    return _SAID[verdict.answer]


_SAID: Final = {
    Answer.ACCEPT: Said.RIGHT,
    Answer.REJECT: Said.WRONG,
    Answer.NONE: Said.WRONG,
    Answer.UNSURE: Said.UNSURE,
}


def _last_place(answers: list[tuple[Question, Verdict]]) -> int:
    return answers[-1][0].place if answers else -1
