"""Audits: what they say of lists whose truth is known, after every answer and at the end."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision_log.forgetting import forget
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.feedback.audit_answers import Draws, Said, said_of
from linkage_rl.feedback.audit_bets import bets_against, bets_for
from linkage_rl.feedback.audit_design import AuditDesign
from linkage_rl.feedback.certification import Basis, Certification, Outcome, certify, status
from linkage_rl.feedback.queues import audit_queue, stratified_queue
from tests.logged_decisions import decisions, log_of

Array = NDArray[np.float64]
DRAWN = 3_000
"""Draws of audits that end with a census."""


def list_of(links: int, precision: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Confidences above 1/2, right on average, and which links are wrong: exactly that share."""
    mean = 2 * (1 - precision)
    error = 0.5 * rng.beta(0.3, 0.3 / mean - 0.3, links)
    wrong = np.zeros(links)
    least = (rng.random(links) - error).argsort()
    wrong[least[: round((1 - precision) * links)]] = 1.0
    return 1 - error, wrong


def drawn(
    confidence: Array, said: NDArray[np.int8], number: int, seed: int = 0, goal: float = 0.95
) -> tuple[AuditDesign, Draws]:
    design = AuditDesign.of(goal, 0.95, confidence)
    link = design.draws(confidence, number, np.random.default_rng(seed))
    return design, Draws(link, confidence[link], said[link])


def audited(precision: float, number: int, links: int = 20_000) -> Certification:
    confidence, wrong = list_of(links, precision, np.random.default_rng(1))
    design, draws = drawn(confidence, wrong.astype(np.int8), number)
    return certify(design, draws, questions=10_000)


def test_a_list_that_is_two_hundredths_above_its_goal_is_certified() -> None:
    found = audited(0.97, 1500)

    assert (found.outcome, found.rests_on) == (Outcome.CERTIFIED, Basis.DRAWS)
    assert found.clicks_left_estimate == 0
    assert found.bound >= 0.95
    assert found.precision == pytest.approx(0.97, abs=0.01)
    assert found.links_from_there == 20_000


def test_a_list_below_its_goal_is_refuted_but_its_surest_links_may_reach_it() -> None:
    found = audited(0.90, 1500)

    assert found.outcome is Outcome.REFUTED
    assert found.upper_bound < 0.95
    assert found.threshold_from_which_it_holds is not None
    assert found.threshold_from_which_it_holds > 0.5
    assert 5_000 <= found.links_from_there < 20_000


def test_before_the_first_answer_an_audit_is_open_and_says_about_how_many_it_takes() -> None:
    found = audited(0.97, 0)

    assert found.outcome is Outcome.OPEN
    assert (found.answered, found.bound, found.upper_bound) == (0, 0.0, 1.0)
    assert found.threshold_from_which_it_holds is None
    # half of 60 such audits are certified after 497 answers
    assert found.clicks_left_estimate == pytest.approx(497, rel=0.15)


def test_fewer_answers_are_left_the_more_have_been_given() -> None:
    confidence, wrong = list_of(20_000, 0.98, np.random.default_rng(1))
    left = []
    for number in (0, 60, 120):
        found = [
            certify(*drawn(confidence, wrong.astype(np.int8), number, seed), questions=10_000)
            for seed in range(9)
        ]
        left.append(np.median([one.clicks_left_estimate or 0 for one in found]))

    assert left[0] > left[1] > left[2] > 0


def test_a_precision_at_the_goal_is_said_to_be_too_near_to_it() -> None:
    found = audited(0.95, 0)

    assert found.clicks_left_estimate is None


def test_the_bounds_hold_the_precision_and_close_in() -> None:
    found = [audited(0.96, number) for number in (50, 500, 5000)]

    assert all(one.bound <= 0.96 <= one.upper_bound for one in found)
    widths = [one.upper_bound - one.bound for one in found]
    assert widths[0] > widths[1] > widths[2]


def test_unsure_links_count_against_certifying_and_against_refuting() -> None:
    # 8 % of the links in doubt: the list is 90 to 98 % right
    confidence, wrong = list_of(20_000, 0.98, np.random.default_rng(1))
    said = wrong.astype(np.int8)
    said[np.random.default_rng(2).permutation(20_000)[:1600]] = Said.UNSURE
    design, draws = drawn(confidence, said, 4000)

    found = certify(design, draws, questions=10_000)

    assert found.outcome is Outcome.OPEN
    assert found.bound < 0.905
    assert found.upper_bound > 0.975


