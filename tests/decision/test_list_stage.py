"""The list stage: companies of mates, softmax, and the order of a list that does not count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import (
    CLIENT_FEATURES,
    FLOOR,
    PAIR_FEATURES,
    ClientList,
    decide_list,
    falling,
    softmax,
)
from linkage_rl.records import SHORTLIST
from tests.decision.test_mates import first_pass

SHARE, NO_MATCH = PAIR_FEATURES.index("share"), CLIENT_FEATURES.index("no_match")


@dataclass(frozen=True)
class Weighted:
    """The share of the first pass, raised by what the best mate of equal core gives."""

    weight: float = 0.0

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        mates = pairs[:, PAIR_FEATURES.index("highest_core")]
        own = np.log(np.maximum(pairs[:, SHARE], FLOOR))
        return own + self.weight * mates, np.log(np.maximum(clients[:, NO_MATCH], FLOOR))


def random_list(clients: int, seed: int) -> FirstPass:
    """Clients of which many share a core, an address or a company."""
    rng = np.random.default_rng(seed)
    raw = rng.dirichlet(np.full(SHORTLIST + 1, 0.3), clients).astype(np.float32)
    shares = -np.sort(-raw[:, :SHORTLIST], axis=1)
    ids = np.stack([rng.permutation(300)[:SHORTLIST] for _ in range(clients)]).astype(np.int32)
    gone = rng.random((clients, SHORTLIST)) < 0.2
    gone = np.maximum.accumulate(gone, axis=1)
    ids[gone], shares[gone] = -1, 0
    core = rng.integers(0, clients // 2, clients)
    keys = np.stack([core, core // 2, core * (core % 3 > 0), rng.integers(0, clients, clients)], 1)
    return FirstPass(
        ids, shares, (ids >= 0).astype(np.int16), 1 - shares.sum(axis=1), keys.astype(np.uint64)
    )


def test_without_mates_the_first_pass_stands() -> None:
    first = first_pass(
        [(1, 1, 0, 1), (2, 2, 0, 2), (3, 3, 0, 3)],
        [{50: 0.6, 51: 0.3}, {50: 0.02}, {}],
    )
    answers = decide_list(Weighted(), first)
    assert answers.candidate.tolist() == [50, 50, -1]
    np.testing.assert_allclose(answers.confidence, [0.6, 0.02, 0.0], atol=1e-6)


def test_a_client_without_candidates_takes_the_company_of_its_mate() -> None:
    first = first_pass([(7, 7, 0, 1), (7, 7, 0, 2)], [{50: 0.9}, {}])
    answers = decide_list(Weighted(20.0), first)
    assert answers.candidate.tolist() == [50, 50]
    assert answers.confidence[1] > 0.9


def test_features_name_what_they_hold() -> None:
    first = first_pass(
        [(7, 7, 0, 1), (7, 7, 0, 2), (8, 9, 0, 2)],
        [{50: 0.5, 51: 0.25}, {52: 0.9}, {52: 0.4}],
    )
    pairs = ClientList(first).pairs(np.arange(3))
    assert pairs.starts.tolist() == [0, 3, 5, 7]
    assert pairs.company.tolist() == [50, 51, 52, 52, 50, 52, 50], "50 comes by the chain"
    of = {name: pairs.features[:, place] for place, name in enumerate(PAIR_FEATURES)}
    np.testing.assert_allclose(of["share"], [0.5, 0.25, 0, 0.9, 0, 0.4, 0])
    np.testing.assert_allclose(of["highest_core"], [0, 0, 0.9, 0, 0.5, 0, 0])
    np.testing.assert_allclose(of["highest_address"], [0, 0, 0, 0.4, 0, 0.9, 0])
    np.testing.assert_allclose(of["is_own"], [1, 1, 0, 1, 0, 1, 0])
    assert (of["rivals"] > 0).tolist() == [False, False, True, True, True, True, True]
    assert not of["strangers"].any(), "all are joined by the chain"
    client = {name: pairs.client_features[:, at] for at, name in enumerate(CLIENT_FEATURES)}
    np.testing.assert_allclose(client["no_match"], [0.25, 0.1, 0.6], atol=1e-6)
    assert (client["mates_core"] > 0).tolist() == [True, True, False]
    np.testing.assert_allclose(client["agreement_address"], [0, 0.4, 0.9])


def test_strangers_that_claim_a_company_are_rivals() -> None:
    first = first_pass(
        [(7, 7, 0, 1), (7, 7, 0, 2), (8, 8, 0, 3)], [{50: 0.5}, {50: 0.7}, {50: 0.9}]
    )
    pairs = ClientList(first).pairs(np.arange(3))
    of = {name: pairs.features[:, place] for place, name in enumerate(PAIR_FEATURES)}
    assert pairs.company.tolist() == [50, 50, 50]
    np.testing.assert_allclose(of["rivals"], np.log1p(2) / np.log1p(1000), rtol=1e-6)
    np.testing.assert_allclose(of["strangers"], np.log1p([1, 1, 2]) / np.log1p(1000), rtol=1e-6)
    np.testing.assert_allclose(of["highest_rival"], [0.9, 0.9, 0.7])


def test_the_order_of_a_list_does_not_count() -> None:
    first = random_list(3_000, seed=5)
    order = np.random.default_rng(6).permutation(len(first))
    shuffled = first.take(order)
    every = np.arange(len(first))
    plain, moved = ClientList(first).pairs(every), ClientList(shuffled).pairs(every)
    for place, client in enumerate(order[:200].tolist()):
        mine = slice(*moved.starts[place : place + 2])
        before = slice(*plain.starts[client : client + 2])
        assert np.array_equal(moved.company[mine], plain.company[before])
        assert np.array_equal(moved.features[mine], plain.features[before])
    assert np.array_equal(moved.client_features, plain.client_features[order])
    answers, again = decide_list(Weighted(3.0), first), decide_list(Weighted(3.0), shuffled)
    assert np.array_equal(again.candidate, answers.candidate[order])
    np.testing.assert_allclose(again.confidence, answers.confidence[order], rtol=1e-6)
    assert (answers.candidate != first.candidates[:, 0]).sum() > 100, "the list changes answers"


def test_a_part_of_a_list_is_scored_as_within_the_whole() -> None:
    whole = ClientList(random_list(500, seed=2))
    some = np.array([400, 3, 77])
    part, all_pairs = whole.pairs(some), whole.pairs(np.arange(500))
    for place, client in enumerate(some.tolist()):
        mine = slice(*part.starts[place : place + 2])
        theirs = slice(*all_pairs.starts[client : client + 2])
        assert np.array_equal(part.features[mine], all_pairs.features[theirs])


def test_softmax_counts_no_match_and_equal_shares_go_to_the_first_candidate() -> None:
    starts = np.array([0, 2, 2, 3])
    shares = softmax(
        np.log(np.array([1, 2, 3], np.float32)), np.log(np.array([1, 1, 1], np.float32)), starts
    )
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75], rtol=1e-6)
    pairs = ClientList(first_pass([(1, 1, 0, 0)], [{9: 0.4, 3: 0.4}])).pairs(np.arange(1))
    assert pairs.company[falling(np.array([0.4, 0.4], np.float32), pairs)][0] == 9


def test_softmax_of_clients_without_any_candidate_is_empty() -> None:
    shares = softmax(np.zeros(0, np.float32), np.zeros(2, np.float32), np.zeros(3, np.int64))

    assert shares.shape == (0,)
