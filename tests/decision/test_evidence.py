"""What a policy saw comes with the decisions, and is the same when it is read back."""

from dataclasses import replace

import numpy as np

from linkage_rl.decision.evidence import Evidence, EvidenceRecorder
from linkage_rl.records import Observation, RecordBatch
from tests.small_table import client_records, small_index
from tests.test_linker import ASKED, linker


def recorded() -> Evidence:
    """Two clients of one round: the first with three candidates, the second with one."""
    candidates = np.zeros((2, 3, 2), dtype=np.float32)
    candidates[0] = [[0.2, 0.0], [1.0, 0.6], [0.2, 0.4]]
    candidates[1, 0] = [0.5, 0.5]
    observation = Observation(
        candidates=candidates,
        query=np.array([[1.0], [0.0]], dtype=np.float32),
        state=np.array([[0.2, 0.4], [0.6, 0.8]], dtype=np.float32),
        action_mask=np.ones((2, 5), dtype=np.int8),
        slot_candidates=np.array([[0, 1, 2], [3, -1, -1]]),
        ties=np.array([[0, 1, 0], [0, -1, -1]], dtype=np.int8),
    )
    recorder = EvidenceRecorder(small_index())
    shares = np.array([[0.3, 0.5, 0.1], [0.25, 0.0, 0.0]], dtype=np.float32)
    confidence = np.array([0.25, 0.5], dtype=np.float32)
    # the round holds client 1 before client 0
    recorder.add(np.array([1, 0]), observation, np.array([1, 0]), shares[[1, 0]], confidence)
    evidence = recorder.evidence()
    assert evidence is not None
    return evidence


def test_candidates_come_client_after_client_by_falling_share() -> None:
    evidence = recorded()

    assert evidence.counts.tolist() == [3, 1]
    assert np.allclose(evidence.shares, [0.5, 0.3, 0.1, 0.25])
    assert evidence.candidates.tolist() == [[255, 153], [51, 0], [51, 102], [128, 128]]
    assert evidence.query.tolist() == [[255], [0]]
    assert evidence.state.tolist() == [[51, 102], [153, 204]]
    assert np.allclose(evidence.no_match, [0.1, 0.75])
    assert evidence.raw_confidence.tolist() == [0.5, 0.25]
    ids = small_index().company_ids(np.arange(4))
    assert evidence.shown == [[ids[1], ids[0], ids[2]], [ids[3]]]


def test_candidates_that_were_tied_point_to_the_best_of_them() -> None:
    evidence = recorded()

    # slots 0 and 2 were tied and are now in places 1 and 2
    assert evidence.ties.tolist() == [0, 1, 1, 0]


def test_clients_can_be_taken_cut_and_joined() -> None:
    whole = recorded()

    turned = whole.take(np.array([1, 0]))
    joined = Evidence.concatenate([whole.between(0, 1), whole.between(1, 2)])

    assert turned.counts.tolist() == [1, 3]
    assert np.allclose(turned.shares, [0.25, 0.5, 0.3, 0.1])
    assert turned.shown == [whole.shown[1], whole.shown[0]]
    assert np.array_equal(joined.candidates, whole.candidates)
    assert joined.shown == whole.shown


def test_a_linker_gives_the_evidence_of_every_client_and_decides_as_without() -> None:
    records = client_records(*ASKED)

    plain = linker().link(records)
    linked = replace(linker(), keeps_evidence=True).link(records)

    assert plain.evidence is None
    assert linked.evidence is not None
    assert linked.company_ids == plain.company_ids
    assert len(linked.evidence) == len(ASKED)
    for place, company_id in enumerate(linked.company_ids):
        assert not company_id or linked.evidence.shown[place][0] == company_id
    assert linked.evidence.counts[4] == 0, "a client without fields has no candidate"


def test_evidence_is_cut_with_the_decisions() -> None:
    linked = replace(linker(), keeps_evidence=True).link(client_records(*ASKED))

    part = linked.between(1, 3)

    assert linked.evidence is not None
    assert part.evidence is not None
    assert part.evidence.shown == linked.evidence.shown[1:3]


def test_no_client_has_no_evidence() -> None:
    linked = replace(linker(), keeps_evidence=True).link(RecordBatch([], {"name": []}))

    assert len(linked) == 0
    assert linked.evidence is None
