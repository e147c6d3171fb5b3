"""Companies with several rows: found through any of them, compared by those that fit best."""

from itertools import pairwise

import numpy as np
import pytest

from linkage_rl.candidates.further_rows import with_further_rows
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.sites import Sites, companies_once, with_inherited
from linkage_rl.features.matrix import PAIR_FEATURES, pair_features
from linkage_rl.features.reasons import reasons
from linkage_rl.features.sites import matched_sites
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from tests.small_table import COMPANIES, clients, rows_alive, small_index

BLOCKERS = CandidateSettings().blockers()
OSAKA = {
    "prefecture": "大阪府",
    "city": "大阪市北区",
    "street": "堂島2-1-7",
    "postal_code": "530-0003",
    "phone": "06-6345-1000",
}
NAGOYA = {
    "prefecture": "愛知県",
    "city": "名古屋市中区",
    "street": "栄3-5-1",
    "postal_code": "460-0008",
    "phone": "052-241-1000",
}


def table(*rows: tuple[str, dict[str, str]]) -> CompanyRows:
    """Rows of a company table, of which several may have one id."""
    records = RecordBatch(
        [company_id for company_id, _ in rows],
        {field: [row.get(field, "") for _, row in rows] for field in FIELDS},
    )
    return CompanyRows(records, [""] * len(rows), [""] * len(rows))


def with_sites(**more: dict[str, str]) -> CompanyIndex:
    """The small table, in which goyo has offices in Osaka and Nagoya after its head office."""
    rows = [*COMPANIES.items(), ("goyo", OSAKA), ("goyo", NAGOYA), *more.items()]
    return CompanyIndex.build([table(*rows)])


def found(index: CompanyIndex, client: dict[str, str], limit: int = 20) -> list[list[str]]:
    """Ids that each blocker proposes for a client, best first."""
    asking = clients(client)
    rows = [index.propose(blocker, asking, np.array([0]), limit).rows[0] for blocker in BLOCKERS]
    return [index.company_ids(some[some >= 0]) for some in rows]


def compared(index: CompanyIndex, company_id: str, **client: str) -> dict[str, float]:
    """Features of a client with a company by name."""
    values = pair_features(index, clients(client), np.array([0]), index.find([company_id]))
    return dict(zip(PAIR_FEATURES, values[0].tolist(), strict=True))


def test_a_company_counts_once_however_many_rows_it_has() -> None:
    index = with_sites()

    assert len(index) == len(COMPANIES)
    assert index.has_sites
    assert not small_index().has_sites
    name = list(COUNTED).index("name")
    asking = clients({"name": "五洋建設株式会社"})
    assert index.name_frequencies(asking)[0, name] == 1
    assert index.counts(rows_alive(index, ["goyo"]))[:, name].tolist() == [1, 1, 1]


def test_the_first_row_of_an_id_is_the_head_row() -> None:
    index = with_sites()

    (head,) = index.find(["goyo"])
    assert index.records(np.array([head])).column("city") == ["文京区"]
    assert index.fetch(["goyo"]).records.column("city") == ["文京区"]
    every = rows_alive(index, ["goyo", "acme", "nobody"])
    assert index.company_ids(every) == ["acme", "goyo", "goyo", "goyo"]


def test_a_company_is_found_once_through_any_of_its_rows() -> None:
    index = with_sites()

    for client in (OSAKA, NAGOYA, {"phone": OSAKA["phone"]}, {"name": "五洋建設"}):
        proposed = found(index, client)
        assert any("goyo" in ids for ids in proposed)
        assert all(ids.count("goyo") <= 1 for ids in proposed)


def test_all_blockers_give_a_company_the_same_retrieval_score() -> None:
    index = with_sites()
    asking = clients({"name": "五洋建設㈱", **OSAKA})
    (head,) = index.find(["goyo"])

    scores = set()
    for blocker in BLOCKERS:
        proposed = index.propose(blocker, asking, np.array([0]), 20)
        scores |= set(proposed.retrieval_score[proposed.rows == head].tolist())

    assert len(scores) == 1


