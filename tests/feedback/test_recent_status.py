"""The status of an audit that a page shows: as of at most 1 % of the answers ago."""

import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback import recent_status as module
from linkage_rl.feedback.certification import Certification, Outcome, status
from linkage_rl.feedback.queues import audit_queue
from linkage_rl.feedback.recent_status import recent_status
from tests.logged_decisions import decisions, log_of


def answer(log: DecisionLog, queue_id: str, number: int) -> None:
    questions = Questions(log)
    for one in questions.take(queue_id, "ann", number):
        questions.answer(one.question_id, Verdict(one.decision_id, Answer.ACCEPT, reviewer="ann"))


def test_a_long_audit_is_looked_at_after_every_hundredth_of_its_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[str] = []

    def look(log: DecisionLog, queue_id: str) -> Certification:
        looks.append(queue_id)
        return status(log, queue_id)

    monkeypatch.setattr(module, "status", look)
    with log_of(decisions([0.6] * 400)) as log:
        queue_id = audit_queue(log, Selection(), 0.99, 0.999, seed=0)

        def shown() -> tuple[int, int | None]:
            found = recent_status(log, Questions(log).queue(queue_id))
            assert found.outcome is Outcome.OPEN
            return found.answered, found.clicks_left_estimate

        answer(log, queue_id, 200)
        first, left = shown()
        answer(log, queue_id, 2)
        second = shown()
        answer(log, queue_id, 1)
        third = shown()
        Questions(log).undo("ann")
        undone = shown()

    assert left is not None
    assert (first, second) == (200, (202, left - 2))
    assert (third[0], undone[0]) == (203, 202)
    # the two clicks after the first look were counted on
    assert len(looks) == 3


def test_a_short_audit_is_certified_by_the_answer_that_shows_it() -> None:
    with log_of(decisions([0.98] * 30)) as log:
        queue_id = audit_queue(log, Selection(), 0.9, 0.95, seed=0)
        outcomes = []
        for _ in range(30):
            answer(log, queue_id, 1)
            found = recent_status(log, Questions(log).queue(queue_id))
            assert found == status(log, queue_id)
            outcomes.append(found.outcome)

    assert (outcomes[0], outcomes[-1]) == (Outcome.OPEN, Outcome.CERTIFIED)
