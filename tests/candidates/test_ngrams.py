"""Names found by the n-grams they share, under a budget."""

import numpy as np
import pytest

from linkage_rl.candidates.blockers import NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import ConfigError
from tests.small_table import clients, company_rows, small_index


def found(
    client: dict[str, str], blocker: NgramBlocker | None = None, index: CompanyIndex | None = None
) -> list[str]:
    table = small_index() if index is None else index
    rows = table.propose(blocker or NgramBlocker(), clients(client), np.array([0]), 10).rows[0]
    return table.company_ids(rows[rows >= 0])


@pytest.mark.parametrize(
    ("client", "company"),
    [
        ({"name": "五洋健設株式会社"}, "goyo"),
        ({"name": "五羊建設"}, "goyo"),
        ({"name": "北海道綜合食品"}, "hokkai"),
        ({"name": "アクメトレーデング"}, "acme"),
        ({"name": "Acme Tradng Inc."}, "acme"),
        ({"name_kana": "タカハシセーサクショ"}, "takahashi"),
        ({"name": "さくらの会"}, "sakura"),
    ],
)
def test_a_name_with_a_typo_is_found(client: dict[str, str], company: str) -> None:
    assert found(client)[0] == company


def test_a_name_that_shares_nothing_is_not_found() -> None:
    assert found({"name": "株式会社山田"}) == []


def test_all_companies_of_a_similar_name_are_proposed() -> None:
    assert sorted(found({"name": "青空商亊"})) == ["aozora-llc", "aozora-osaka", "aozora-tokyo"]


def test_companies_of_one_name_are_ordered_by_place_and_ties_by_the_lower_row() -> None:
    osaka = {"prefecture": "大阪府", "city": "大阪市北区"}

    assert found({"name": "青空商会"})[0] == "aozora-tokyo"
    assert found({"name": "青空商会", **osaka})[0] == "aozora-osaka"


def test_the_rarest_gram_is_read_first_when_the_budget_is_small() -> None:
    # 建設 is part of four names, 五洋 by one: a budget of one posting must go to the latter
    rows = {name: {"name": name} for name in ("山川建設", "大川建設", "小川建設", "五洋建設")}
    index = CompanyIndex.build([company_rows(rows)])

    assert found({"name": "五洋建設"}, NgramBlocker(budget=1), index) == ["五洋建設"]
    assert len(found({"name": "五洋建設"}, NgramBlocker(budget=100), index)) == 4


def test_only_so_many_names_are_compared() -> None:
    rows = {name: {"name": name} for name in ("山川建設", "大川建設", "小川建設", "五洋建設")}
    index = CompanyIndex.build([company_rows(rows)])

    assert found({"name": "五洋建設"}, NgramBlocker(documents=1), index) == ["五洋建設"]


def test_only_so_many_companies_of_a_name_are_compared() -> None:
    rows = {f"{place}": {"name": "青空商事"} for place in range(5)}
    index = CompanyIndex.build([company_rows(rows)])

    assert found({"name": "青空商会"}, NgramBlocker(rows_per_document=2), index) == ["0", "1"]


def test_searching_twice_gives_the_same_since_scratch_is_left_clean() -> None:
    index = small_index()
    asking = clients({"name": "五洋健設"}, {"name": "青空商会"}, {"name": "五洋健設"})

    first = index.propose(NgramBlocker(), asking, np.arange(3), 5)
    second = index.propose(NgramBlocker(), asking, np.arange(3), 5)

    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(first.rows[0], first.rows[2])
    assert np.array_equal(first.retrieval_score, second.retrieval_score)


def test_a_name_of_ten_thousand_characters_is_searched_like_any_other() -> None:
    assert "goyo" in found({"name": "五洋建設" * 2500})


@pytest.mark.parametrize("wrong", [{"budget": 0}, {"documents": 129}, {"rows_per_document": 0}])
def test_sizes_that_kernels_cannot_hold_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=rf"candidates\.ngram\.{next(iter(wrong))} must"):
        NgramBlocker(**wrong)  # type: ignore[arg-type]
