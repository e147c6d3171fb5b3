"""Queues of questions to people: who is asked what next, and what was answered.

Several reviewers in several processes take questions at once. A question is taken by an UPDATE that
succeeds only while it is free, so two of them never get the same one in any database.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Executable, Select, func, insert, select, update

from linkage_rl.decision_log.question_rows import (
    ANSWERED,
    LEASE_S,
    OPEN,
    QUESTION,
    UNFINISHED,
    Question,
    Queue,
    ago,
    answers_of,
    counted,
    is_free,
    judged,
    last_that_counts,
    question_rows,
    verdicts_of,
)
from linkage_rl.decision_log.queue_settings import stored_settings
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.schema import QUESTIONS, QUEUES
from linkage_rl.decision_log.store import PAGE, DecisionLog, add_verdicts, latest
from linkage_rl.errors import SchemaError
from linkage_rl.tables.ddl import stamp

__all__ = ["LEASE_S", "Question", "Questions", "Queue"]

_ATTEMPTS: Final = 50
"""How often other reviewers may be faster before fewer questions are given out than wanted."""


class Questions:
    """The queues of a decision log."""

    def __init__(self, log: DecisionLog) -> None:
        """Queues are kept in the tables of `log`."""
        self.log = log

    def create(
        self,
        kind: str,
        settings: dict[str, Any],
        decision_ids: Sequence[str],
        chances: Sequence[float],
    ) -> str:
        """Write a queue, page after page; it is there for others once it is complete.

        Args:
            kind: See `Queue.kind`; not ''.
            settings: Anything that JSON can hold.
            decision_ids: Decisions in the order in which they are asked about. One that comes
                again is asked about once, at its first place.
            chances: Chance of each of being drawn, in (0, 1].

        Returns:
            Its id, 32 hexadecimal digits.

        Raises:
            SchemaError: The lengths differ.
        """
        if len(decision_ids) != len(chances):
            raise SchemaError(
                f"expected a chance for each question, got {len(chances):,} for "
                f"{len(decision_ids):,}"
            )
        queue_id = uuid4().hex
        rows = question_rows(queue_id, decision_ids, chances)
        queue = {"queue_id": queue_id, "kind": UNFINISHED, "created_at": stamp(), "settings": "{}"}
        self._write(insert(QUEUES).values(queue))
        # reviewers go on between the pages
        while page := list(islice(rows, PAGE)):
            self._write(insert(QUESTIONS), page)
        stored = stored_settings(settings, self.log.privacy)
        finished = {"kind": kind, "created_at": stamp(), "settings": stored}
        self._write(update(QUEUES).where(QUEUES.c.queue_id == queue_id).values(finished))
        return queue_id

    def queues(self) -> list[Queue]:
        """Every queue, the oldest first."""
        return self._queues(counted())

    def queue(self, queue_id: str) -> Queue:
        """One queue.

        Raises:
            SchemaError: The log has no such queue.
        """
        found = self._queues(counted(queue_id)) if queue_id else []
        if not found:
            raise SchemaError(
                f"expected the id of a queue of {self.log}, got {queue_id!r}; list them with "
                "linkage-rl log"
            )
        return found[0]

    def places(self, queue_id: str) -> int:
        """Number of places of a queue; fewer than it was made with once clients are forgotten."""
        mine = select(func.count()).where(QUESTIONS.c.queue_id == queue_id)
        with self.log.reading("count the places of a queue") as connection:
            return int(connection.execute(mine).scalar_one())

    def take(self, queue_id: str, reviewer: str, count: int = 1) -> list[Question]:
        """The next questions for a reviewer, kept for them for `LEASE_S` seconds.

        Args:
            queue_id: The queue.
            reviewer: Who will answer; not ''.
            count: How many at most.

        Returns:
            Those that the reviewer has taken before and not answered first, then free ones, each
            in order of place; fewer than `count` where no more are free.
        """
        if not reviewer:
            raise SchemaError("expected a reviewer who takes questions, got ''")
        mine: list[Question] = []
        for _ in range(_ATTEMPTS):
            mine = self._taken_by(queue_id, reviewer, count)
            free = self._free(queue_id, count - len(mine))
            if not free:
                break
            for question_id in free:
                self._lease(question_id, reviewer)
        return mine

    def answer(self, question_id: int, verdict: Verdict, queue_id: str = "") -> bool:
        """Write a verdict and mark its question as answered, both or neither.

        Args:
            question_id: The question.
            verdict: What was answered; question, kind of the queue and chance are filled in.
            queue_id: The queue that the question must be of, '' for any.

        Returns:
            False where the question has been answered meanwhile, or another reviewer has taken it
            and still may answer; nothing is written then.

        Raises:
            SchemaError: There is no such question in the queue, or the verdict is on another
                decision.
        """
        with self.log.transaction("log a verdict") as connection:
            asked = connection.execute(
                select(*QUESTION, QUEUES.c.kind)
                .join(QUEUES, QUEUES.c.queue_id == QUESTIONS.c.queue_id)
                .where(QUESTIONS.c.question_id == question_id)
            ).one_or_none()
            if asked is not None and queue_id not in ("", asked.queue_id):
                raise SchemaError(
                    f"expected a question of the queue {queue_id!r:.80}, got {question_id} of "
                    "another; load the page again"
                )
            if asked is None or asked.decision_id != verdict.decision_id:
                raise SchemaError(
                    f"expected a verdict on the decision of question {question_id}, got one on "
                    f"{verdict.decision_id!r}; load the page again"
                )
            marked = connection.execute(
                update(QUESTIONS)
                .where(QUESTIONS.c.question_id == question_id, *is_free(verdict.reviewer))
                .values(answered=ANSWERED, reviewer=verdict.reviewer)
            )
            if marked.rowcount == 0:
                return False
            complete = replace(
                verdict, question_id=question_id, why_asked=asked.kind, chance=asked.chance
            )
            add_verdicts(connection, [complete])
        return True

    def undo(self, reviewer: str) -> Question | None:
        """Take a reviewer's last answer back: the question is open again and theirs.

        Returns:
            The question; None where the reviewer has no answer left to take back.
        """
        with self.log.transaction("take a verdict back") as connection:
            rows = connection.execute(answers_of(reviewer)).all()
            last = last_that_counts([Verdict(*row) for row in rows])
            if last is None:
                return None
            add_verdicts(
                connection,
                [replace(last, answer=Answer.WITHDRAWN, company_id="", given_at="")],
            )
            mine = QUESTIONS.c.question_id == last.question_id
            connection.execute(
                update(QUESTIONS)
                .where(mine)
                .values(answered=OPEN, reviewer=reviewer, taken_at=stamp())
            )
            row = connection.execute(select(*QUESTION).where(mine)).one()
        return Question(*row)

    def release(self, reviewer: str) -> None:
        """Give the questions back that a reviewer has taken and not answered."""
        with self.log.transaction("give questions back") as connection:
            connection.execute(
                update(QUESTIONS)
                .where(QUESTIONS.c.reviewer == reviewer, QUESTIONS.c.answered == OPEN)
                .values(reviewer="", taken_at="")
            )

    def answered(self, queue_id: str, prefix: bool = False) -> list[tuple[Question, Verdict]]:
        """The answered places of a queue, with the verdict that counts for each decision.

        Args:
            queue_id: The queue.
            prefix: Whether to stop before the first place that is still open, which sequential
                tests need: whether a question is answered early may depend on its answer.

        Returns:
            In order of place. A decision that was drawn again is there once for each draw.
        """
        here = QUESTIONS.c.queue_id == queue_id
        with self.log.reading("read the answers of a queue") as connection:
            end = None
            if prefix:
                is_open = (here, QUESTIONS.c.answered == OPEN)
                end = connection.execute(
                    select(func.min(QUESTIONS.c.place)).where(*is_open)
                ).scalar()
            before = [here] if end is None else [here, QUESTIONS.c.place < end]
            asked = connection.execute(
                select(*QUESTION)
                .where(*before, QUESTIONS.c.answered != OPEN)
                .order_by(QUESTIONS.c.place)
            )
            questions = [Question(*row) for row in asked]
            given = connection.execute(verdicts_of(before))
            verdicts = latest([Verdict(*row) for row in given])
        known = [(one, verdicts.get(one.decision_id)) for one in questions]
        return list(judged(known, prefix))

    def _write(self, statement: Executable, rows: Sequence[dict[str, Any]] = ()) -> None:
        """One statement in a transaction of its own."""
        self.log.write(
            "write a review queue", lambda connection: connection.execute(statement, rows or None)
        )

    def _queues(self, statement: Select[Any]) -> list[Queue]:
        with self.log.reading("read the review queues") as connection:
            rows = connection.execute(statement).all()
        return [
            Queue(
                row.queue_id,
                row.kind,
                row.created_at,
                json.loads(row.settings),
                int(row.questions or 0),
                int(row.done or 0),
            )
            for row in rows
        ]

    def _taken_by(self, queue_id: str, reviewer: str, count: int) -> list[Question]:
        """The reviewer's own open questions; a lease that ends soon is renewed."""
        mine = (
            QUESTIONS.c.reviewer == reviewer,
            QUESTIONS.c.answered == OPEN,
            QUESTIONS.c.queue_id == queue_id,
        )
        statement = select(*QUESTION, QUESTIONS.c.taken_at).where(*mine)
        with self.log.reading("read questions") as connection:
            rows = connection.execute(statement.order_by(QUESTIONS.c.place).limit(count)).all()
        if any(row.taken_at < ago(LEASE_S / 2) for row in rows):
            with self.log.transaction("take questions") as connection:
                connection.execute(update(QUESTIONS).where(*mine).values(taken_at=stamp()))
        return [Question(*row[:-1]) for row in rows]

    def _free(self, queue_id: str, count: int) -> list[int]:
        """Ids of the next questions that nobody has taken."""
        if count <= 0:
            return []
        statement = (
            select(QUESTIONS.c.question_id)
            .where(QUESTIONS.c.queue_id == queue_id, *is_free())
            .order_by(QUESTIONS.c.place)
            .limit(count)
        )
        with self.log.reading("read questions") as connection:
            return list(connection.execute(statement).scalars())

    def _lease(self, question_id: int, reviewer: str) -> None:
        """Take one question if it is still free; one row per transaction cannot deadlock."""
        with self.log.transaction("take a question") as connection:
            connection.execute(
                update(QUESTIONS)
                .where(QUESTIONS.c.question_id == question_id, *is_free())
                .values(reviewer=reviewer, taken_at=stamp())
            )
