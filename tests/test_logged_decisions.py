"""Rows of the decision log from what a linker has decided."""

import json
from dataclasses import replace

import numpy as np

from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision_log.evidence import Shape, unpack
from linkage_rl.decision_log.linked import NEVER, Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linker import Linker
from tests.small_table import client_records
from tests.test_linker import ASKED, LINKED, linker

RECORDS = client_records(*ASKED)


def keeping(thresholds: Thresholds | None = None) -> Linker:
    return replace(linker(thresholds=thresholds), keeps_evidence=True)


def facts(of: Linker) -> Facts:
    return Facts.of(of, "link", "f" * 64, "state", Privacy(b"k" * 32), "acme", "run-1")


def linked() -> LinkedBatch:
    return keeping().link(RECORDS)


def test_a_row_says_what_was_decided_and_on_what() -> None:
    batch = linked()

    rows = rows_of(batch, RECORDS, facts(keeping()), decided_at="2026-01-31T00:00:00.000Z")

    assert rows.company_id == LINKED
    assert rows.action[:3] == ["link", "link", "no_match"]
    assert rows.greedy_action == rows.action
    assert rows.confidence == batch.confidence.tolist()
    assert rows.ran == batch.ran.tolist()
    assert rows.reason == batch.reasons
    assert json.loads(rows.client[0]) == {"name": "五洋建設(株)"}
    first = rows.rows()[0]
    assert first["source"] == "link"
    assert first["customer"] == "acme"
    assert first["list_id"] == "run-1"
    assert first["bundle"] == "f" * 16
    assert first["decided_at"] == "2026-01-31T00:00:00.000Z"
    assert first["propensity"] == 1


def test_shown_candidates_are_json_with_the_linked_company_first() -> None:
    batch = linked()
    assert batch.evidence is not None

    rows = rows_of(batch, RECORDS, facts(keeping()))

    shown = [json.loads(text) for text in rows.shown]
    assert shown[0][0][0] == "goyo"
    assert shown[4] == []
    assert all(len(mine) <= 5 for mine in shown)
    shares = [share for mine in shown for _, share in mine]
    assert np.allclose(shares, batch.evidence.shares, atol=5e-5)
    for mine, no_match in zip(shown, rows.no_match, strict=True):
        assert abs(sum(share for _, share in mine) + no_match - 1) < 1e-3


def test_the_evidence_of_a_row_is_what_the_policy_saw() -> None:
    batch = linked()
    seen = batch.evidence
    assert seen is not None
    shape = Shape(seen.candidates.shape[1], seen.query.shape[1], seen.state.shape[1])

    cases = unpack(list(rows_of(batch, RECORDS, facts(keeping())).evidence), shape)

    assert cases.filled.tolist() == seen.counts.tolist()
    visible = np.arange(cases.candidates.shape[1]) < cases.filled[:, None]
    assert np.allclose(cases.candidates[visible] * 255, seen.candidates, atol=1e-3)
    assert np.allclose(cases.query * 255, seen.query, atol=1e-3)
    assert np.allclose(cases.state * 255, seen.state, atol=1e-3)


def test_random_ids_are_different_and_given_ones_are_kept() -> None:
    batch, mine = linked(), facts(keeping())
    given = [f"{place:032x}" for place in range(len(ASKED))]

    made = rows_of(batch, RECORDS, mine).decision_id

    assert len({*made}) == len(ASKED)
    assert {len(one) for one in made} == {32}
    assert rows_of(batch, RECORDS, mine, given).decision_id == given


def test_evidence_may_be_kept_of_some_clients_only() -> None:
    batch = linked()
    assert batch.evidence is not None
    every_second = np.arange(len(ASKED)) % 2 == 1

    some = PackedEvidence.of(batch.evidence, every_second)
    whole = PackedEvidence.of(batch.evidence)

    assert [bool(one) for one in some.evidence] == every_second.tolist()
    assert some.evidence[1] == whole.evidence[1]
    assert some.shown == whole.shown


def test_decisions_without_evidence_show_the_candidates_of_the_result() -> None:
    batch = replace(linker(), shown=2).link(RECORDS)

    rows = rows_of(batch, RECORDS, facts(linker()))

    assert [len(json.loads(one)) for one in rows.shown] == batch.candidates.counts.tolist()  # type: ignore[union-attr]
    assert set(rows.evidence) == {b""}
    assert json.loads(rows_of(linker().link(RECORDS), RECORDS, facts(linker())).shown[0]) == []


def test_thresholds_are_those_that_decided() -> None:
    with_review = facts(keeping(Thresholds(0.7, 0.4)))

    assert (with_review.link_threshold, with_review.review_threshold) == (0.7, 0.4)
    assert facts(keeping()).link_threshold == NEVER
