"""Groups of clients with an equal key, and what mates say of a company."""

import time

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.first_pass import KEPT, FirstPass
from linkage_rl.decision.mates import PROPOSED, RELATIONS, relations

CORE, STEM, KANA, ADDRESS, BOTH, CHAIN = range(len(RELATIONS))


def first_pass(
    keys: list[tuple[int, int, int, int]], candidates: list[dict[int, float]]
) -> FirstPass:
    """Clients with these keys and these shares by company."""
    ids = np.full((len(keys), KEPT), -1, dtype=np.int32)
    shares = np.zeros((len(keys), KEPT), dtype=np.float32)
    for client, own in enumerate(candidates):
        for slot, (company, share) in enumerate(sorted(own.items(), key=lambda one: -one[1])):
            ids[client, slot], shares[client, slot] = company, share
    no_match = (1 - shares.sum(axis=1)).astype(np.float32)
    return FirstPass(ids, shares, no_match, np.array(keys, dtype=np.uint64))


def claims_of(
    first: FirstPass, relation: int, client: int, company: int
) -> tuple[int, float, float, int]:
    """Mates, highest share, mean share, and mates whose best it is."""
    own = first.candidates[client] == company
    share = first.shares[client][own].sum(keepdims=True).astype(np.float32)
    found = relations(first)[relation].claims(
        np.array([client]), np.array([company]), share, np.array([bool(own[0])])
    )
    return (
        int(found.mates[0]),
        round(float(found.highest[0]), 4),
        round(float(found.mean[0]), 4),
        int(found.best_of[0]),
    )


THREE_OF_ONE_CORE = first_pass(
    [(7, 7, 0, 1), (7, 7, 0, 2), (7, 7, 0, 3), (8, 8, 0, 3)],
    [{50: 0.2, 51: 0.1}, {50: 0.9}, {50: 0.4, 52: 0.3}, {53: 0.5}],
)


def test_what_mates_say_leaves_the_client_out() -> None:
    assert claims_of(THREE_OF_ONE_CORE, CORE, 0, 50) == (2, 0.9, 0.65, 2)
    assert claims_of(THREE_OF_ONE_CORE, CORE, 1, 50) == (2, 0.4, 0.3, 2)
    assert claims_of(THREE_OF_ONE_CORE, CORE, 0, 52) == (2, 0.3, 0.15, 0)
    assert claims_of(THREE_OF_ONE_CORE, CORE, 0, 51) == (2, 0.0, 0.0, 0)


def test_a_client_alone_has_no_mates() -> None:
    assert claims_of(THREE_OF_ONE_CORE, CORE, 3, 53) == (0, 0.0, 0.0, 0)
    assert claims_of(THREE_OF_ONE_CORE, KANA, 0, 50) == (0, 0.0, 0.0, 0), "no kana is no key"


def test_mates_of_mates_are_one_chain() -> None:
    chain = relations(THREE_OF_ONE_CORE)[CHAIN].group
    assert len(set(chain.tolist())) == 1, "client 3 shares the address of client 2"
    assert claims_of(THREE_OF_ONE_CORE, CHAIN, 3, 50) == (3, 0.9, 0.5, 3)


def test_core_and_address_must_both_be_equal() -> None:
    first = first_pass(
        [(7, 7, 0, 1), (7, 7, 0, 1), (7, 7, 0, 2), (8, 8, 0, 1), (7, 7, 0, 0), (7, 7, 0, 0)],
        [{50: 0.2}] * 6,
    )
    group = relations(first)[BOTH].group
    assert group[0] == group[1] >= 0
    assert group[2:].tolist() == [-1, -1, -1, -1]


def test_long_chains_are_found_whole() -> None:
    # client i shares its core with the next one, or its address
    keys = [(100 + i // 2, 100 + i // 2, 0, 500 + (i + 1) // 2) for i in range(400)]
    first = first_pass(keys, [{1: 0.5}] * len(keys))
    group = relations(first)[CHAIN].group
    assert (group == 0).all()


def test_a_building_of_many_is_no_link_of_a_chain() -> None:
    keys = [(100 + i, 100 + i, 0, 9) for i in range(40)]
    first = first_pass(keys, [{i: 0.5} for i in range(40)])
    assert (relations(first)[CHAIN].group == -1).all()
    assert (relations(first)[ADDRESS].group == 0).all()


def test_a_group_proposes_its_best_companies_in_order() -> None:
    candidates = [{10: 0.2}, {11: 0.9}, {12: 0.5}, {13: 0.1}, {11: 0.3, 14: 0.2}]
    first = first_pass([(7, 7, 0, 0)] * 5, candidates)
    proposals = relations(first)[CORE].proposals
    assert proposals.shape == (1, PROPOSED)
    assert proposals[0].tolist() == [11, 12, 10], "14 is no member's best, 13 has too little"


def test_clients_of_different_lists_are_no_mates() -> None:
    first = first_pass([(7, 7, 0, 0)] * 4, [{10: 0.2}] * 4)
    group = relations(first, np.array([0, 0, 1, 2]))[CORE].group
    assert group[0] == group[1] >= 0
    assert group[2:].tolist() == [-1, -1]


def test_a_hundred_thousand_clients_of_one_core_take_a_moment() -> None:
    clients = 100_000
    rng = np.random.default_rng(3)
    ids: NDArray[np.int32] = rng.integers(0, 1 << 30, (clients, KEPT), dtype=np.int32)
    shares = np.sort(rng.random((clients, KEPT), dtype=np.float32) / KEPT)[:, ::-1].copy()
    keys = np.zeros((clients, 4), dtype=np.uint64)
    keys[:, :2] = 5
    first = FirstPass(ids, shares, 1 - shares.sum(axis=1), keys)
    begin = time.perf_counter()
    core = relations(first)[CORE]
    assert time.perf_counter() - begin < 5
    assert core.sizes.tolist() == [clients]
    assert core.total.sum() == np.rint(shares.astype(np.float64) * (1 << 20)).sum()
