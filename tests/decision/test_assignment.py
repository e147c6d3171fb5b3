"""One-to-one assignment: optimal, each company once, and what becomes of those who get none."""

import importlib
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision import assignment
from linkage_rl.decision.assignment import (
    LOST_TO,
    assign,
    best_matching,
    claims,
    decide_one_to_one,
)
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.list_stage import RankedCandidates
from linkage_rl.errors import ConfigError
from linkage_rl.records import DecisionKind

NO_MATCH, LINK, REVIEW = (int(kind) for kind in DecisionKind)


def ranked(candidate: list[list[int]], probability: list[list[float]]) -> RankedCandidates:
    ids = np.array(candidate, dtype=np.int64)
    return RankedCandidates(
        ids, np.array(probability, np.float32), np.ones(ids.shape, dtype=np.int16)
    )


def decided(
    candidate: list[list[int]], probability: list[list[float]], review: float = 1.1
) -> tuple[list[int], list[int], list[int]]:
    """Kind, company and lost_to of each client."""
    decisions = decide_one_to_one(ranked(candidate, probability), None, Thresholds(0.4, review))
    lost_to = decisions.columns[LOST_TO]
    return decisions.kind.tolist(), decisions.candidate.tolist(), lost_to.tolist()


def test_the_surer_client_gets_the_company_and_the_other_its_second_one() -> None:
    claimed = ranked([[7, 8], [7, 9]], [[0.9, 0.05], [0.5, 0.45]])
    decisions = decide_one_to_one(claimed, None, Thresholds(0.4))

    assert decisions.candidate.tolist() == [7, 9]
    assert decisions.kind.tolist() == [LINK, LINK]
    # company 7 is gone with probability 0.9, so that 0.45 is shared out among the rest
    assert decisions.confidence.tolist() == pytest.approx([0.9, 0.45 / (1 - 0.5 * 0.9)])
    assert decisions.columns[LOST_TO].tolist() == [0, 1], "rows are counted from 1"
    assert decisions.between(1, 2).columns[LOST_TO].tolist() == [1]


def test_the_whole_list_counts_and_not_one_client_after_the_other() -> None:
    # client 0 is surer of company 7, but has 8 nearly as sure, and client 1 has nothing else
    slot = assign(np.array([[7, 8], [7, -1]]), np.array([[0.5, 0.48], [0.6, 0.0]], np.float32)).slot
    assert slot.tolist() == [1, 0]


def test_a_client_that_gets_none_is_reviewed_or_has_no_match_by_threshold() -> None:
    candidate, probability = [[7, -1], [7, -1], [7, -1]], [[0.9, 0], [0.8, 0], [0.2, 0]]

    assert decided(candidate, probability)[0] == [LINK, NO_MATCH, NO_MATCH]
    kind, company, lost_to = decided(candidate, probability, review=0.3)
    assert kind == [LINK, REVIEW, NO_MATCH]
    assert company == [7, 7, 7]
    assert lost_to == [0, 1, 1]


def test_of_equal_claims_the_earlier_client_has_the_company() -> None:
    assert decided([[7], [7], [7]], [[0.6], [0.6], [0.6]])[0] == [LINK, NO_MATCH, NO_MATCH]


def test_a_list_without_candidates_is_decided() -> None:
    assert decided([[-1, -1]], [[0, 0]]) == ([NO_MATCH], [-1], [0])
    assert assign(np.zeros((0, 4), np.int64), np.zeros((0, 4))).slot.tolist() == []


def total(
    clients: int, client: NDArray[np.int64], company: NDArray[np.int64], weight: NDArray[np.float64]
) -> float:
    """The highest total weight, from all ways to give companies to the clients."""
    of_pair = dict(zip(zip(client.tolist(), company.tolist(), strict=True), weight, strict=True))
    places = [*range(4), *([-1] * clients)]
    return max(
        sum(float(of_pair.get((one, place), 0)) for one, place in enumerate(order))
        for order in set(permutations(places, clients))
    )


@pytest.mark.parametrize("seed", range(5))
def test_no_assignment_has_a_higher_total(seed: int) -> None:
    rng = np.random.default_rng(seed)
    client, company = np.nonzero(rng.random((4, 4)) < 0.6)
    weight = rng.random(len(client)) + 0.01

    chosen = best_matching(client, company, weight)

    assert len(np.unique(client[chosen])) == len(chosen) == len(np.unique(company[chosen]))
    assert weight[chosen].sum() == pytest.approx(total(4, client, company, weight))


def test_a_list_in_parts_is_assigned_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    client = np.repeat(np.arange(3_000), 3)
    company = rng.integers(0, 4_000, len(client))
    client, company = np.unique(np.stack([client, company]), axis=1)
    weight = rng.random(len(client)) + 0.01
    whole = best_matching(client, company, weight)

    monkeypatch.setattr(assignment, "_TOGETHER", 16)
    parts = best_matching(client, company, weight)

    assert weight[parts].sum() == pytest.approx(weight[whole].sum())
    assert len(np.unique(company[parts])) == len(parts)


def test_clients_of_one_company_are_counted() -> None:
    kind = np.array([LINK, REVIEW, LINK, LINK], np.int8)
    assert claims(kind, np.array([3, 3, 3, 4])).tolist() == [2, 0, 2, 1]


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"linkage_rl\[assignment\]"):
        assign(np.array([[1]]), np.array([[0.9]]))