def test_many_rows_of_one_company_leave_room_for_others() -> None:
    offices = [
        ("goyo", {"street": f"栄{number}-1-1", "city": "名古屋市中区", "prefecture": "愛知県"})
        for number in range(1, 40)
    ]
    namesake = {"name": "五洋建設株式会社", "prefecture": "愛知県", "city": "名古屋市中区"}
    index = CompanyIndex.build([table(*COMPANIES.items(), *offices, ("other", namesake))])

    for ids in found(index, namesake, 2):
        assert not ids or set(ids) >= {"goyo", "other"} or "goyo" not in ids


@pytest.mark.parametrize("office", [OSAKA, NAGOYA])
def test_a_client_is_compared_with_the_site_that_fits_it_best(office: dict[str, str]) -> None:
    of_branch = compared(with_sites(), "goyo", name="五洋建設㈱", **office)

    for name in ("core_equal", "city_equal", "block_equal", "postal_equal", "phone_equal"):
        assert of_branch[name] == 1, name
    assert compared(small_index(), "goyo", name="五洋建設㈱", **office)["city_equal"] == 0


def test_place_and_phone_may_agree_with_different_sites() -> None:
    client = {**OSAKA, "name": "五洋建設㈱", "phone": NAGOYA["phone"]}

    values = compared(with_sites(), "goyo", **client)

    assert values["block_equal"] == values["phone_equal"] == 1


def test_a_client_at_the_head_office_is_compared_as_without_branches() -> None:
    client = {**COMPANIES["goyo"], "name": "五洋建設"}

    assert compared(with_sites(), "goyo", **client) == compared(small_index(), "goyo", **client)


def test_companies_with_one_row_are_compared_as_without_branches_elsewhere() -> None:
    index, plain = with_sites(), small_index()
    asking = clients(*COMPANIES.values())
    others = [company_id for company_id in COMPANIES if company_id != "goyo"]
    pairs = np.arange(len(others))
    ours = pair_features(index, asking, pairs, index.find(others))
    theirs = pair_features(plain, asking, pairs, plain.find(others))

    same = [name for name in PAIR_FEATURES if "frequency" not in name and "office" not in name]
    columns = [PAIR_FEATURES.index(name) for name in same]
    np.testing.assert_array_equal(ours[:, columns], theirs[:, columns])


def test_a_former_name_belongs_to_all_sites() -> None:
    renamed = {**COMPANIES["goyo"], "former_names": "水野組"}
    index = CompanyIndex.build([table(("goyo", renamed), ("goyo", OSAKA), ("goyo", renamed))])

    assert ["goyo"] in found(index, {"name": "水野組", **OSAKA})
    values = compared(index, "goyo", name="水野組", **OSAKA)
    assert values["former_name_equal"] == values["block_equal"] == 1
    assert index.former_name_frequencies(clients({"name": "水野組"})).tolist() == [1]


def test_the_site_that_a_result_rests_on_is_told() -> None:
    index = with_sites()
    asking = clients({"name": "五洋建設", **NAGOYA}, {"name": "髙橋製作所"})

    sites = matched_sites(index, asking, np.array([0, 1]), index.find(["goyo", "takahashi"]))

    assert sites == ["愛知県名古屋市中区栄3-5-1 052-241-1000", ""]


