"""The gate promotes what people prefer, rarely what they do not, and says what is missing."""

from pathlib import Path

import numpy as np
import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.gate import (
    UNKNOWN,
    Difference,
    Family,
    disagreement_queue,
    gains_of,
    judge,
    more_needed,
    spent,
    tally,
)
from tests.logged_decisions import logged_link

FAMILY = Family("base")
LINKS_A, LINKS_B, DECLINES = "a", "b", ""


def company(name: str) -> Verdict:
    return Verdict("d", Answer.COMPANY, name)


@pytest.mark.parametrize(
    ("verdict", "old", "new", "least", "most"),
    [
        # the right link instead of a wrong one: 1 + 1
        (company("b"), LINKS_A, LINKS_B, 2.0, 2.0),
        # the right link instead of a missed one: 1 + 0.5
        (company("a"), DECLINES, LINKS_A, 1.5, 1.5),
        # no wrong link any more, but a missed one: -0.5 + 1
        (company("c"), LINKS_A, DECLINES, 0.5, 0.5),
        # the client has no company: -1 - 0.25
        (Verdict("d", Answer.NONE), DECLINES, LINKS_A, -1.25, -1.25),
        # both are wrong
        (company("c"), LINKS_A, LINKS_B, 0.0, 0.0),
        # the logged link to a is right
        (Verdict("d", Answer.ACCEPT), LINKS_A, LINKS_B, -2.0, -2.0),
        # it is wrong; b may be, too
        (Verdict("d", Answer.REJECT), LINKS_A, LINKS_B, 0.0, 2.0),
        # either may be right
        (Verdict("d", Answer.UNSURE), LINKS_A, LINKS_B, -2.0, 2.0),
        # there may be no company, or it is a
        (Verdict("d", Answer.UNSURE), DECLINES, LINKS_A, -1.25, 1.5),
        # a company that nobody saw: it may be the one that was linked
        (company("c"), UNKNOWN, DECLINES, -1.5, 0.5),
        (company("c"), DECLINES, UNKNOWN, -0.5, 1.5),
    ],
)
def test_the_gain_is_the_reward_of_the_new_answer_less_that_of_the_old(
    verdict: Verdict, old: str, new: str, least: float, most: float
) -> None:
    assert gains_of(verdict, Difference(old, new), "link", "a") == (least, most)


def test_unsure_people_neither_promote_nor_keep() -> None:
    """Four of five answers are right links; the fifth may be anything."""
    least, most = np.tile([2.0, 2.0, 2.0, 2.0, -2.0], 20), np.full(100, 2.0)

    assert judge(np.full(100, -2.0), exhausted=False, most=most).state == "open"
    assert judge(np.full(100, -2.0), exhausted=True, most=most).state == "kept"
    assert judge(least, exhausted=False, most=most).state == "promoted"


def test_ten_large_gains_in_a_row_promote() -> None:
    """At a stake of .7, wealth grows by 1 + .7 / 2 ... 1.7 per gain of 2: 1.7^10 / 6 = 33 > 20."""
    assert judge(np.full(10, 2.0), exhausted=False).state == "promoted"
    assert judge(np.full(3, 2.0), exhausted=False).state == "open"


def test_losses_keep_and_so_does_the_end_of_the_questions() -> None:
    assert judge(np.full(12, -2.0), exhausted=False).state == "kept"
    kept = judge(np.array([2.0, -2.0]), exhausted=True)
    assert kept.state == "kept"
    assert "2 logged clients" in kept.why


def test_a_bundle_that_is_no_better_is_rarely_promoted() -> None:
    """Gains of +1.5 and -1.5 alike, looked at after every answer."""
    rng = np.random.default_rng(0)
    gains = rng.choice([-1.5, 1.5], size=(100, 200))

    promoted = [judge(one, exhausted=True).state == "promoted" for one in gains]

    assert np.mean(promoted) <= 0.05


def test_a_bundle_that_is_better_is_promoted_within_300_answers() -> None:
    """A gain of .025 where 6 % of the clients differ is one of .42 per client asked about."""
    rng = np.random.default_rng(1)
    gains = rng.choice([1.5, -1.25], p=[0.607, 0.393], size=(100, 300))

    promoted = [judge(one, exhausted=True).state == "promoted" for one in gains]

    assert gains.mean() == pytest.approx(0.42, abs=0.02)
    assert np.mean(promoted) >= 0.95


def test_the_estimate_of_missing_answers_falls_with_good_ones() -> None:
    none = more_needed(np.zeros(0), 0.0)
    some = judge(np.full(4, 1.5), exhausted=False)

    assert 30 <= none <= 100
    assert some.more_needed < none


