"""Exact keys, blocker by blocker, and the blockers that ask with them."""

from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.candidates.blockers import KeyBlocker, NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED, FILED, KEYS, hashed_keys
from linkage_rl.candidates.settings import BlockerCosts, CandidateSettings
from linkage_rl.errors import ConfigError
from linkage_rl.text.canonical import canonicalise
from tests.small_table import COMPANIES, client_records, clients, company_rows, small_index


def found(blocker: str, client: dict[str, str], index: CompanyIndex | None = None) -> list[str]:
    """Ids that a blocker proposes for one client, best first."""
    table = small_index() if index is None else index
    rows = table.propose(KeyBlocker(blocker), clients(client), np.array([0]), 10).rows[0]
    return table.company_ids(rows[rows >= 0])


@pytest.mark.parametrize(
    ("blocker", "client", "companies"),
    [
        ("corporate_number", {"corporate_number": "T5120001000008"}, ["goyo"]),
        ("corporate_number", {"corporate_number": "5120001000009"}, []),
        ("phone", {"phone": "+81 3-3816-0008"}, ["goyo"]),
        ("phone", {"phone": "03-3816-0009"}, []),
        ("domain", {"url": "HTTPS://penta-ocean.co.jp/contact"}, ["goyo"]),
        ("domain", {"url": "info@acme-trading.jp"}, ["acme"]),
        ("name", {"name": "(株)青空商事"}, ["aozora-tokyo", "aozora-osaka"]),
        ("name", {"name": "青空商事"}, []),
        ("core", {"name": "㈲青空商事"}, ["aozora-tokyo", "aozora-osaka", "aozora-llc"]),
        ("core", {"name": "高橋製作所"}, ["takahashi"]),
        ("core", {"name": "五洋建設株式会社 東京支店"}, ["goyo"]),
        ("kana", {"name_kana": "ｱｵｿﾞﾗｼﾖｳｼﾞ"}, ["aozora-tokyo", "aozora-osaka", "aozora-llc"]),
        ("kana", {"name_kana": "サクラ"}, []),
        (
            "address",
            {"prefecture": "東京都", "city": "千代田区", "street": "神田神保町二丁目38番地"},
            ["aozora-tokyo", "sakura"],
        ),
        ("address", {"prefecture": "東京都", "city": "千代田区", "street": "神田神保町"}, []),
        ("former_name", {"name": "札幌食糧"}, ["hokkai"]),
        ("former_name", {"name": "㈱札幌食糧 函館営業所"}, ["hokkai"]),
        ("former_name", {"name": "青空商事"}, ["hokkai"]),
        ("former_name", {"name": "北海道総合食品"}, []),
    ],
)
def test_a_blocker_finds_the_companies_of_its_key(
    blocker: str, client: dict[str, str], companies: list[str]
) -> None:
    assert sorted(found(blocker, client)) == sorted(companies)


@pytest.mark.parametrize("blocker", [blocker for blocker in KEYS if blocker not in FILED])
def test_every_company_with_the_key_finds_itself(blocker: str) -> None:
    index = small_index()
    asking = clients(*COMPANIES.values())

    able = np.flatnonzero(KeyBlocker(blocker).applies_to(asking))
    rows = index.propose(KeyBlocker(blocker), asking, able, 10).rows

    assert len(able) >= 2
    assert (rows == able[:, None]).any(axis=1).all()


@pytest.mark.parametrize("blocker", KEYS)
def test_no_blocker_applies_to_an_empty_client(blocker: str) -> None:
    assert not KeyBlocker(blocker).applies_to(clients({})).any()
    assert found(blocker, {}) == []


def test_a_company_is_found_once_under_all_its_former_names() -> None:
    names = {"name": "今商事", "former_names": "㈱昔商事|昔商事㈲|㈱古商事|今商事㈲"}
    index = CompanyIndex.build([company_rows({"1": names, "2": {"name": "昔商事"}})])

    assert found("former_name", {"name": "昔商事"}, index) == ["1"]
    assert found("former_name", {"name": "古商事"}, index) == ["1"]
    assert found("former_name", {"name": "今商事"}, index) == ["1"]
    asking = clients({"name": "昔商事"}, {"name": "新商事"})
    assert index.former_name_frequencies(asking).tolist() == [1, 0]


@pytest.mark.parametrize(
    "blocker", [KeyBlocker("former_name"), KeyBlocker("phone"), NgramBlocker()]
)
def test_a_former_name_scores_as_high_as_a_present_one_with_every_blocker(
    blocker: KeyBlocker | NgramBlocker,
) -> None:
    table = {
        "was": {"name": "昔運輸大川", "former_names": "昔商事", "phone": "03-3816-0008"},
        "other": {"name": "昔運輸小川", "phone": "03-3816-0008"},
    }
    index = CompanyIndex.build([company_rows(table)])
    asking = clients({"name": "昔商事", "phone": "03-3816-0008"})

    proposals = index.propose(blocker, asking, np.array([0]), 2)

    # 0.55 of the retrieval score is the name, 0.06 the phone
    assert index.company_ids(proposals.rows[0][:1]) == ["was"]
    assert proposals.retrieval_score[0, 0] == pytest.approx(0.61)
    assert proposals.retrieval_score[0, 1] < 0.3


