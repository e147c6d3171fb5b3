"""Candidates found live are those of prepared cases."""

import numpy as np
import pytest

from linkage_rl.candidates.blockers import KeyBlocker, NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.pool import LiveCandidates, LivePool
from linkage_rl.decision.prepare import display_texts, prepare_cases
from linkage_rl.features.matrix import Comparison
from tests.small_table import (
    COMPANIES,
    IDS,
    client_records,
    clients,
    company_rows,
    records,
    small_index,
)

BLOCKERS = CandidateSettings().blockers()
BLOCKER = {blocker.name: place for place, blocker in enumerate(BLOCKERS)}
VIEW = View(4, tuple(blocker.cost for blocker in BLOCKERS))
ASKED: tuple[dict[str, str], ...] = (
    {"name": "㈱青空商事", "phone": "06-6345-0002"},
    {"name": "五洋健設", "prefecture": "東京都", "city": "文京区", "street": "後楽2-2-8"},
    {"phone": "026-226-0004"},
    {},
    COMPANIES["acme"],
)
TRUTH = ["aozora-osaka", "goyo", "takahashi|sakura", "", "acme"]


def candidates_of(*asked: dict[str, str]) -> LiveCandidates:
    return LiveCandidates(small_index(), BLOCKERS, clients(*asked), limit=5)


def prepared(*asked: dict[str, str], truth: list[str] | None = None) -> CaseSet:
    return prepare_cases(
        small_index(), BLOCKERS, client_records(*asked), truth or [""] * len(asked), limit=5
    )


def pairs_of(live: LiveCandidates) -> list[tuple[int, str]]:
    ids = small_index().company_ids(live.pairs.rows)
    return list(zip(live.pairs.client.tolist(), ids, strict=True))


def test_clients_start_without_candidates_and_know_which_blockers_apply() -> None:
    live = candidates_of(*ASKED)

    assert pairs_of(live) == []
    applies = (live.pairs.available[:, None] >> np.arange(len(BLOCKERS))) & 1
    assert applies[:, BLOCKER["phone"]].tolist() == [1, 0, 1, 0, 1]
    assert applies[:, BLOCKER["ngram"]].tolist() == [1, 1, 0, 0, 1]
    assert applies[3].tolist() == [0] * len(BLOCKERS)


def test_a_blocker_proposes_only_for_the_clients_it_is_run_for() -> None:
    live = candidates_of(*ASKED)

    live.run(BLOCKER["phone"], np.array([0]))

    assert pairs_of(live) == [(0, "aozora-osaka")]


def test_two_blockers_that_propose_one_company_mark_one_pair() -> None:
    live = candidates_of(*ASKED)

    live.run(BLOCKER["phone"], np.array([0, 2]))
    live.run(BLOCKER["name"], np.array([0]))

    assert pairs_of(live) == [(0, "aozora-osaka"), (0, "aozora-tokyo"), (2, "takahashi")]
    phone, name = 1 << BLOCKER["phone"], 1 << BLOCKER["name"]
    assert live.pairs.pair_blockers.tolist() == [phone | name, name, phone]


def test_running_a_blocker_twice_changes_nothing() -> None:
    live = candidates_of(*ASKED)
    live.run(BLOCKER["ngram"], np.arange(5))
    once = pairs_of(live)

    live.run(BLOCKER["ngram"], np.arange(5))

    assert pairs_of(live) == once


def test_features_are_found_by_client_and_row() -> None:
    live = candidates_of(*ASKED)
    live.run(BLOCKER["ngram"], np.array([0, 1, 4]))

    rows = np.array([IDS.index("acme"), IDS.index("aozora-llc")])
    features = live.features_of(np.array([4, 0]), rows)

    places = [pairs_of(live).index(pair) for pair in ((4, "acme"), (0, "aozora-llc"))]
    own = live.pairs.features[live.pairs.feature_rows[places]]
    assert np.array_equal(features, own)


def test_a_pair_that_no_blocker_proposed_has_no_features() -> None:
    live = candidates_of(*ASKED)
    live.run(BLOCKER["phone"], np.array([0]))

    with pytest.raises(KeyError, match="was not found for client 0"):
        live.features_of(np.array([0]), np.array([IDS.index("acme")]))