def test_answers_of_a_queue_are_tallied_in_order(tmp_path: Path) -> None:
    """Clients 0..5 were linked to a; the new bundle links b, which people say is right."""
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        ids = [logged_link(log, number, shown=["a", "b"]) for number in range(6)]
        differences = [Difference("a", "b")] * 6
        queue = disagreement_queue(log, FAMILY, ids, {"new": "mark"}, differences)
        questions = Questions(log)
        taken = questions.take(queue, "kim", 6)

        # the second one stays open
        for question in (taken[0], taken[2], taken[3]):
            questions.answer(
                question.question_id, Verdict(question.decision_id, Answer.COMPANY, "b", "kim")
            )
        before = tally(log, queue)
        last = Verdict(taken[1].decision_id, Answer.COMPANY, "b", "kim")
        questions.answer(taken[1].question_id, last)
        after = tally(log, queue)

    assert sorted(one.decision_id for one in taken) == sorted(ids)
    assert (before.state, before.answers, before.gain) == ("open", 1, 2.0)
    assert (after.state, after.answers, after.gain) == ("open", 4, 2.0)


@pytest.mark.parametrize("clock", ["2000-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"])
def test_answers_count_whatever_the_clock_of_those_who_answer_says(
    tmp_path: Path, clock: str
) -> None:
    """Six clients, the first of whom was judged before the new bundle was made."""
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        ids = [logged_link(log, number, shown=["a", "b"]) for number in range(6)]
        log.add_verdicts([Verdict(ids[0], Answer.COMPANY, "b", "ann", given_at=clock)])
        queue = disagreement_queue(log, FAMILY, ids[1:], {}, [Difference("a", "b")] * 5)
        given = [Verdict(one, Answer.COMPANY, "b", "ann", given_at=clock) for one in ids]
        answer_all(log, queue, given)

        assert tally(log, queue).answers == 5


def test_a_verdict_from_before_the_queue_does_not_count(tmp_path: Path) -> None:
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        ids = [logged_link(log, number, shown=["a", "b"]) for number in range(2)]
        before = Verdict(ids[0], Answer.COMPANY, "b", "ann", given_at="2099-01-01T00:00:00.000Z")
        log.add_verdicts([before])
        queue = disagreement_queue(log, FAMILY, ids, {}, [Difference("a", "b")] * 2)
        given = [Verdict(one, Answer.COMPANY, "b", "kim") for one in ids]
        answer_all(log, queue, given)
        # the later answer on the first client is withdrawn, so that the earlier one is the last
        log.add_verdicts([Verdict(ids[0], Answer.WITHDRAWN, reviewer="kim")])

        assert tally(log, queue).answers == 1


def test_gates_that_follow_one_another_share_one_chance_of_error(tmp_path: Path) -> None:
    """Wealth after n gains of 2 is about 1.7^n / 6: at .05 * 6 / pi^2 = .0304, 10 gains are enough
    for the first gate; the fourth, at a sixteenth of it, needs log(16) / log(1.7) = 5.2 more."""
    needed = []
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        for gate in range(4):
            ids = [logged_link(log, 100 * gate + number, ["a", "b"]) for number in range(30)]
            queue = disagreement_queue(log, FAMILY, ids, {}, [Difference("a", "b")] * 30)
            needed.append(answers_until_promoted(log, queue))
        others = [Family("other"), Family("base", "acme"), Family("base", "", "list")]
        first = [
            Questions(log).queue(disagreement_queue(log, one, [], {}, [])).settings["gate"]
            for one in others
        ]

    assert first == [1, 1, 1]
    assert needed == [10, 13, 14, 15]
    assert sum(spent(gate, 0.05) for gate in range(1, 10_000)) == pytest.approx(0.05, abs=1e-5)


def answers_until_promoted(log: DecisionLog, queue: str) -> int:
    """How many answers for the new bundle promote it."""
    questions = Questions(log)
    for number, question in enumerate(questions.take(queue, "kim", 30), start=1):
        verdict = Verdict(question.decision_id, Answer.COMPANY, "b", "kim")
        questions.answer(question.question_id, verdict)
        if tally(log, queue).state == "promoted":
            return number
    raise AssertionError("never promoted")


def answer_all(log: DecisionLog, queue: str, given: list[Verdict]) -> None:
    """Answer every question of a queue."""
    by_decision = {one.decision_id: one for one in given}
    questions = Questions(log)
    for question in questions.take(queue, given[0].reviewer, len(given)):
        assert questions.answer(question.question_id, by_decision[question.decision_id])