def test_a_trade_name_is_found_and_compared_as_a_name() -> None:
    shop = {**COMPANIES["acme"], "trade_names": "スーパー丸丸|アクメマート"}
    index = CompanyIndex.build([table(("acme", shop), ("goyo", COMPANIES["goyo"]))])
    client = {"name": "アクメマート", "city": "横浜市西区"}

    assert ["acme"] in found(index, client)
    values = compared(index, "acme", **client)
    assert values["core_equal"] == values["city_equal"] == 1
    assert len(index) == 2
    features = pair_features(index, clients(client), np.array([0]), index.find(["acme"]))
    assert reasons(features) == ["trade name of the company; same city"]
    assert index.records(index.find(["acme"])).column("trade_names") == [
        "スーパー丸丸|アクメマート"
    ]


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("phone", "03-3222-0001, 03-3222-0002", ["03-3222-0001", "03-3222-0002"]),
        ("phone", "0332220001|0332220002|0332220002", ["0332220001", "0332220002"]),
        ("phone", "03-3222-0001/FAX 03-3222-0009", ["03-3222-0001/FAX 03-3222-0009"]),
        ("phone", "03(3222)0001", ["03(3222)0001"]),
        ("url", "a.co.jp|https://www.b.co.jp/x", ["a.co.jp", "https://www.b.co.jp/x"]),
        ("url", "https://a.co.jp/x,y.html", ["https://a.co.jp/x,y.html"]),
    ],
)
def test_several_values_of_a_field_become_rows(field: str, text: str, values: list[str]) -> None:
    records = RecordBatch(["a", "b"], {"name": ["A", "B"], field: [text, ""]})

    rows, kept, why = with_further_rows(records)

    assert [one for one in rows.column(field) if one] == values
    assert kept.column(field)[0] == text
    assert rows.ids == kept.ids
    assert (why or ["", ""])[2:] == [field] * (len(values) - 1)


def test_both_phones_of_a_field_find_their_company() -> None:
    row = {**COMPANIES["acme"], "phone": "045-682-0006|045-682-0099"}
    index = CompanyIndex.build([table(("acme", row), ("goyo", COMPANIES["goyo"]))])

    for phone in ("0456820006", "045-682-0099"):
        assert ["acme"] in found(index, {"phone": phone})
        assert compared(index, "acme", phone=phone)["phone_equal"] == 1


def test_a_site_inherits_what_it_lacks_but_not_address_and_phone() -> None:
    head = {
        "name": "五洋建設",
        "name_kana": "ゴヨウ",
        "url": "goyo.jp",
        "phone": "1",
        "city": "港区",
    }
    records = table(("a", head), ("a", {"street": "1-2"}), ("a", {"name": "五洋"})).records

    filled = with_inherited(records)

    assert filled.column("name") == ["五洋建設", "五洋建設", "五洋"]
    assert filled.column("name_kana") == ["ゴヨウ", "ゴヨウ", ""]
    assert filled.column("url") == ["goyo.jp"] * 3
    assert filled.column("phone") == ["1", "", ""]
    assert filled.column("city") == ["港区", "", ""]


def test_the_sites_of_random_segments_are_those_of_their_ids() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(1, 12))
        ids = rng.integers(0, 5, count).astype(np.uint64)
        present = np.flatnonzero(ids)
        order = present[np.argsort(ids[present], kind="stable")]
        sites = Sites.of(ids[order], order.astype(np.int32), count)
        heads = [row if one == 0 else ids.tolist().index(one) for row, one in enumerate(ids)]

        rows = np.arange(count)
        assert sites.head_of(rows).tolist() == heads
        assert sites.is_head(count).sum() == len(set(heads))
        assert sites.has_others(rows).tolist() == [heads.count(head) > 1 for head in heads]
        for row in rows.tolist():
            mine = [other for other in rows.tolist() if heads[other] == heads[row]]
            assert sites.siblings(np.array([row])).tolist() == mine


def test_a_key_of_several_sites_of_a_company_repeats() -> None:
    ids = np.array([1, 1, 2, 1], dtype=np.uint64)
    order = np.argsort(ids, kind="stable")
    sites = Sites.of(ids[order], order.astype(np.int32), 4)
    keys, rows = np.array([5, 5, 5, 7, 7], np.uint64), np.array([0, 1, 2, 2, 3], np.int32)

    assert sites.repeats(keys, rows).tolist() == [False, True, False, False, False]


def test_proposals_name_each_company_once() -> None:
    rows, scores = companies_once(
        np.array([[4, 2, 4, -1], [1, 3, 5, 7]]),
        np.array([[0.9, 0.8, 0.7, 0], [0.9, 0.8, 0.7, 0.6]], np.float32),
    )

    assert rows.tolist() == [[4, 2, -1, -1], [1, 3, 5, 7]]
    assert all(a >= b for line in scores.tolist() for a, b in pairwise(line))
