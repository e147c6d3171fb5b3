"""Evidence in the log is what the policy saw, in a few hundred bytes."""

import zlib

import numpy as np
import pytest

from linkage_rl.decision.evidence import Evidence
from linkage_rl.decision_log.evidence import Shape, features_version, pack, unpack
from linkage_rl.decision_log.linked import PackedEvidence, ids_of_run
from linkage_rl.errors import SchemaError

SHAPE = Shape(features=2, query=1, state=2)


def evidence() -> Evidence:
    """Three clients with two candidates, none, and one."""
    return Evidence(
        counts=np.array([2, 0, 1]),
        candidates=np.array([[255, 51], [0, 102], [153, 204]], dtype=np.uint8),
        shares=np.array([0.75, 0.125, 0.5], dtype=np.float32),
        ties=np.array([0, 0, 0], dtype=np.uint8),
        query=np.array([[255], [0], [51]], dtype=np.uint8),
        state=np.array([[0, 51], [51, 102], [255, 0]], dtype=np.uint8),
        no_match=np.array([0.125, 1.0, 0.5], dtype=np.float32),
        raw_confidence=np.array([0.875, 0.0, 0.5], dtype=np.float32),
        shown=[["a", 'b"'], [], ["c"]],
    )


def test_clients_are_read_back_in_their_order() -> None:
    cases = unpack(pack(evidence()), SHAPE)

    assert cases.filled.tolist() == [2, 0, 1]
    assert np.allclose(cases.candidates[0], [[1.0, 0.2], [0.0, 0.4]])
    assert np.allclose(cases.candidates[1], 0)
    assert np.allclose(cases.candidates[2], [[0.6, 0.8], [0.0, 0.0]])
    assert np.allclose(cases.query, [[1.0], [0.0], [0.2]])
    assert np.allclose(cases.state, [[0.0, 0.2], [0.2, 0.4], [1.0, 0.0]])
    assert cases.ties.tolist() == [[0, 0], [-1, -1], [0, -1]]
    assert cases.action_mask()[:, :3].tolist() == [[1, 1, 1], [0, 0, 1], [1, 0, 1]]


def test_no_client_packs_to_nothing() -> None:
    assert pack(evidence().between(0, 0)) == []
    assert len(unpack([], SHAPE)) == 0


def test_shown_candidates_are_json_whatever_their_ids_hold() -> None:
    packed = PackedEvidence.of(evidence())

    assert packed.shown == ['[["a",0.7500],["b\\"",0.1250]]', "[]", '[["c",0.5000]]']
    assert packed.no_match == [0.125, 1.0, 0.5]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda one: one[:-3], "expected evidence of version 1"),
        (lambda one: b"no zlib", "got damaged bytes"),
        (lambda one: zlib.compress(b"\x09" + zlib.decompress(one)[1:]), "got version 9"),
        (lambda one: zlib.compress(zlib.decompress(one) + b"x"), "expected evidence of version 1"),
        (lambda one: b"", "got version 0"),
    ],
)
def test_damaged_evidence_is_refused(damage: object, sentence: str) -> None:
    assert callable(damage)
    packed = pack(evidence())

    with pytest.raises(SchemaError, match=sentence):
        unpack([packed[1], damage(packed[0])], SHAPE)


def test_another_bundle_has_other_features() -> None:
    names = ("name", "phone")

    assert features_version(names, 25) == features_version(names, 25)
    assert features_version(names, 25) != features_version(names, 30)
    assert features_version(names, 25) != features_version(names[::-1], 25)


def test_ids_of_a_run_depend_on_run_and_place_only() -> None:
    whole = ids_of_run("run", 0, 4)

    assert ids_of_run("run", 2, 2) == whole[2:]
    assert len({*whole, *ids_of_run("other", 0, 4)}) == 8
    assert {len(one) for one in whole} == {32}