@pytest.mark.parametrize("seed", range(3))
def test_live_and_prepared_candidates_look_the_same_after_the_same_blockers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = [*ASKED, *COMPANIES.values()]
    pool = LivePool.of(small_index(), BLOCKERS, client_records(*asked), limit=5, view=VIEW)
    cases = prepared(*asked)
    ran = np.zeros(len(asked), dtype=np.uint16)

    for blocker in rng.permutation(len(BLOCKERS)):
        applies = (cases.available >> np.uint16(blocker)) & 1
        chosen = np.flatnonzero(applies & (rng.random(len(asked)) < 0.6))
        pool.reveal(chosen, int(blocker))
        ran[chosen] |= np.uint16(1 << blocker)

        live = pool.observe(np.arange(len(asked)), ran)
        stored = VIEW.observe(cases, np.arange(len(asked)), ran)

        for name in ("candidates", "query", "state", "action_mask"):
            assert np.array_equal(getattr(live, name), getattr(stored, name))
        shown = live.slot_candidates[live.slot_candidates >= 0]
        assert small_index().company_ids(shown) == cases.company_ids(
            stored.slot_candidates[stored.slot_candidates >= 0]
        )


def test_running_every_blocker_finds_the_pairs_of_prepared_cases() -> None:
    live, cases = candidates_of(*ASKED), prepared(*ASKED)

    live.run_all()

    assert np.array_equal(live.pairs.starts, cases.starts)
    assert small_index().company_ids(live.pairs.rows) == cases.company_ids(np.arange(cases.pairs))


def test_prepared_cases_know_the_truth_which_may_be_several_companies() -> None:
    cases = prepared(*ASKED, truth=TRUTH)

    right = cases.company_ids(np.flatnonzero(cases.is_right))
    assert right == ["aozora-osaka", "goyo", "takahashi", "acme"]
    assert cases.has_row.tolist() == [True, True, True, False, True]


def test_a_true_company_that_the_table_lacks_is_no_candidate() -> None:
    cases = prepared({"name": "五洋建設"}, truth=["missing|"])

    assert not cases.is_right.any()


def test_pairs_of_a_case_come_by_falling_retrieval_score() -> None:
    cases = prepared(*ASKED)

    for begin, end in zip(cases.starts[:-1], cases.starts[1:], strict=True):
        assert (np.diff(cases.retrieval_score[begin:end]) <= 0).all()


def test_cases_of_no_clients_and_of_an_empty_table_are_empty() -> None:
    empty = CompanyIndex.build([])

    no_clients = prepare_cases(small_index(), BLOCKERS, client_records(), [])
    no_companies = prepare_cases(empty, BLOCKERS, client_records(*ASKED), [""] * 5)

    assert (len(no_clients), no_clients.pairs) == (0, 0)
    assert (len(no_companies), no_companies.pairs) == (5, 0)
    assert no_companies.company_ids(np.full(5, -1)) == [""] * 5


def test_a_case_keeps_at_most_so_many_candidates_per_blocker() -> None:
    table = CompanyIndex.build([company_rows({f"{n}": {"name": "青空商事"} for n in range(9)})])
    blockers = (KeyBlocker("name"), NgramBlocker())

    cases = prepare_cases(table, blockers, client_records({"name": "青空商事"}), [""], limit=3)

    assert cases.company_ids(np.arange(cases.pairs)) == ["0", "1", "2"]


def test_a_record_is_shown_on_one_line() -> None:
    shown = display_texts(records({"goyo": COMPANIES["goyo"], "empty": {}}))

    assert shown == [
        "五洋建設株式会社 / 東京都文京区後楽2-2-8 / ゴヨウケンセツ / 112-8576 / 03-3816-0008 / "
        "http://www.penta-ocean.co.jp",
        "",
    ]


def test_pairs_whose_comparison_failed_are_compared_when_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live, whole = candidates_of(*ASKED), candidates_of(*ASKED)
    live.run(BLOCKER["phone"], np.array([0, 2]))
    assert len(live.pairs.features) == 2
    live.run(BLOCKER["ngram"], np.array([0, 1, 4]))
    with monkeypatch.context() as patch:
        patch.setattr(Comparison, "features", _fail)
        with pytest.raises(MemoryError):
            live.pairs  # noqa: B018

    whole.run(BLOCKER["phone"], np.array([0, 2]))
    whole.run(BLOCKER["ngram"], np.array([0, 1, 4]))

    assert pairs_of(live) == pairs_of(whole)
    assert np.array_equal(
        live.pairs.features[live.pairs.feature_rows],
        whole.pairs.features[whole.pairs.feature_rows],
    )


def _fail(*_: object) -> None:
    raise MemoryError
