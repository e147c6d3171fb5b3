"""Candidates gathered live are those that prepared cases hold."""

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.routes import KeyRoute, NgramRoute
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.pool import LivePool
from linkage_rl.decision.prepare import display_texts, prepare_cases
from tests.small_table import (
    COMPANIES,
    IDS,
    client_records,
    clients,
    company_rows,
    records,
    small_index,
)

ROUTES = CandidateSettings().routes()
ROUTE = {route.name: place for place, route in enumerate(ROUTES)}
VIEW = View(4, tuple(route.price for route in ROUTES))
ASKED: tuple[dict[str, str], ...] = (
    {"name": "㈱青空商事", "phone": "06-6345-0002"},
    {"name": "五洋健設", "prefecture": "東京都", "city": "文京区", "street": "後楽2-2-8"},
    {"phone": "026-226-0004"},
    {},
    COMPANIES["acme"],
)
TRUTH = ["aozora-osaka", "goyo", "takahashi|sakura", "", "acme"]


def pool_of(*asked: dict[str, str]) -> LivePool:
    return LivePool(small_index(), ROUTES, clients(*asked), VIEW, limit=5)


def prepared(*asked: dict[str, str], truth: list[str] | None = None) -> CaseSet:
    return prepare_cases(
        small_index(), ROUTES, client_records(*asked), truth or [""] * len(asked), limit=5
    )


def found(pool: LivePool) -> list[tuple[int, str]]:
    ids = small_index().company_ids(pool.pairs.rows)
    return list(zip(pool.pairs.client.tolist(), ids, strict=True))


def test_a_pool_starts_without_candidates_and_knows_who_can_ask() -> None:
    pool = pool_of(*ASKED)

    assert found(pool) == []
    asks = (pool.pairs.available[:, None] >> np.arange(len(ROUTES))) & 1
    assert asks[:, ROUTE["phone"]].tolist() == [1, 0, 1, 0, 1]
    assert asks[:, ROUTE["ngram"]].tolist() == [1, 1, 0, 0, 1]
    assert asks[3].tolist() == [0] * len(ROUTES)


def test_a_route_is_run_for_those_who_buy_it_only() -> None:
    pool = pool_of(*ASKED)

    pool.reveal(np.array([0]), ROUTE["phone"])

    assert found(pool) == [(0, "aozora-osaka")]


def test_two_routes_that_propose_one_company_mark_one_pair() -> None:
    pool = pool_of(*ASKED)

    pool.reveal(np.array([0, 2]), ROUTE["phone"])
    pool.reveal(np.array([0]), ROUTE["name"])

    assert found(pool) == [(0, "aozora-osaka"), (0, "aozora-tokyo"), (2, "takahashi")]
    phone, name = 1 << ROUTE["phone"], 1 << ROUTE["name"]
    assert pool.pairs.pair_routes.tolist() == [phone | name, name, phone]


def test_running_a_route_twice_changes_nothing() -> None:
    pool = pool_of(*ASKED)
    pool.reveal(np.arange(5), ROUTE["ngram"])
    once = found(pool)

    pool.reveal(np.arange(5), ROUTE["ngram"])

    assert found(pool) == once


def test_features_are_found_by_client_and_row() -> None:
    pool = pool_of(*ASKED)
    pool.reveal(np.array([0, 1, 4]), ROUTE["ngram"])

    rows = np.array([IDS.index("acme"), IDS.index("aozora-llc")])
    features = pool.features_of(np.array([4, 0]), rows)

    places = [found(pool).index(pair) for pair in ((4, "acme"), (0, "aozora-llc"))]
    own = pool.pairs.features[pool.pairs.feature_rows[places]]
    assert np.array_equal(features, own)


def test_a_pair_that_no_route_named_has_no_features() -> None:
    pool = pool_of(*ASKED)
    pool.reveal(np.array([0]), ROUTE["phone"])

    with pytest.raises(KeyError, match="was not found for client 0"):
        pool.features_of(np.array([0]), np.array([IDS.index("acme")]))


@pytest.mark.parametrize("seed", range(3))
def test_live_and_prepared_candidates_look_the_same_after_the_same_routes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = [*ASKED, *COMPANIES.values()]
    pool, cases = pool_of(*asked), prepared(*asked)
    bought = np.zeros(len(asked), dtype=np.uint16)

    for route in rng.permutation(len(ROUTES)):
        able = (cases.available >> np.uint16(route)) & 1
        buyers = np.flatnonzero(able & (rng.random(len(asked)) < 0.6))
        pool.reveal(buyers, int(route))
        bought[buyers] |= np.uint16(1 << route)

        live = pool.observe(np.arange(len(asked)), bought)
        stored = VIEW.observe(cases, np.arange(len(asked)), bought)

        for name in ("candidates", "query", "state", "action_mask"):
            assert np.array_equal(getattr(live, name), getattr(stored, name))
        shown = live.slot_pairs[live.slot_pairs >= 0]
        assert small_index().company_ids(shown) == cases.company_ids(
            stored.slot_pairs[stored.slot_pairs >= 0]
        )


def test_prepared_cases_know_the_truth_which_may_be_several_companies() -> None:
    cases = prepared(*ASKED, truth=TRUTH)

    right = cases.company_ids(np.flatnonzero(cases.is_right))
    assert right == ["aozora-osaka", "goyo", "takahashi", "acme"]
    assert cases.has_row.tolist() == [True, True, True, False, True]


def test_a_true_company_that_the_table_lacks_is_nobodys_candidate() -> None:
    cases = prepared({"name": "五洋建設"}, truth=["nobody|"])

    assert not cases.is_right.any()


def test_pairs_of_a_case_come_by_falling_affinity() -> None:
    cases = prepared(*ASKED)

    for begin, end in zip(cases.starts[:-1], cases.starts[1:], strict=True):
        assert (np.diff(cases.affinity[begin:end]) <= 0).all()


def test_cases_of_no_clients_and_of_an_empty_table_are_empty() -> None:
    empty = CompanyIndex.build([])

    nobody = prepare_cases(small_index(), ROUTES, client_records(), [])
    nothing = prepare_cases(empty, ROUTES, client_records(*ASKED), [""] * 5)

    assert (len(nobody), nobody.pairs) == (0, 0)
    assert (len(nothing), nothing.pairs) == (5, 0)
    assert nothing.company_ids(np.full(5, -1)) == [""] * 5


def test_a_case_keeps_at_most_so_many_candidates_per_route() -> None:
    table = CompanyIndex.build([company_rows({f"{n}": {"name": "青空商事"} for n in range(9)})])
    routes = (KeyRoute("name"), NgramRoute())

    cases = prepare_cases(table, routes, client_records({"name": "青空商事"}), [""], limit=3)

    assert cases.company_ids(np.arange(cases.pairs)) == ["0", "1", "2"]


def test_a_record_is_shown_on_one_line() -> None:
    shown = display_texts(records({"goyo": COMPANIES["goyo"], "nobody": {}}))

    assert shown == [
        "五洋建設株式会社 / 東京都文京区後楽2-2-8 / ゴヨウケンセツ / 112-8576 / 03-3816-0008 / "
        "http://www.penta-ocean.co.jp",
        "",
    ]
