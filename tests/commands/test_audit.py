"""The command audit: its queue, what it says, and what it refuses."""

import json
from pathlib import Path

import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from tests.commands.shop import Run
from tests.logged_decisions import decisions, log_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file of a log with 300 links of a list, at a confidence of .98, and 5 of another."""
    path = tmp_path / "log.db"
    with log_of(decisions([0.98] * 300), str(path)) as opened:
        opened.append(decisions([0.9] * 5, list_id="other", customer="acme"))
    return path


def answer(log: Path, number: int, said: Answer = Answer.ACCEPT) -> None:
    """Answer so many questions of the newest queue."""
    with DecisionLog.open(str(log)) as opened:
        questions = Questions(opened)
        queue = questions.queues()[-1]
        for one in questions.take(queue.queue_id, "ann", number):
            questions.answer(one.question_id, Verdict(one.decision_id, said, reviewer="ann"))


def test_an_audit_asks_until_its_goal_is_certified(run: Run, log: Path) -> None:
    words = (f"log={log}", "list=list", "goal=precision:0.9")

    first = run("audit", *words)
    answer(log, 10)
    second = run("audit", *words)
    answer(log, 50)
    third = run("audit", *words)

    assert (first.code, second.code, third.code) == (0, 0, 0), first.err
    assert "audit     300 links, queue " in first.out
    assert "open      about " in first.out
    assert "linkage-rl review log=sqlite:///" in first.out
    assert "answers   10 links: precision 100.0%, at least " in second.out
    assert "holds     from no confidence on yet that 90.0% are right" in second.out
    assert "certified at least 90.0% of the links are right, with 95% confidence" in third.out
    with DecisionLog.open(str(log)) as opened:
        assert len(Questions(opened).queues()) == 1


def test_a_list_of_wrong_links_is_refuted(run: Run, log: Path) -> None:
    words = (f"log={log}", "customer=acme")
    run("audit", *words)
    answer(log, 5, Answer.NONE)

    ended = run("audit", *words)

    assert "refuted   fewer than 95.0% of the links are right" in ended.out


def test_the_result_is_written_as_json(run: Run, log: Path, tmp_path: Path) -> None:
    ended = run("audit", f"log={log}", "customer=acme", "output=audit.json")

    result = json.loads((tmp_path / "audit.json").read_text())
    assert ended.code == 0, ended.err
    assert (result["outcome"], result["links"], result["goal"]) == ("open", 5, 0.95)
    assert len(result["queue"]) == 32


def test_links_logged_since_are_said_and_drawn_from_with_new(run: Run, log: Path) -> None:
    words = (f"log={log}", "customer=acme")
    run("audit", *words)
    with DecisionLog.open(str(log)) as opened:
        opened.append(decisions([0.9] * 2, list_id="third", customer="acme"))

    grown = run("audit", *words)
    anew = run("audit", *words, "new=true")

    assert "2 links were logged since; new=true draws from all of them" in grown.out
    assert "audit     7 links" in anew.out
    assert "audits of these links" not in grown.out


def test_several_audits_of_the_same_links_share_a_promise(
    run: Run, log: Path, tmp_path: Path
) -> None:
    words = (f"log={log}", "list=list")
    run("audit", f"log={log}", "customer=acme")
    run("audit", *words)
    run("audit", *words, "new=true", "seed=1")

    third = run("audit", *words, "goal=precision:0.9", "confidence=0.9", "output=audit.json")

    # 5 % and 5 % and 10 %
    assert "there are 3 audits of these links" in third.out
    assert "any of them is wrong is at most 20%" in third.out
    assert json.loads((tmp_path / "audit.json").read_text())["audits_of_these_links"] == 3


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("goal=0.95", "goal takes the form precision:0.95"),
        ("goal=recall:0.95", "goal takes the form precision:0.95"),
        ("goal=precision:95", "goal takes the form precision:0.95"),
        ("confidence=1", "confidence lies between 0 and 1, got 1"),
        ("seed=-1", "seed must be 0 or more"),
        ("log=", "audit needs log="),
        ("customer=nobody", "expected decisions to ask about in sqlite:///"),
    ],
)
def test_what_cannot_be_audited_is_refused(run: Run, log: Path, word: str, sentence: str) -> None:
    ended = run("audit", f"log={log}", word)

    assert ended.code == 2
    assert sentence in ended.last


def test_a_log_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    ended = run("audit", "log=missing.db")

    assert ended.code == 1
    assert not (tmp_path / "missing.db").exists()
