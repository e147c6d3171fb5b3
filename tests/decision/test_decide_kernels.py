"""The kernels behind `Decider` refuse what would read or write past an array."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision import _decide

SLOTS, BLOCKERS = 3, 2
ACTIONS = SLOTS + 2 + BLOCKERS


def _act(**changes: Any) -> tuple[NDArray[Any], ...]:
    """Two clients: the first links slot 1, the second runs blocker 1."""
    arguments: dict[str, Any] = {
        "logits": np.array([[0, 2, 1, 0, 9, 9, 9], [0, 0, 0, 0, 0, 0, 5]], dtype=np.float32),
        "mask": np.array([[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 1, 1]], dtype=np.int8),
        "candidates": np.array([[7, 8, 9], [4, 5, 6]]),
        "ties": np.array([[0, 1, 1], [0, 1, 2]], dtype=np.int8),
        "cases": np.array([3, 0]),
        "illegal": np.float32(-1e8),
        "actions": ACTIONS,
        "kind": np.full(4, -1, dtype=np.int8),
        "candidate": np.full(4, -1),
        "confidence": np.zeros(4, dtype=np.float32),
        "tied": np.zeros(4, dtype=np.int16),
    } | changes
    found = _decide.act(*arguments.values())
    return *found, arguments["kind"], arguments["candidate"], arguments["tied"]


def test_who_stops_is_decided_and_who_does_not_is_left_alone() -> None:
    blockers, rows, shares, kind, candidate, tied = _act()

    assert (blockers.tolist(), rows.tolist()) == ([-1, 1], [0])
    odds = np.exp([0.0, 2.0, 1.0, 0.0])
    assert shares == pytest.approx((odds / odds.sum())[None, :3])
    assert (kind.tolist(), candidate.tolist(), tied.tolist()) == (
        [-1, -1, -1, 1],
        [-1, -1, -1, 8],
        [0, 0, 0, 2],
    )


def test_a_plan_leaves_no_blocker_to_choose() -> None:
    blockers, rows, _, kind, candidate, _ = _act(actions=SLOTS + 2)

    assert (blockers.tolist(), rows.tolist()) == ([-1, -1], [0, 1])
    assert (kind[0], candidate[0]) == (1, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"cases": np.array([3, 4])},
        {"cases": np.array([3, -1])},
        {"cases": np.array([3])},
        {"actions": ACTIONS + 1},
        {"actions": SLOTS + 1},
        {"logits": np.zeros((1, ACTIONS), np.float32)},
        {"mask": np.ones((2, ACTIONS - 1), np.int8)},
        {"ties": np.zeros((2, SLOTS - 1), np.int8)},
        {"candidates": np.zeros((1, SLOTS), np.int64)},
        {"tied": np.zeros(3, np.int16)},
        {"candidates": np.zeros((2, 128), np.int64), "ties": np.zeros((2, 128), np.int8)},
    ],
)
def test_actions_on_arrays_of_other_sizes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        _act(**changes)


def test_clients_are_grouped_by_the_blocker_that_they_run() -> None:
    ran = np.array([0, 0b10, 0, 0b1], dtype=np.uint16)

    going, runs = _decide.groups(np.array([3, 0, 1, 2]), np.array([4, -1, 0, 4]), ran)

    assert going.tolist() == [3, 1, 2]
    assert [(blocker, cases.tolist()) for blocker, cases in runs] == [(0, [1]), (4, [3, 2])]
    assert ran.tolist() == [0, 0b11, 0b10000, 0b10001]


@pytest.mark.parametrize(
    ("cases", "blockers"), [([4], [0]), ([-1], [0]), ([0], [16]), ([0], [-2]), ([0, 1], [0])]
)
def test_groups_of_unknown_clients_or_blockers_are_refused(
    cases: list[int], blockers: list[int]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        _decide.groups(np.array(cases), np.array(blockers), np.zeros(4, dtype=np.uint16))


@pytest.mark.parametrize(("rows", "ties"), [([2], 2), ([-1], 2), ([0, 1], 2), ([0], 1)])
def test_shortlists_of_unknown_rows_are_refused(rows: list[int], ties: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        _decide.shorten(
            np.array(rows),
            np.zeros((1, SLOTS), np.float32),
            np.zeros((2, SLOTS), np.int64),
            np.zeros((ties, SLOTS), np.int8),
            2,
        )


def test_shares_need_an_action_for_no_match() -> None:
    with pytest.raises(ValueError, match="expected"):
        _decide.slot_shares(np.zeros((1, SLOTS), np.float32), SLOTS)
    with pytest.raises(ValueError, match="expected"):
        _decide.raw_confidence(np.zeros((1, SLOTS), np.float32), np.zeros((1, SLOTS), np.int8))


@pytest.mark.parametrize("kept", [0, 2, SLOTS, 129, 300, 1000])
def test_a_shortlist_may_be_longer_than_there_are_slots(kept: int) -> None:
    shares = np.array([[0.2, 0.5, 0.1]], dtype=np.float32)
    ties = np.array([[0, 1, 0]], dtype=np.int8)

    ids, weights, tied = _decide.shorten(np.array([0]), shares, np.array([[7, 8, 9]]), ties, kept)

    filled = min(kept, SLOTS)
    assert ids[0, :filled].tolist() == [8, 7, 9][:filled]
    assert weights[0, :filled] == pytest.approx([0.5, 0.15, 0.15][:filled])
    assert tied[0, :filled].tolist() == [1, 2, 2][:filled]
    assert (ids[0, filled:] == -1).all()
    assert not weights[0, filled:].any()


def test_a_shortlist_of_fewer_than_none_is_refused() -> None:
    shares, ties = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int8)

    with pytest.raises(ValueError, match="expected to keep 0 candidates or more, got -1"):
        _decide.shorten(np.array([0]), shares, np.array([[7]]), ties, -1)


def test_ties_beyond_the_slots_are_ties_like_any_other() -> None:
    shares = np.array([[0.2, 0.5, 0.1]], dtype=np.float32)
    ties = np.array([[127, 127, 3]], dtype=np.int8)

    ids, weights, tied = _decide.shorten(np.array([0]), shares, np.array([[7, 8, 9]]), ties, 3)

    assert ids.tolist() == [[8, 7, 9]]
    assert weights[0] == pytest.approx([0.35, 0.35, 0.1])
    assert tied.tolist() == [[2, 2, 1]]


@pytest.mark.parametrize("first", [np.nan, np.inf, -np.inf])
def test_no_confidence_comes_of_an_action_that_is_no_number(first: float) -> None:
    logits = np.array([[first, 2, 1, 0, 0, 0, 0], [first] * ACTIONS], dtype=np.float32)
    confidence = np.zeros(4, dtype=np.float32)
    every = np.ones((2, ACTIONS), dtype=np.int8)

    *_, kind, candidate, _ = _act(logits=logits, mask=every, confidence=confidence)

    assert np.isfinite(confidence).all()
    assert (kind[3], candidate[3]) == (1, 7 if first > 0 else 8)
    # a client of whom the policy says nothing at all has no match
    assert kind[0] == (0 if np.isnan(first) else 1)