def test_a_table_without_former_names_keeps_nothing_of_them() -> None:
    base = CompanyIndex.build([company_rows({"1": {"name": "青空商事"}})]).base

    assert len(base.keys["former_name"].keys) == 0
    assert set(base.snapshot) == {"name"}


def test_a_client_without_a_name_is_found_by_phone() -> None:
    assert found("phone", {"phone": "0338160008"}) == ["goyo"]


def test_a_table_without_names_is_found_by_phone() -> None:
    index = CompanyIndex.build([company_rows({"1": {"phone": "03-3816-0008"}})])

    assert found("phone", {"phone": "0338160008"}, index) == ["1"]


def test_the_nearer_of_two_companies_of_one_name_comes_first() -> None:
    there = {"prefecture": "大阪府", "city": "大阪市北区", "street": "梅田1-1-3"}

    assert found("name", {"name": "株式会社青空商事", **there})[0] == "aozora-osaka"


def test_the_same_legal_form_breaks_a_tie_of_cores() -> None:
    assert found("core", {"name": "青空商事(同)"})[0] == "aozora-llc"


def test_equal_companies_come_in_the_order_of_the_table() -> None:
    rows = {f"{place}": {"name": "株式会社青空商事"} for place in range(5)}
    index = CompanyIndex.build([company_rows(rows)])

    assert found("name", {"name": "株式会社青空商事"}, index) == list("01234")


def test_the_limit_keeps_the_best_and_marks_what_is_left_empty() -> None:
    index = small_index()
    asking = clients({"name": "青空商事合同会社"}, {"name": "五洋建設"})

    proposals = index.propose(KeyBlocker("core"), asking, np.array([0, 1]), 2)

    assert proposals.rows.shape == (2, 2)
    assert index.company_ids(proposals.rows[0]) == ["aozora-llc", "aozora-tokyo"]
    assert proposals.rows[1, 1] == -1
    assert proposals.retrieval_score[1, 1] == 0


def test_no_more_companies_are_read_than_allowed() -> None:
    rows = {f"{place}": {"name": "青空商事"} for place in range(5)}
    index = CompanyIndex.build([company_rows(rows)])
    blocker = KeyBlocker("name", max_rows=3)

    proposed = index.propose(blocker, clients({"name": "青空商事"}), np.array([0]), 10).rows[0]

    assert proposed.tolist() == [0, 1, 2, *[-1] * 7]


def test_proposals_come_in_the_order_of_the_chosen_clients() -> None:
    index = small_index()
    asking = clients(*COMPANIES.values())

    rows = index.propose(KeyBlocker("corporate_number"), asking, np.array([7, 0, 3]), 1).rows

    assert rows[:, 0].tolist() == [7, 0, 3]


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"key blocker among \['address', 'core'.*got 'fax'"):
        KeyBlocker("fax")


def test_clients_are_also_looked_up_by_the_core_without_its_branch() -> None:
    keys = hashed_keys(canonicalise(client_records({"name": "五洋建設東京支店"})))

    assert set(keys) == {*KEYS, *COUNTED}
    assert keys["core"].shape == (2, 1)
    assert keys["core"][0, 0] != keys["core"][1, 0]


def test_keys_of_name_and_place_need_both() -> None:
    keys = hashed_keys(canonicalise(client_records({"name": "青空"}, {"city": "千代田区"})))

    assert keys["core_city"].tolist() == [[0, 0]]


def test_settings_leave_out_blockers_of_negative_cost() -> None:
    settings = CandidateSettings(costs=BlockerCosts(phone=-1, domain=-1))

    assert [blocker.name for blocker in settings.blockers()] == [
        "corporate_number",
        "name",
        "core",
        "kana",
        "address",
        "former_name",
        "ngram",
    ]


@pytest.mark.parametrize("limit", [0, 129])
def test_settings_refuse_a_limit_that_kernels_cannot_hold(limit: int) -> None:
    with pytest.raises(ConfigError, match=rf"candidates.limit must lie in 1..128, got {limit}"):
        CandidateSettings(limit=limit)


@pytest.mark.parametrize("alternatives", [1, 2, 3])
def test_former_names_are_counted_by_any_number_of_alternatives(alternatives: int) -> None:
    names = {"name": "今商事", "former_names": "㈱昔商事"}
    index = CompanyIndex.build([company_rows({"1": names, "2": names})])
    asking = clients({"name": "昔商事"}, {"name": "今"})
    keys = np.concatenate([asking.keys["former_name"]] * 2)[-alternatives:]
    asking = replace(asking, keys={**asking.keys, "former_name": keys})

    assert index.former_name_frequencies(asking).tolist() == [2, 0]
    row = np.array([0, 0])
    assert index.had_name(asking, np.array([0, 1]), row).tolist() == [1, 0]
