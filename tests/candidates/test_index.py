"""The index of a company table: what it holds, counts and gives back."""

from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.records import FIELDS
from tests.small_table import COMPANIES, IDS, clients, company_rows, records, small_index

ALL = np.arange(len(IDS))


def frequencies(index: CompanyIndex, key: str) -> list[int]:
    """How many companies share a key with each company, in the order of the rows."""
    counts: list[int] = index.counts(ALL)[:, list(COUNTED).index(key)].tolist()
    return counts


def test_rows_are_the_open_companies_in_the_order_of_the_table() -> None:
    index = CompanyIndex.build([company_rows(closed=["aozora-osaka", "goyo"])])

    assert len(index) == 6
    assert index.company_ids(np.arange(6)) == [
        company_id for company_id in IDS if company_id not in ("aozora-osaka", "goyo")
    ]


def test_a_company_that_will_close_is_open_until_then() -> None:
    dates = {"goyo": "9999-12-31", "sakura": "2025-01-31", "takahashi": "0"}
    rows = replace(company_rows(), closed_at=[dates.get(one, "") for one in IDS])

    index = CompanyIndex.build([rows])

    assert index.company_ids(np.arange(len(index))) == [one for one in IDS if one != "sakura"]


def test_chunks_of_the_table_make_the_same_index_as_one_chunk() -> None:
    pieces = [company_rows({company_id: COMPANIES[company_id]}) for company_id in IDS]

    whole, pieced = small_index(), CompanyIndex.build(pieces)

    assert np.array_equal(whole.base.rows, pieced.base.rows)
    assert np.array_equal(whole.base.postings, pieced.base.postings)
    assert np.array_equal(whole.base.counts, pieced.base.counts)
    assert whole.base.keys["former_name"].rows.tolist() == [6, 6]
    assert pieced.base.keys["former_name"].rows.tolist() == [6, 6]
    assert whole.company_ids(ALL) == pieced.company_ids(ALL)


def test_raw_fields_come_back_as_they_were() -> None:
    index = small_index()

    held = index.records(np.array([7, 0]))

    assert held.ids == ["goyo", "aozora-tokyo"]
    assert held.column("name") == ["五洋建設株式会社", "株式会社青空商事"]
    assert held.column("url") == ["http://www.penta-ocean.co.jp", "https://www.aozora-shoji.co.jp/"]
    assert {name: list(held.column(name)) for name in FIELDS} == {
        name: list(records(COMPANIES).take([7, 0]).column(name)) for name in FIELDS
    }


def test_a_company_is_found_by_its_id() -> None:
    assert small_index().find(["goyo", "nobody", "", "aozora-tokyo"]).tolist() == [7, -1, -1, 0]


def test_fetch_gives_each_known_company_and_leaves_out_the_others() -> None:
    fetched = small_index().fetch(["goyo", "nobody", "sakura"])

    assert list(fetched.records.ids) == ["goyo", "sakura"]
    assert fetched.closed_at == ["", ""]


def test_names_are_stored_once_per_distinct_name() -> None:
    base = small_index().base

    # three companies have the core and reading of 青空商事
    assert len(base.documents) == 6
    assert base.rows["doc"][0] == base.rows["doc"][1] == base.rows["doc"][2]


def test_frequencies_are_counted_over_the_table() -> None:
    index = small_index()

    assert frequencies(index, "name") == [2, 2, 1, 1, 1, 1, 1, 1]
    assert frequencies(index, "core") == [3, 3, 3, 1, 1, 1, 1, 1]
    assert frequencies(index, "core_city") == [2, 1, 2, 1, 1, 1, 1, 1]
    assert frequencies(index, "address") == [2, 1, 1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize("frequencies", [0, 1, 2, 3, 7, 8, 9])
def test_every_company_of_a_name_is_counted_wherever_it_is_filed(frequencies: int) -> None:
    names = ["山田"] * 5 + ["青空"] * frequencies + ["五洋"] * 5
    index = CompanyIndex.build([company_rows({f"{n}": {"name": s} for n, s in enumerate(names)})])

    counts = index.name_frequencies(clients({"name": "山田"}, {"name": "青空"}, {"name": "五洋"}))

    assert counts[:, [*COUNTED].index("core")].tolist() == [5, frequencies, 5]


def test_the_companies_with_the_name_of_a_client_are_counted() -> None:
    counts = small_index().name_frequencies(
        clients(
            {"name": "青空商事", "prefecture": "東京都", "city": "千代田区"}, {"name": "山田"}, {}
        )
    )

    frequencies_of = dict(zip(COUNTED, counts[0].tolist(), strict=True))
    assert frequencies_of == {
        "name": 0,
        "core": 3,
        "kana": 0,
        "address": 0,
        "core_city": 2,
        "core_prefecture": 2,
        "site": 0,
        "city": 3,
        "phone": 0,
        "domain": 0,
        "corporate_number": 0,
    }
    assert not counts[1:].any()


def test_canonical_texts_are_given_by_row() -> None:
    index = small_index()

    assert index.texts("core", np.array([3, 5])) == ["高橋製作所", "アクメトレーデイング"]
    assert index.texts("latin", np.array([3, 5])) == ["", "acmetrading"]


def test_an_empty_table_makes_an_index_that_holds_nothing() -> None:
    index = CompanyIndex.build([])

    assert len(index) == 0
    assert index.find(["goyo"]).tolist() == [-1]
    assert len(index.fetch(["goyo"]).records) == 0
    assert not index.name_frequencies(clients({"name": "五洋建設"})).any()
