"""Groups of clients with an equal key, and what mates say of a company."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision import _mates
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.mates import MIN_SHARE, PROPOSED, RELATIONS, Groups
from linkage_rl.records import SHORTLIST

CORE, STEM, KANA, ADDRESS, BOTH, CHAIN = range(len(RELATIONS))


def first_pass(
    keys: list[tuple[int, int, int, int]], candidates: list[dict[int, float]]
) -> FirstPass:
    """Clients with these keys and these shares by company."""
    ids = np.full((len(keys), SHORTLIST), -1, dtype=np.int32)
    shares = np.zeros((len(keys), SHORTLIST), dtype=np.float32)
    for client, own in enumerate(candidates):
        for slot, (company, share) in enumerate(sorted(own.items(), key=lambda one: -one[1])):
            ids[client, slot], shares[client, slot] = company, share
    no_match = (1 - shares.sum(axis=1)).astype(np.float32)
    return FirstPass(
        ids, shares, (ids >= 0).astype(np.int16), no_match, np.array(keys, dtype=np.uint64)
    )


def group_of(first: FirstPass, relation: int, lists: list[int] | None = None) -> list[int]:
    """Group of each client, -1 where it has no mate."""
    groups = Groups.of(first, None if lists is None else np.array(lists))
    found: list[int] = groups.of_client[relation].tolist()
    return found


def entries_of(first: FirstPass, relation: int, client: int) -> dict[int, tuple[float, float, int]]:
    """Company to the sum and the highest of its shares, and how many have it as their best."""
    groups = Groups.of(first)
    group = groups.of_client[relation, client]
    begin, end = groups.bounds[groups.first_bound[relation] + group :][:2].tolist()
    return {
        int(groups.company[at]): (
            round(float(groups.total[at]) / (1 << 12), 2),
            round(float(groups.highest[at, 0]), 4),
            int(groups.best_of[at]),
        )
        for at in range(begin, end)
    }


THREE_OF_ONE_CORE = first_pass(
    [(7, 7, 0, 1), (7, 7, 0, 2), (7, 7, 0, 3), (8, 8, 0, 3)],
    [{50: 0.2, 51: 0.1}, {50: 0.9}, {50: 0.4, 52: 0.3}, {53: 0.5}],
)


def test_shares_are_added_up_within_a_group() -> None:
    assert entries_of(THREE_OF_ONE_CORE, CORE, 0) == {
        50: (1.5, 0.9, 3),
        51: (0.1, 0.1, 0),
        52: (0.3, 0.3, 0),
    }
    assert entries_of(THREE_OF_ONE_CORE, ADDRESS, 3) == {
        50: (0.4, 0.4, 1),
        52: (0.3, 0.3, 0),
        53: (0.5, 0.5, 1),
    }


def test_a_client_alone_has_no_mates() -> None:
    assert group_of(THREE_OF_ONE_CORE, CORE) == [0, 0, 0, -1]
    assert group_of(THREE_OF_ONE_CORE, ADDRESS) == [-1, -1, 0, 0]
    assert group_of(THREE_OF_ONE_CORE, KANA) == [-1] * 4, "no kana is no key"


def test_mates_of_mates_are_one_chain() -> None:
    assert group_of(THREE_OF_ONE_CORE, CHAIN) == [0] * 4, "client 3 shares client 2's address"
    assert entries_of(THREE_OF_ONE_CORE, CHAIN, 3)[50] == (1.5, 0.9, 3)


def test_core_and_address_must_both_be_equal() -> None:
    first = first_pass(
        [(7, 7, 0, 1), (7, 7, 0, 1), (7, 7, 0, 2), (8, 8, 0, 1), (7, 7, 0, 0), (7, 7, 0, 0)],
        [{50: 0.2}] * 6,
    )
    assert group_of(first, BOTH) == [0, 0, -1, -1, -1, -1]


def test_long_chains_are_found_whole() -> None:
    # client i shares its core with the next one, or its address
    keys = [(100 + i // 2, 100 + i // 2, 0, 500 + (i + 1) // 2) for i in range(400)]
    first = first_pass(keys, [{1: 0.5}] * len(keys))
    assert group_of(first, CHAIN) == [0] * len(keys)


def test_a_building_of_many_is_no_link_of_a_chain() -> None:
    keys = [(100 + i, 100 + i, 0, 9) for i in range(40)]
    first = first_pass(keys, [{i: 0.5} for i in range(40)])
    assert group_of(first, CHAIN) == [-1] * 40
    assert group_of(first, ADDRESS) == [0] * 40


def test_a_group_proposes_its_best_companies_in_order() -> None:
    candidates = [{10: 0.2}, {11: 0.9}, {12: 0.5}, {13: 0.1}, {11: 0.3, 14: 0.2}]
    first = first_pass([(7, 7, 0, 0)] * 5, candidates)
    groups = Groups.of(first)
    proposed = groups.proposed[groups.first_proposed[CORE] :][:PROPOSED]
    assert proposed.tolist() == [11, 12, 10], "14 is no member's best, 13 has too little"


def test_clients_of_different_lists_are_no_mates() -> None:
    first = first_pass([(7, 7, 0, 0)] * 4, [{10: 0.2}] * 4)
    assert group_of(first, CORE, [0, 0, 1, 2]) == [0, 0, -1, -1]


def test_a_hundred_thousand_clients_of_one_core_take_a_moment() -> None:
    clients = 100_000
    rng = np.random.default_rng(3)
    ids: NDArray[np.int32] = rng.integers(0, 1 << 30, (clients, SHORTLIST), dtype=np.int32)
    raw = rng.random((clients, SHORTLIST), dtype=np.float32) / SHORTLIST
    shares = np.sort(raw)[:, ::-1].astype(np.float32)
    keys = np.zeros((clients, 4), dtype=np.uint64)
    keys[:, :2] = 5
    no_match: NDArray[np.float32] = (1 - shares.sum(axis=1)).astype(np.float32)
    first = FirstPass(
        ids,
        shares,
        (ids >= 0).astype(np.int16),
        no_match,
        keys,
    )
    begin = time.perf_counter()
    groups = Groups.of(first)
    assert time.perf_counter() - begin < 5
    assert groups.sizes.tolist() == [clients] * 2, "core and stem; the chain would be too long"
    counted = shares[(shares >= MIN_SHARE) | (np.arange(SHORTLIST) == 0)].astype(np.float64)
    assert groups.total.sum() == 2 * np.floor(counted * (1 << 12) + 0.5).sum()


def test_the_kernel_refuses_what_would_write_past_its_room() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    own, groups = np.zeros((1, SHORTLIST), np.int32), np.zeros((6, 1), np.int32)

    with pytest.raises(
        ValueError, match="at most 64 companies per client, got 4 of its own and 20"
    ):
        _mates.count_pairs(np.zeros(1, np.int64), own, groups, nothing, nothing, 20)