def test_a_short_list_is_known_once_every_link_is_answered() -> None:
    # 20 links, 19 right: exactly .95, which no sample could show
    confidence = np.linspace(0.9, 0.99, 20)
    said = np.array([Said.WRONG] + [Said.RIGHT] * 19, dtype=np.int8)
    design = AuditDesign.of(0.95, 0.95, confidence)

    found = certify(design, Draws(np.arange(20), confidence, said), questions=20)
    before = certify(design, Draws(np.arange(18), confidence[:18], said[:18]), questions=20)

    assert (found.outcome, found.bound, found.upper_bound) == (Outcome.CERTIFIED, 0.95, 0.95)
    assert (found.rests_on, before.rests_on) == (Basis.COUNT, Basis.NOTHING)
    assert (before.outcome, before.clicks_left_estimate) == (Outcome.OPEN, 2)


def test_two_wrong_links_of_twenty_refute_a_goal_of_ninety_five_hundredths_at_once() -> None:
    confidence = np.full(20, 0.97)
    said = np.full(2, Said.WRONG, dtype=np.int8)

    found = certify(
        AuditDesign.of(0.95, 0.95, confidence), Draws(np.arange(2), confidence[:2], said), 20
    )

    assert (found.outcome, found.rests_on) == (Outcome.REFUTED, Basis.COUNT)
    assert found.upper_bound == 0.9


@pytest.mark.parametrize("goal", [0.93, 0.95, 0.97])
def test_a_short_list_just_at_its_goal_is_certified_whatever_the_rounding(goal: float) -> None:
    confidence = np.full(100, 0.97)
    said = np.full(100, Said.RIGHT, dtype=np.int8)
    said[: round(100 * (1 - goal))] = Said.WRONG
    design = AuditDesign.of(goal, 0.999999, confidence)

    everything = certify(design, Draws(np.arange(100), confidence, said), questions=100)
    wrong_ones = certify(design, Draws(np.arange(3), confidence[:3], said[:3]), questions=100)

    assert everything.outcome is Outcome.CERTIFIED
    assert wrong_ones.outcome is Outcome.OPEN


@pytest.mark.parametrize(("precision", "wrong_outcome"), [(0.95, "refuted"), (0.949, "certified")])
def test_what_an_audit_says_is_wrong_in_at_most_one_list_of_twenty(
    precision: float, wrong_outcome: str
) -> None:
    said_wrong = 0
    for seed in range(100):
        confidence, wrong = list_of(3000, precision, np.random.default_rng(seed))
        design, draws = drawn(confidence, wrong.astype(np.int8), 1500, seed)
        bets = bets_for if wrong_outcome == "certified" else bets_against
        differences = design.differences(draws.confidence, wrong[draws.link])
        said_wrong += bets(design.whole, differences, design.goal).won(0.05)

    # at the limit of .05, more than 10 of 100 come with a chance of .01
    assert said_wrong <= 10


def with_census(links: int, wrong_links: int, seed: int) -> tuple[AuditDesign, Draws]:
    """A list of which half of the links are surer than they are right, answered as a whole."""
    rng = np.random.default_rng(seed)
    confidence = np.sort(rng.beta(8, 0.6, links))
    weight = np.where(np.arange(links) < links / 2, 0.02, 1.0)
    said = np.zeros(links, np.int8)
    said[rng.choice(links, wrong_links, replace=False, p=weight / weight.sum())] = Said.WRONG
    design = AuditDesign.of(0.95, 0.95, confidence)
    drawn = design.draws(confidence, DRAWN, rng)
    every = np.concatenate([drawn, np.setdiff1d(np.arange(links), drawn)])
    return design, Draws(every, confidence[every], said[every])


def test_links_that_were_never_drawn_are_counted_and_not_bet_on() -> None:
    nearly, mixed = [], []
    for seed in range(20):
        # 144 of 3,000 are wrong: a precision of .952, too near to .95 for the draws
        design, answers = with_census(3000, 144, seed)
        most = answers.first(len(answers) - 100)
        nearly.append(certify(design, most, 3000, DRAWN).outcome)
        differences = design.differences(most.confidence, most.error(0.0))
        mixed.append(bets_against(design.whole, differences, design.goal).won(0.05))

    # 1 of 20 is promised; 4 or more come with a chance of .016
    assert nearly.count(Outcome.REFUTED) <= 3
    # as if they had been drawn, the answers to the others would refute most of the lists
    assert sum(mixed) >= 10


def test_a_complete_census_is_exact() -> None:
    for wrong, outcome in ((150, Outcome.CERTIFIED), (151, Outcome.REFUTED)):
        design, answers = with_census(3000, wrong, seed=0)

        found = certify(design, answers, 3000, DRAWN)

        assert (found.outcome, found.rests_on) == (outcome, Basis.COUNT)
        assert found.bound == found.precision == found.upper_bound == 1 - wrong / 3000


