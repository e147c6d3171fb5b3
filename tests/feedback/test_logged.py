"""Verdicts of a log become judged cases; those that cannot be learned from are counted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.agents.scorer import ScorerConfig
from linkage_rl.decision.evidence import Evidence
from linkage_rl.decision_log.evidence import pack
from linkage_rl.decision_log.rows import EVERYTHING, Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.feedback.answers import Says
from linkage_rl.feedback.logged import (
    Format,
    asking_weight,
    check_some,
    meaning,
    read_sample,
    read_unjudged,
    read_verdicts,
)
from tests.logged_decisions import logged_link

WANTED = Format.of(ScorerConfig(features=2, query=1, blockers=1), ["core"], 5)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DecisionLog]:
    with DecisionLog.open(str(tmp_path / "log.db")) as opened:
        yield opened


def packed(candidates: int) -> bytes:
    """What a policy saw of a client with so many candidates."""
    evidence = Evidence(
        np.array([candidates]),
        np.full((candidates, 2), 51, dtype=np.uint8),
        np.full(candidates, 0.1, dtype=np.float32),
        np.arange(candidates, dtype=np.uint8),
        np.array([[255]], dtype=np.uint8),
        np.array([[255, 102, 0]], dtype=np.uint8),
        np.array([0.1], dtype=np.float32),
        np.array([0.1], dtype=np.float32),
        [],
    )
    return pack(evidence)[0]


def decided(log: DecisionLog, number: int, candidates: int = 3, **changes: str) -> str:
    shown = [f"c{place}" for place in range(candidates)]
    given = {"features": WANTED.features} | changes
    return logged_link(log, number, shown, packed(candidates), **given)


@pytest.mark.parametrize(
    ("action", "answer", "company", "says"),
    [
        ("link", Answer.ACCEPT, "", (Says.RIGHT, "c0")),
        ("link", Answer.REJECT, "", (Says.WRONG, "c0")),
        ("no_match", Answer.ACCEPT, "", (Says.NO_COMPANY, "")),
        ("no_match", Answer.REJECT, "", (Says.SOME_COMPANY, "")),
        ("review", Answer.ACCEPT, "", (Says.NOTHING, "")),
        ("link", Answer.COMPANY, "c2", (Says.RIGHT, "c2")),
        ("link", Answer.NONE, "", (Says.NO_COMPANY, "")),
        ("link", Answer.UNSURE, "", (Says.NOTHING, "")),
    ],
)
def test_the_meaning_of_a_verdict_depends_on_the_decision(
    action: str, answer: Answer, company: str, says: tuple[Says, str]
) -> None:
    linked = "c0" if action == "link" else ""

    assert meaning(action, linked, Verdict("d", answer, company)) == says


def test_verdicts_become_allowed_answers(log: DecisionLog) -> None:
    """Three candidates each; the slots are c0, c1, c2, then no match."""
    ids = [decided(log, number, customer="ACME") for number in range(4)]
    log.add_verdicts(
        [
            Verdict(ids[0], Answer.ACCEPT),
            Verdict(ids[1], Answer.REJECT),
            Verdict(ids[2], Answer.COMPANY, "c1"),
            Verdict(ids[3], Answer.COMPANY, "elsewhere"),
        ]
    )

    found = read_verdicts(log, EVERYTHING, WANTED)

    assert found.decision_ids == ids
    assert found.customers == ["ACME"] * 4
    # a company that was not among the three is none of them
    assert found.judged.allowed.astype(int).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 1],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
    ]
    assert found.judged.cases.candidates[0, 0].tolist() == pytest.approx([0.2, 0.2])


def test_what_cannot_be_learned_is_counted(log: DecisionLog) -> None:
    other = decided(log, 1, features="other")
    without = logged_link(log, 2, ["c0"], b"", WANTED.features)
    unsure = decided(log, 3)
    log.add_verdicts(
        [
            Verdict(other, Answer.ACCEPT),
            Verdict(without, Answer.ACCEPT),
            Verdict(unsure, Answer.UNSURE),
        ]
    )

    found = read_verdicts(log, EVERYTHING, WANTED)

    assert len(found) == 0
    assert found.left_out == {
        "logged with other features or blockers": 1,
        "logged without what the policy saw": 1,
        "verdicts that say nothing of the shown candidates": 1,
    }
    with pytest.raises(SchemaError, match=r"got none \(1 logged with other features"):
        check_some(found, log, "bundle")


def test_only_the_selected_customer_is_read(log: DecisionLog) -> None:
    ids = [decided(log, number, customer=name) for number, name in enumerate("aab")]
    log.add_verdicts([Verdict(one, Answer.ACCEPT) for one in ids])

    assert len(read_verdicts(log, Selection(customer="a"), WANTED)) == 2


def test_verdicts_sent_unasked_are_weighted_by_their_chance() -> None:
    """Rejects are told of 60 % of the wrong links, accepts of 5 % of the right ones."""
    assert asking_weight(Verdict("d", Answer.REJECT, chance=0.6)) == pytest.approx(1 / 0.6)
    assert asking_weight(Verdict("d", Answer.ACCEPT, chance=0.05)) == pytest.approx(20)
    # no verdict counts as much as more than twenty others
    assert asking_weight(Verdict("d", Answer.ACCEPT, chance=0.001)) == 20
    assert asking_weight(Verdict("d", Answer.ACCEPT, chance=1e-320, verdict_id=1)) == 20
    # a queue asks whatever the answer will be
    assert asking_weight(Verdict("d", Answer.ACCEPT, chance=0.05, question_id=7)) == 1


def test_unjudged_clients_are_those_without_a_verdict_that_counts(log: DecisionLog) -> None:
    ids = [decided(log, number) for number in range(4)]
    log.add_verdicts(
        [
            Verdict(ids[0], Answer.ACCEPT, reviewer="kim"),
            Verdict(ids[1], Answer.ACCEPT, reviewer="kim"),
            Verdict(ids[1], Answer.WITHDRAWN, reviewer="kim"),
        ]
    )

    rows, cases = read_unjudged(log, EVERYTHING, WANTED, limit=2)

    assert list(rows.decision_id) == [ids[1], ids[2]]
    assert len(cases) == 2
    assert len(read_sample(log, EVERYTHING, WANTED, limit=10)) == 4


def test_a_sample_is_without_the_clients_of_customers_left_out(log: DecisionLog) -> None:
    for number, name in enumerate(["acme", "acme", "other", ""]):
        decided(log, number, customer=name)

    assert len(read_sample(log, EVERYTHING, WANTED, 10, {"acme"})) == 2
    assert len(read_sample(log, EVERYTHING, WANTED, 10, {"acme", ""})) == 1


def test_a_client_who_was_linked_again_is_unjudged_once_and_not_once_judged(
    log: DecisionLog,
) -> None:
    """Decisions 0, 1 and 2 are on one client, 3 and 4 on another; 1 was judged."""
    ids = [decided(log, number, client=name) for number, name in enumerate("aaabb")]
    log.add_verdicts([Verdict(ids[1], Answer.ACCEPT, reviewer="kim")])

    assert list(read_unjudged(log, EVERYTHING, WANTED, limit=9)[0].decision_id) == [ids[3]]

    log.add_verdicts([Verdict(ids[1], Answer.WITHDRAWN, reviewer="kim")])
    assert list(read_unjudged(log, EVERYTHING, WANTED, limit=9)[0].decision_id) == [ids[0], ids[3]]


@pytest.mark.parametrize("chance", [1e-320, 1e-6, 0.0, 1.1, float("nan")])
def test_a_chance_that_would_outweigh_every_other_verdict_is_refused(chance: float) -> None:
    with pytest.raises(SchemaError, match=r"expected a chance from 0\.001 to 1"):
        Verdict("d", Answer.ACCEPT, chance=chance)


def test_the_draws_of_an_audit_may_have_a_small_chance() -> None:
    assert Verdict("d", Answer.ACCEPT, chance=1e-6, question_id=1).chance == 1e-6


@pytest.mark.parametrize("weight", [float("inf"), float("nan"), 0.0])
def test_weights_that_cannot_be_learned_are_refused(log: DecisionLog, weight: float) -> None:
    log.add_verdicts([Verdict(decided(log, 1), Answer.ACCEPT)])
    found = read_verdicts(log, EVERYTHING, WANTED).judged

    with pytest.raises(SchemaError, match="a finite weight above 0"):
        replace(found, weights=np.array([weight], dtype=np.float32))
