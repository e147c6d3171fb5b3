"""Progress towards the end of a queue, the goal of an audit, and the decision of the gate."""

from pathlib import Path

import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.gate import Difference, Family, disagreement_queue
from linkage_rl.feedback.queues import audit_queue
from linkage_rl.reviewing.progress import Progress, progress_of
from linkage_rl.reviewing.words import Words
from tests.reviewing.logged import decision, make_log

ENGLISH = Words("en")


def log_with(folder: Path, number: int) -> DecisionLog:
    make_log(folder / "log.db", *(decision(f"d{place:04}") for place in range(number)))
    return DecisionLog.open(str(folder / "log.db"))


def answer(log: DecisionLog, queue_id: str, number: int, said: Answer) -> Progress:
    questions = Questions(log)
    for one in questions.take(queue_id, "ann", number):
        questions.answer(one.question_id, Verdict(one.decision_id, said, reviewer="ann"))
    return progress_of(log, questions.queue(queue_id), ENGLISH)


def test_an_audit_says_how_many_clicks_certify_it(tmp_path: Path) -> None:
    with log_with(tmp_path, 80) as log:
        queue_id = audit_queue(log, Selection(), goal=0.8, confidence=0.95, seed=1)
        begin = answer(log, queue_id, 0, Answer.ACCEPT)
        later = answer(log, queue_id, 10, Answer.ACCEPT)
        end = answer(log, queue_id, 60, Answer.ACCEPT)

    assert begin.text.startswith("0 of about ")
    assert "clicks to certify 80 %" in begin.text
    assert later.text.startswith("10 of about ")
    assert later.total > later.answered == 10
    assert end.text == "Certified: at least 80 % of the links are right"


def test_an_audit_of_wrong_links_is_refuted(tmp_path: Path) -> None:
    with log_with(tmp_path, 60) as log:
        queue_id = audit_queue(log, Selection(), goal=0.9, confidence=0.95, seed=1)

        end = answer(log, queue_id, 40, Answer.REJECT)

    assert end.text == "Refuted: fewer than 90 % of the links are right"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Answer.REJECT, "The new bundle is better: promoted"),
        (Answer.ACCEPT, "The new bundle is not better: the old one is kept"),
    ],
)
def test_the_gate_says_how_many_answers_decide(tmp_path: Path, said: Answer, text: str) -> None:
    with log_with(tmp_path, 60) as log:
        ids = [f"d{place:04}" for place in range(60)]
        # the old bundle links with what was shown first, the new one does not link
        queue_id = disagreement_queue(
            log, Family("base"), ids, {}, [Difference("aozora-tokyo", "")] * 60
        )
        begin = answer(log, queue_id, 0, said)
        end = answer(log, queue_id, 60, said)

    assert begin.text.startswith("0 of about ")
    assert begin.text.endswith("answers to decide on the new bundle")
    assert end.text == text