def test_the_count_overrules_what_the_draws_have_shown() -> None:
    # the goal was certified by 200 draws without a wrong link; later 3 of 40 turn out to be wrong
    confidence = np.full(40, 0.99)
    said = np.array([Said.RIGHT] * 37 + [Said.WRONG] * 3, dtype=np.int8)
    link = np.concatenate([np.arange(200) % 37, [37, 38, 39]])
    design, answers = (
        AuditDesign.of(0.95, 0.95, confidence),
        Draws(link, confidence[link], said[link]),
    )

    before = certify(design, answers.first(200), 40, drawn=200)
    after = certify(design, answers, 40, drawn=200)

    assert (before.outcome, before.rests_on) == (Outcome.CERTIFIED, Basis.DRAWS)
    assert (after.outcome, after.rests_on) == (Outcome.REFUTED, Basis.COUNT)
    assert (after.bound, after.upper_bound) == (0.925, 0.925)
    assert after.threshold_from_which_it_holds is None


def test_doubtful_links_of_a_census_leave_it_open_with_nothing_left_to_ask() -> None:
    confidence = np.full(20, 0.9)
    said = np.array([Said.WRONG] + [Said.UNSURE] + [Said.RIGHT] * 18, dtype=np.int8)

    found = certify(
        AuditDesign.of(0.95, 0.95, confidence), Draws(np.arange(20), confidence, said), 20
    )

    assert (found.outcome, found.clicks_left_estimate) == (Outcome.OPEN, 0)
    assert (found.bound, found.upper_bound) == (0.9, 0.95)


def test_a_company_is_right_if_it_is_the_linked_one() -> None:
    assert said_of(Verdict("a", Answer.COMPANY, "c1"), "c1") is Said.RIGHT
    assert said_of(Verdict("a", Answer.COMPANY, "c2"), "c1") is Said.WRONG
    assert said_of(Verdict("a", Answer.NONE), "c1") is Said.WRONG
    assert said_of(Verdict("a", Answer.UNSURE), "c1") is Said.UNSURE


def answer_all(log: DecisionLog, queue_id: str, wrong: set[str], number: int) -> None:
    questions = Questions(log)
    for one in questions.take(queue_id, "ann", count=number):
        answer = Answer.REJECT if one.decision_id in wrong else Answer.ACCEPT
        questions.answer(one.question_id, Verdict(one.decision_id, answer, reviewer="ann"))


def test_an_audit_in_a_log_counts_its_answers_and_takes_back_what_is_withdrawn() -> None:
    with log_of(decisions([0.98] * 300)) as log:
        queue_id = audit_queue(log, Selection(), 0.9, 0.95, seed=0)
        answer_all(log, queue_id, set(), 60)

        certified = status(log, queue_id)
        for _ in range(50):
            Questions(log).undo("ann")
        undone = status(log, queue_id)

    assert (certified.outcome, certified.answered) == (Outcome.CERTIFIED, 60)
    assert (undone.outcome, undone.answered) == (Outcome.OPEN, 10)


def test_an_audit_in_a_log_bets_on_its_draws_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linkage_rl.feedback.queues.DRAWS", 5)
    with log_of(decisions([0.98] * 300)) as log:
        queue_id = audit_queue(log, Selection(), 0.9, 0.95, seed=0)
        # enough to certify if they were draws
        answer_all(log, queue_id, set(), 60)
        found = status(log, queue_id)

    assert (found.outcome, found.answered) == (Outcome.OPEN, 60)
    assert found.clicks_left_estimate == 240


def test_answers_after_an_open_question_do_not_count_yet() -> None:
    with log_of(decisions([0.98] * 300)) as log:
        queue_id = audit_queue(log, Selection(), 0.9, 0.95, seed=0)
        questions = Questions(log)
        skipped, *others = questions.take(queue_id, "ann", count=5)
        for one in others:
            questions.answer(
                one.question_id, Verdict(one.decision_id, Answer.ACCEPT, reviewer="ann")
            )

        before = status(log, queue_id).answered
        questions.answer(
            skipped.question_id, Verdict(skipped.decision_id, Answer.ACCEPT, reviewer="ann")
        )

        assert (before, status(log, queue_id).answered) == (0, 5)


def test_an_audit_is_refused_once_links_of_it_are_forgotten() -> None:
    with log_of(decisions([0.98] * 300)) as log:
        queue_id = audit_queue(log, Selection(), 0.9, 0.95, seed=0)
        log.append(decisions([0.98], "no_match", "other"))
        status(log, queue_id)

        forget(log, Selection(client_id="k7"))
        log.append(decisions([0.98] * 9, list_id="later"))

        # 1 client, who stands at one place or more of the queue
        with pytest.raises(SchemaError, match=r"has forgotten \d+ of them .*: audit new=true"):
            status(log, queue_id)


def test_the_queue_of_another_kind_is_refused() -> None:
    with log_of(decisions([0.98] * 3)) as log:
        queue_id = stratified_queue(log, Selection(), 3, seed=0)

        with pytest.raises(SchemaError, match="expected the queue of an audit"):
            status(log, queue_id)


def test_a_design_is_read_back_from_its_json() -> None:
    design = AuditDesign.of(0.95, 0.9, np.linspace(0.5, 1.0, 1000))

    assert AuditDesign.from_json(design.to_json()) == design
