"""Queues of a log: whom they ask, in which order, with which chance."""

from collections import Counter
from dataclasses import replace

import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.feedback.queues import audit_queue, review_queue, stratified_queue
from tests.logged_decisions import decisions, falling, log_of


def asked_by(log: DecisionLog, queue_id: str) -> list[str]:
    questions = Questions(log).take(queue_id, "ann", count=1000)
    return [one.decision_id for one in questions]


def test_a_stratified_queue_asks_about_decisions_without_a_verdict() -> None:
    with log_of(decisions(falling(50))) as log:
        log.add_verdicts([Verdict("list000000", Answer.ACCEPT)])

        queue_id = stratified_queue(log, Selection(list_id="list"), 30, seed=1)

        asked = asked_by(log, queue_id)
        queue = Questions(log).queue(queue_id)
    assert len(set(asked)) == 30
    assert "list000000" not in asked
    assert (queue.kind, queue.questions, queue.settings["seed"]) == ("stratified", 30, 1)


def test_a_stratified_queue_asks_about_each_client_once_though_the_list_was_linked_again() -> None:
    """Two clients in two lists; one of them was judged in the first list."""
    with log_of(decisions([0.9, 0.8], list_id="a")) as log:
        again = decisions([0.9, 0.8, 0.7], list_id="b")
        again = replace(again, client_hash=["a000000", "a000001", "b000002"])
        log.append(again)
        log.add_verdicts([Verdict("a000000", Answer.ACCEPT)])

        asked = asked_by(log, stratified_queue(log, Selection(), 10, seed=1))

        assert sorted(asked) == ["a000001", "b000002"]
        second = asked_by(log, stratified_queue(log, Selection(list_id="b"), 10, seed=1))
        assert sorted(second) == ["b000001", "b000002"]


def test_the_same_seed_asks_the_same() -> None:
    with log_of(decisions(falling(50))) as log:
        asked = [
            asked_by(log, stratified_queue(log, Selection(), 20, seed=seed)) for seed in (1, 1, 2)
        ]

    assert asked[0] == asked[1] != asked[2]


def test_a_review_queue_has_every_decision_review_the_surest_first() -> None:
    rows = decisions([0.9, 0.4, 0.6, 0.5], ["link", "review", "review", "no_match"])
    with log_of(rows) as log:
        queue_id = review_queue(log, Selection(list_id="list"))

        assert asked_by(log, queue_id) == ["list000002", "list000001"]


def test_a_queue_of_one_customer_asks_about_nobody_else() -> None:
    with log_of(decisions([0.9], list_id="a", customer="one")) as log:
        log.append(decisions([0.9], list_id="b", customer="two"))

        queue_id = stratified_queue(log, Selection(customer="two"), 10, seed=0)

        assert asked_by(log, queue_id) == ["b000000"]


def test_an_audit_draws_unsure_links_more_often_and_ends_with_everyone_in_a_short_list() -> None:
    rows = decisions([0.99] * 90 + [0.6] * 10 + [0.6] * 5, ["link"] * 100 + ["review"] * 5)
    with log_of(rows) as log:
        queue_id = audit_queue(log, Selection(list_id="list"), 0.95, 0.95, seed=0)

        asked = asked_by(log, queue_id)
        queue = Questions(log).queue(queue_id)
    first = Counter(one >= "list000090" for one in asked[:20])
    assert sorted(asked) == [f"list{place:06}" for place in range(100)]
    # an even draw would ask about 2 of them
    assert first[True] >= 4
    assert queue.settings["goal"] == 0.95


def test_the_chances_of_an_audit_are_those_of_one_draw() -> None:
    with log_of(decisions([0.99] * 9 + [0.6])) as log:
        queue_id = audit_queue(log, Selection(), 0.95, 0.95, seed=0)

        chances = {one.decision_id: one.chance for one in Questions(log).take(queue_id, "a", 10)}
    assert sum(chances.values()) == pytest.approx(1)
    assert chances["list000009"] > 2 * chances["list000000"]


def test_nothing_to_ask_about_is_one_sentence() -> None:
    with log_of(decisions([0.9], "no_match")) as log:
        with pytest.raises(ConfigError, match=r"got none for .*'nobody'"):
            stratified_queue(log, Selection(customer="nobody"), 10, seed=0)
        with pytest.raises(ConfigError, match="expected decisions to ask about"):
            audit_queue(log, replace(Selection(), action="link"), 0.95, 0.95, seed=0)
        with pytest.raises(ConfigError, match="expected goal between 0 and 1, got 95"):
            audit_queue(log, Selection(), 95, 0.95, seed=0)
        for size in (0, 1_000_001, int(1e300)):
            with pytest.raises(ConfigError, match=r"of 1 to 1,000,000 questions, got size="):
                stratified_queue(log, Selection(), size, seed=0)
