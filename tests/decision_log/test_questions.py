"""Queues of questions on SQLite, PostgreSQL and MariaDB: order, leases, answers, undo."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from linkage_rl.decision_log.questions import Question, Questions
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.schema import QUESTIONS
from linkage_rl.decision_log.store import DecisionLog, latest
from linkage_rl.errors import SchemaError
from tests.logged_decisions import logged_rows


@pytest.fixture
def questions(readable_url: str) -> Iterator[Questions]:
    with DecisionLog.open(readable_url) as log:
        yield Questions(log)


def queue_of(questions: Questions, *decisions: str) -> str:
    return questions.create("audit", {"goal": 0.95}, decisions, [0.5] * len(decisions))


def say(questions: Questions, asked: Question, reviewer: str, answer: str = "accept") -> bool:
    verdict = Verdict(asked.decision_id, Answer(answer), reviewer=reviewer)
    return questions.answer(asked.question_id, verdict)


def age_leases(questions: Questions) -> None:
    """Let the leases of the first places of all queues end."""
    with questions.log.transaction("age a lease") as connection:
        connection.execute(
            update(QUESTIONS)
            .where(QUESTIONS.c.place == 0)
            .values(taken_at="2020-01-01T00:00:00.000Z")
        )


def decisions_of(asked: list[Question]) -> list[str]:
    return [one.decision_id for one in asked]


def test_a_queue_is_read_back_with_its_settings_and_counts(questions: Questions) -> None:
    queue_id = queue_of(questions, "a", "b")

    [queue] = questions.queues()

    assert queue == questions.queue(queue_id)
    assert (queue.kind, queue.settings, queue.questions, queue.answered) == (
        "audit",
        {"goal": 0.95},
        2,
        0,
    )


def test_a_queue_whose_writing_was_stopped_is_not_there(
    questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkage_rl.decision_log.questions.PAGE", 2)
    complete = queue_of(questions, "a", "b", "c", "d", "a")
    with pytest.raises(ValueError, match="could not convert"):
        # the third page has a chance that is no number
        questions.create("audit", {}, list("abcde"), [1, 1, 1, 1, "no"])  # type: ignore[list-item]

    assert [one.queue_id for one in questions.queues()] == [complete]
    assert questions.places(complete) == 5
    assert decisions_of(questions.take(complete, "ann", 9)) == ["a", "b", "c", "d"]


def test_questions_come_in_order_and_each_to_one_reviewer(questions: Questions) -> None:
    queue_id = queue_of(questions, "a", "b", "c")

    first = questions.take(queue_id, "ann")
    second = questions.take(queue_id, "bob", count=5)

    assert (decisions_of(first), decisions_of(second)) == (["a"], ["b", "c"])
    assert questions.take(queue_id, "cem") == []
    assert questions.take(queue_id, "ann", count=5) == first


def test_an_answer_is_a_verdict_with_the_reason_and_the_chance_of_asking(
    questions: Questions,
) -> None:
    queue_id = queue_of(questions, "a", "b")
    [asked] = questions.take(queue_id, "ann")

    written = say(questions, asked, "ann", "reject")

    [(question, verdict)] = questions.answered(queue_id)
    assert written
    assert question == asked
    assert (verdict.answer, verdict.reviewer, verdict.why_asked, verdict.chance) == (
        Answer.REJECT,
        "ann",
        "audit",
        0.5,
    )
    assert verdict.question_id == asked.question_id
    assert questions.queue(queue_id).answered == 1
    assert decisions_of(questions.take(queue_id, "ann")) == ["b"]


def test_the_second_answer_to_a_question_is_not_written(questions: Questions) -> None:
    queue_id = queue_of(questions, "a")
    [asked] = questions.take(queue_id, "ann")
    say(questions, asked, "ann", "accept")

    assert not say(questions, asked, "bob", "reject")
    [(_, verdict)] = questions.answered(queue_id)
    assert verdict.answer is Answer.ACCEPT


def test_what_another_reviewer_has_taken_cannot_be_answered_until_the_lease_ends(
    questions: Questions,
) -> None:
    queue_id = queue_of(questions, "a")
    [asked] = questions.take(queue_id, "ann")

    assert not say(questions, asked, "bob")
    age_leases(questions)
    assert say(questions, asked, "bob")
    assert questions.answered(queue_id)[0][1].reviewer == "bob"


def test_the_question_of_another_queue_is_refused(questions: Questions) -> None:
    first, second = queue_of(questions, "a"), queue_of(questions, "a")
    [asked] = questions.take(first, "ann")
    verdict = Verdict("a", Answer.ACCEPT, reviewer="ann")

    with pytest.raises(SchemaError, match="expected a question of the queue"):
        questions.answer(asked.question_id, verdict, second)
    assert questions.answer(asked.question_id, verdict, first)


def test_a_verdict_on_another_decision_than_the_question_is_refused(questions: Questions) -> None:
    queue_id = queue_of(questions, "a")
    [asked] = questions.take(queue_id, "ann")

    with pytest.raises(SchemaError, match="expected a verdict on the decision of question"):
        questions.answer(asked.question_id, Verdict("b", Answer.ACCEPT))
    assert questions.answered(queue_id) == []


def test_a_decision_that_was_drawn_twice_is_asked_once_and_counts_twice(
    questions: Questions,
) -> None:
    queue_id = queue_of(questions, "a", "b", "a", "c")
    asked = questions.take(queue_id, "ann", count=5)

    for one in asked:
        say(questions, one, "ann")

    assert decisions_of(asked) == ["a", "b", "c"]
    answers = questions.answered(queue_id, prefix=True)
    assert decisions_of([one for one, _ in answers]) == ["a", "b", "a", "c"]
    assert questions.queue(queue_id).questions == 3


def test_the_prefix_ends_before_the_first_open_place(questions: Questions) -> None:
    queue_id = queue_of(questions, "a", "b", "a", "c")
    a, b, c = questions.take(queue_id, "ann", count=3)
    say(questions, a, "ann")
    say(questions, c, "ann")

    assert [one.place for one, _ in questions.answered(queue_id)] == [0, 2, 3]
    assert [one.place for one, _ in questions.answered(queue_id, prefix=True)] == [0]

    say(questions, b, "ann")

    assert [one.place for one, _ in questions.answered(queue_id, prefix=True)] == [0, 1, 2, 3]


def test_undo_opens_the_last_question_again_for_its_reviewer_and_then_the_one_before(
    questions: Questions,
) -> None:
    queue_id = queue_of(questions, "a", "b", "c")
    a, b = questions.take(queue_id, "ann", count=2)
    say(questions, a, "ann")
    say(questions, b, "ann")

    assert questions.undo("bob") is None
    assert questions.undo("ann") == b
    assert questions.answered(queue_id)[-1][0] == a
    assert decisions_of(questions.take(queue_id, "bob")) == ["c"]
    assert questions.take(queue_id, "ann") == [b]
    assert questions.undo("ann") == a
    assert questions.undo("ann") is None


def test_an_answer_after_undo_counts_and_can_be_taken_back_again(questions: Questions) -> None:
    queue_id = queue_of(questions, "a")
    [asked] = questions.take(queue_id, "ann")
    say(questions, asked, "ann", "accept")
    questions.undo("ann")
    say(questions, asked, "ann", "none")

    [(_, verdict)] = questions.answered(queue_id)

    assert verdict.answer is Answer.NONE
    assert questions.undo("ann") == asked
    assert questions.answered(queue_id) == []


def test_undo_opens_the_question_of_every_queue_that_loses_its_verdict(
    questions: Questions,
) -> None:
    first, second = queue_of(questions, "a", "b"), queue_of(questions, "a")
    for queue_id in (first, second):
        [asked] = questions.take(queue_id, "ann")
        say(questions, asked, "ann")

    undone = questions.undo("ann")

    assert undone is not None
    assert undone.queue_id == second
    assert [questions.queue(one).answered for one in (first, second)] == [0, 0]
    assert questions.take(second, "bob") == []
    [again] = questions.take(first, "bob")
    assert again.decision_id == "a"
    assert say(questions, again, "bob")
    assert len(questions.answered(first, prefix=True)) == 1


def test_a_verdict_that_is_taken_back_in_any_way_is_asked_for_again(questions: Questions) -> None:
    queue_id = queue_of(questions, "a", "b", "a")
    questions.log.append(logged_rows({"decision_id": "a"}))
    for one in questions.take(queue_id, "ann", count=2):
        say(questions, one, "ann")

    questions.log.add_verdicts([Verdict("a", Answer.WITHDRAWN, reviewer="ann")])

    assert questions.answered(queue_id, prefix=True) == []
    assert questions.queue(queue_id).answered == 1
    [asked] = questions.take(queue_id, "bob")
    say(questions, asked, "bob")
    assert [one.place for one, _ in questions.answered(queue_id, prefix=True)] == [0, 1, 2]


def test_a_question_stays_answered_while_another_reviewer_has_a_verdict(
    questions: Questions,
) -> None:
    questions.log.append(logged_rows({"decision_id": "a"}))
    queue_id = queue_of(questions, "a")
    [asked] = questions.take(queue_id, "ann")
    say(questions, asked, "ann")
    questions.log.add_verdicts([Verdict("a", Answer.REJECT, reviewer="bob")])

    questions.log.add_verdicts([Verdict("a", Answer.WITHDRAWN, reviewer="bob")])

    [(_, verdict)] = questions.answered(queue_id, prefix=True)
    assert verdict.reviewer == "ann"
    questions.log.add_verdicts([Verdict("a", Answer.WITHDRAWN, reviewer="nobody")])
    assert questions.queue(queue_id).answered == 1


def test_a_lease_ends_after_ten_minutes_and_by_release(questions: Questions) -> None:
    queue_id = queue_of(questions, "a", "b")
    questions.take(queue_id, "ann", count=2)
    age_leases(questions)

    assert decisions_of(questions.take(queue_id, "bob", count=2)) == ["a"]

    questions.release("ann")

    assert decisions_of(questions.take(queue_id, "bob", count=2)) == ["a", "b"]


def test_four_reviewers_at_once_are_asked_everything_once(questions: Questions) -> None:
    decisions = [f"{number:02}" for number in range(24)]
    queue_id = queue_of(questions, *decisions)

    def review(reviewer: str) -> list[str]:
        done = []
        while asked := questions.take(queue_id, reviewer):
            assert say(questions, asked[0], reviewer)
            done.append(asked[0].decision_id)
        return done

    with ThreadPoolExecutor(4) as reviewers:
        done = [one for mine in reviewers.map(review, "abcd") for one in mine]

    assert sorted(done) == decisions
    with questions.log.transaction("count") as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM verdicts").scalar() == 24


def test_a_question_needs_a_reviewer_and_a_queue_that_is_there(questions: Questions) -> None:
    queue_id = queue_of(questions, "a")

    with pytest.raises(SchemaError, match="expected a reviewer"):
        questions.take(queue_id, "")
    with pytest.raises(SchemaError, match="expected the id of a queue"):
        questions.queue("nothing")
    with pytest.raises(SchemaError, match="expected a chance for each question"):
        questions.create("audit", {}, ["a"], [])


def test_the_verdict_of_another_reviewer_stays_when_one_is_taken_back() -> None:
    verdicts = [
        Verdict("a", Answer.ACCEPT, reviewer="ann"),
        Verdict("a", Answer.REJECT, reviewer="bob"),
        Verdict("a", Answer.WITHDRAWN, reviewer="bob"),
    ]

    assert latest(verdicts)["a"].reviewer == "ann"
