"""Duplicates of a list: no client finds itself, pairs from both sides, and groups."""

import numpy as np
import pytest

from linkage_rl.candidates.blockers import Clients, KeyBlocker, NgramBlocker
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.duplicates import (
    DuplicatePairs,
    OwnList,
    decide_duplicates,
    duplicate_pairs,
    group_duplicates,
)
from linkage_rl.records import DecisionKind, RecordBatch
from linkage_rl.text.canonical import canonicalise
from tests.decision.test_mates import first_pass

NAMES = ["青空商事株式会社", "山田製作所", "㈱青空商事", "青空商事株式会社", "山田製作所"]
RECORDS = RecordBatch(["a", "b", "c", "a", "b"], {"name": NAMES})


def pairs(*of: tuple[int, int, float]) -> DuplicatePairs:
    one, other, probability = zip(*of, strict=True) if of else ((), (), ())
    return DuplicatePairs(
        np.array(one, np.int64), np.array(other, np.int64), np.array(probability, np.float32)
    )


@pytest.mark.parametrize(
    ("blocker", "wanted"),
    [(KeyBlocker("name"), [[], [0], [1]]), (NgramBlocker(), [[0, 3], [0, 2], [1]])],
)
def test_no_client_finds_itself(
    blocker: KeyBlocker | NgramBlocker, wanted: list[list[int]]
) -> None:
    own = OwnList.of([RECORDS.take([0, 1]), RECORDS.take([2, 3, 4])])
    clients = Clients.of(canonicalise(RECORDS.take([2, 3, 4])))

    found = own.seen_from(2).propose(blocker, clients, np.arange(3), 4)

    assert [sorted(row[row >= 0].tolist()) for row in found.rows] == wanted
    assert found.rows.shape == found.retrieval_score.shape == (3, 4)
    assert ((found.rows >= 0) == (found.retrieval_score > 0)).all()
    assert own.records(np.arange(5)).columns["name"] == NAMES


def test_a_full_list_of_candidates_has_room_without_the_client_itself() -> None:
    own = OwnList.of([RecordBatch(["x"] * 9, {"name": ["青空商事"] * 9})])
    clients = Clients.of(canonicalise(RecordBatch(["x"], {"name": ["青空商事"]})))

    found = own.seen_from(0).propose(NgramBlocker(), clients, np.arange(1), 3)

    assert (found.rows > 0).sum() == 3


def test_a_pair_has_the_probability_that_its_surer_client_gives_it() -> None:
    keys = [(0, 0, 0, 0)] * 3
    # client 0 shares its confidence out among two duplicates, and no match has nothing
    first = first_pass(keys, [{1: 0.5, 2: 0.5}, {0: 0.2}, {}])

    found = duplicate_pairs(first, None)

    assert found.one.tolist() == [0, 0]
    assert found.other.tolist() == [1, 2]
    assert found.probability.tolist() == [1, 1]
    halved = Calibration(np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    assert duplicate_pairs(first, halved).probability.tolist() == [0.5, 0.5]
    assert len(duplicate_pairs(first, halved).from_probability(0.6).one) == 0


def test_a_list_without_candidates_has_no_pairs() -> None:
    found = duplicate_pairs(first_pass([(0, 0, 0, 0)] * 2, [{}, {}]), None)

    assert found.one.tolist() == []
    assert group_duplicates(2, found).tolist() == [-1, -1]
    assert decide_duplicates(2, found).candidate.tolist() == [-1, -1]


def test_duplicates_of_duplicates_are_one_group_called_by_its_first_client() -> None:
    assert group_duplicates(6, pairs((1, 5, 1), (3, 5, 1))).tolist() == [-1, 1, -1, 1, -1, 1]


def test_each_client_is_decided_on_its_likeliest_other_one() -> None:
    decisions = decide_duplicates(4, pairs((0, 1, 0.7), (0, 2, 0.7), (1, 2, 0.9), (2, 3, 0.4)))

    assert decisions.candidate.tolist() == [1, 2, 1, 2]
    assert decisions.confidence.tolist() == pytest.approx([0.7, 0.9, 0.9, 0.4])
    assert [DecisionKind(kind).name for kind in decisions.kind] == ["LINK"] * 3 + ["NO_MATCH"]
    assert decide_duplicates(4, pairs((2, 3, 0.4)), 0.4).kind.tolist() == [0, 0, 1, 1]
