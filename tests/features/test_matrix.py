"""Features of pairs that a reader can work out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features.matrix import (
    PAIR_FEATURES,
    QUERY_FEATURES,
    pair_features,
    query_features,
)
from tests.memory_table import MemoryTable
from tests.small_table import COMPANIES, IDS, clients, company_rows, small_index

AGREEMENTS = {name for name in PAIR_FEATURES if name.endswith("_equal")} - {
    "former_name_equal",
    "page_equal",
}
"""Features that are 1 for a company compared with itself; its web address is a home page."""


def compare(client: dict[str, str], company_id: str) -> dict[str, float]:
    """Features of one pair by name."""
    row = np.array([IDS.index(company_id)])
    values = pair_features(small_index(), clients(client), np.array([0]), row)[0]
    return dict(zip(PAIR_FEATURES, values.tolist(), strict=True))


def query(client: dict[str, str]) -> dict[str, float]:
    values = query_features(small_index(), clients(client))[0]
    return dict(zip(QUERY_FEATURES, values.tolist(), strict=True))


def changed(company_id: str, **fields: str) -> dict[str, str]:
    return {**COMPANIES[company_id], **fields}


def test_names_are_unique() -> None:
    assert len(set(PAIR_FEATURES)) == len(PAIR_FEATURES)
    assert len(set(QUERY_FEATURES)) == len(QUERY_FEATURES)


def test_a_company_agrees_with_itself_in_every_field() -> None:
    same = compare(COMPANIES["aozora-tokyo"], "aozora-tokyo")

    conflicting = {name for name in same if name in AGREEMENTS and same[name] < 1}
    missing = {name for name, value in same.items() if name.endswith("_missing") and value > 0}
    assert conflicting == missing == set()
    assert same["core_ratio"] == same["core_jaro_winkler"] == same["kana_ratio"] == 1


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"name": "青空商事株式会社"}, {"name_equal", "side_equal"}),
        ({"name": "(有)青空商事"}, {"name_equal", "form_equal"}),
        (
            {"name": "株式会社青空商会"},
            {"name_equal", "written_equal", "core_equal", "stem_equal", "company_stem_equal"},
        ),
        ({"name": "株式会社青空商事 大阪支店"}, {"name_equal", "written_equal", "core_equal"}),
        ({"name_kana": "セイクウショウジ"}, {"kana_equal", "reading_equal"}),
        ({"name_kana": "アオゾラシヨージ"}, {"kana_equal", "reading_equal"}),
        ({"name_kana": "アオゾラシヨウジ"}, {"reading_equal"}),
        ({"phone": "03-3222-9999"}, {"phone_equal"}),
        ({"phone": "06-6345-0002"}, {"phone_equal", "phone_area_equal"}),
        ({"url": "https://other.co.jp"}, {"domain_equal"}),
        ({"corporate_number": "5120001000008"}, {"corporate_equal"}),
        ({"postal_code": "101-0052"}, {"postal_equal"}),
        ({"postal_code": "530-0001"}, {"postal_equal", "postal_district_equal"}),
        ({"street": "神田神保町2-40 いちご九段ビル3階"}, {"block_equal", "address_equal"}),
        (
            {"street": "神田神保町3-38 いちご九段ビル3階"},
            {"block_equal", "block_first_equal", "address_equal"},
        ),
        (
            {"street": "神田須田町2-38 いちご九段ビル3階"},
            {"town_equal", "block_equal", "block_first_equal", "address_equal"},
        ),
        ({"street": "神田神保町2-38 別館ビル"}, {"building_equal", "address_equal"}),
    ],
)
def test_a_changed_field_loses_its_own_agreements_and_no_others(
    fields: dict[str, str], lost: set[str]
) -> None:
    pair = compare(changed("aozora-tokyo", **fields), "aozora-tokyo")

    assert {name for name in pair if name in AGREEMENTS and pair[name] == 0} == lost


@pytest.mark.parametrize(
    ("own", "page"),
    [
        ("https://goyo.example.jp/", (1, 0)),
        ("http://www.example.jp/umi", (0, 1)),
        ("example.jp", (0, 0)),
    ],
)
def test_pages_are_compared_at_one_domain(own: str, page: tuple[int, int]) -> None:
    there = {"name": "五洋", "url": "goyo.example.jp"}
    index = CompanyIndex.build([company_rows({"a": there})])

    values = pair_features(
        index, clients({"name": "五洋", "url": own}), np.array([0]), np.array([0])
    )[0]
    pair = dict(zip(PAIR_FEATURES, values.tolist(), strict=True))

    assert pair["domain_equal"] == 1 - page[1]
    assert (pair["page_equal"], pair["page_differs"]) == page


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        ("株式会社青空商事 大阪支店", False),
        ("株式会社青空商事", True),
    ],
)
def test_an_addition_on_either_side_is_looked_through(name: str, equal: bool) -> None:
    plain, branch = {"name": "株式会社青空商事"}, {"name": "株式会社青空商事 名古屋支店"}
    index = CompanyIndex.build([company_rows({"plain": plain, "branch": branch})])
    own = clients({"name": name}, {"name": name})

    values = pair_features(index, own, np.array([0, 1]), np.array([0, 1]))
    pairs = [dict(zip(PAIR_FEATURES, row.tolist(), strict=True)) for row in values]

    assert pairs[0]["company_stem_equal"] == 1
    assert pairs[1]["company_stem_equal"] == 1
    assert pairs[0]["core_equal"] == equal
    assert pairs[0]["stem_equal"] == 1
    assert pairs[1]["core_equal"] == 0


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("name_kana", "kana_missing"),
        ("postal_code", "postal_missing"),
        ("phone", "phone_missing"),
        ("url", "domain_missing"),
        ("corporate_number", "corporate_missing"),
    ],
)
def test_a_missing_field_is_flagged_and_agrees_with_nothing(field: str, flag: str) -> None:
    pair = compare(changed("aozora-tokyo", **{field: ""}), "aozora-tokyo")

    assert pair[flag] == 1
    assert pair[flag.replace("_missing", "_equal")] == 0


def test_a_field_missing_on_the_companys_side_is_flagged_too() -> None:
    # 五洋建設 has everything; 北海道総合食品 has neither reading nor web address
    pair = compare(COMPANIES["goyo"], "hokkai")

    assert (pair["kana_missing"], pair["domain_missing"], pair["phone_missing"]) == (1, 1, 0)
    assert pair["kana_ratio"] == pair["kana_jaro_winkler"] == 0


def test_ratios_of_a_misspelt_name_are_those_of_its_letters() -> None:
    pair = compare({"name": "五洋健設"}, "goyo")

    # three of four letters in place: 2 * 3 / (4 + 4)
    assert pair["core_ratio"] == pytest.approx(0.75)
    assert pair["core_prefix"] == pytest.approx(2 / 4)
    assert pair["core_postfix"] == pytest.approx(1 / 4)
    assert pair["core_length_ratio"] == 1


def test_a_name_inside_a_longer_one_matches_in_part() -> None:
    pair = compare({"name": "総合食品"}, "hokkai")

    assert pair["core_partial"] == 1
    assert pair["core_length_ratio"] == pytest.approx(4 / 7)
    # all of the shorter name ends the longer one
    assert pair["core_postfix"] == 1
    assert pair["core_prefix"] == 0


def test_the_stem_is_compared_without_the_branch() -> None:
    pair = compare({"name": "五洋建設株式会社 東京支店"}, "goyo")

    assert pair["stem_ratio"] == 1
    assert pair["core_ratio"] < 1
    assert (pair["stem_equal"], pair["core_equal"]) == (1, 0)


def test_latin_names_are_compared_where_both_are_known() -> None:
    assert compare({"name": "Acme Trading Inc."}, "acme")["latin_ratio"] == 1
    assert compare({"name": "Acme Trading Inc."}, "goyo")["latin_ratio"] == 0


def test_frequencies_are_on_a_logarithmic_scale() -> None:
    pair = compare({"name": "青空商事"}, "aozora-osaka")

    assert pair["company_name_frequency"] == pytest.approx(np.log(1 + 2) / np.log(1001))
    assert pair["client_core_frequency"] == pytest.approx(np.log(1 + 3) / np.log(1001))
    assert pair["client_name_frequency"] == 0


@pytest.mark.parametrize(
    ("name", "company_id", "equal", "frequencies"),
    [
        ("札幌食糧", "hokkai", 1, 1),
        ("札幌食糧(株) 函館営業所", "hokkai", 1, 1),
        ("青空商事", "hokkai", 1, 1),
        ("青空商事", "aozora-tokyo", 0, 1),
        ("北海道総合食品", "hokkai", 0, 0),
        ("", "hokkai", 0, 0),
    ],
)
def test_a_former_name_differs_from_a_current_one(
    name: str, company_id: str, equal: int, frequencies: int
) -> None:
    pair = compare({"name": name}, company_id)

    assert pair["former_name_equal"] == equal
    assert pair["former_name_frequency"] == pytest.approx(np.log(1 + frequencies) / np.log(1001))


def test_two_spellings_that_are_read_alike_are_marked() -> None:
    pair = compare({"name": "アクメ・トレディング"}, "acme")

    # a long vowel is left out: one edit of the writing, none of the reading
    assert (pair["core_equal"], pair["read_alike"]) == (0, 1)
    assert pair["core_edits"] == 1


def test_edits_halve_at_one() -> None:
    assert compare({"name": "五洋健設"}, "goyo")["core_edits"] == pytest.approx(1 / 2)
    assert compare({"name": "五洋建設"}, "goyo")["core_edits"] == 1


def test_numbers_and_directions_in_names_distinguish_sister_companies() -> None:
    assert compare({"name": "東五洋建設"}, "goyo")["marks_differ"] == 1
    assert compare({"name": "五洋建築"}, "goyo")["marks_differ"] == 0


def test_the_name_as_written_keeps_upper_and_lower_case() -> None:
    table = company_rows({"small": {"name": "株式会社Marvelous"}})
    index, asking = CompanyIndex.build([table]), clients({"name": "ＭＡＲＶＥＬＯＵＳ㈱"})

    values = pair_features(index, asking, np.array([0]), np.array([0]))[0]

    pair = dict(zip(PAIR_FEATURES, values.tolist(), strict=True))
    assert (pair["core_equal"], pair["written_equal"]) == (1, 0)


def test_closeness_halves_at_ten_and_at_a_hundred_kilometres() -> None:
    tokyo = {"prefecture": "東京都", "city": "千代田区"}
    here, nagano = compare(tokyo, "aozora-tokyo"), compare(tokyo, "takahashi")
    osaka = compare(tokyo, "aozora-osaka")

    # from 千代田区 to 長野市 are about 174 km, to 大阪市 about 403 km
    assert here["close_at_10_km"] == here["close_at_100_km"] == 1
    assert nagano["close_at_100_km"] == pytest.approx(1 / (1 + 1.74), abs=0.01)
    assert nagano["close_at_10_km"] == pytest.approx(1 / (1 + 17.4), abs=0.01)
    assert osaka["close_at_100_km"] == pytest.approx(1 / (1 + 4.03), abs=0.01)
    assert compare({}, "goyo")["close_at_100_km"] == 0
    assert compare({}, "goyo")["place_missing"] == 1


def test_a_prefecture_without_a_city_is_at_the_centre_of_its_municipalities() -> None:
    osaka = compare({"prefecture": "大阪府"}, "aozora-osaka")

    assert osaka["place_missing"] == 0
    assert osaka["close_at_100_km"] == pytest.approx(0.94, abs=0.02)


def test_a_prefecture_in_the_name_is_compared_with_that_of_the_company() -> None:
    at_home = compare({"name": "東京都青空商事"}, "aozora-tokyo")
    abroad = compare({"name": "東京都青空商事"}, "aozora-osaka")

    assert (at_home["in_mentioned_prefecture"], at_home["beyond_mentioned_prefecture"]) == (1, 0)
    assert (abroad["in_mentioned_prefecture"], abroad["beyond_mentioned_prefecture"]) == (0, 1)


def test_a_registry_office_shows_where_a_company_was_registered() -> None:
    # two of the companies of 千代田区 were numbered by office 0100, the third by 1400
    pair = compare({"city": "千代田区", "prefecture": "東京都"}, "aozora-tokyo")
    moved = compare({"city": "千代田区", "prefecture": "東京都"}, "sakura")

    assert pair["office_in_client_city"] == pair["office_in_company_city"] == 1
    assert moved["office_in_client_city"] == 0.5


def test_query_features_describe_the_fields_of_the_client() -> None:
    full = query(COMPANIES["aozora-tokyo"])

    assert {name for name in QUERY_FEATURES if name.startswith("has_") and full[name] == 0} == set()
    assert full["form_leads"] == 1
    assert full["core_length"] == pytest.approx(4 / 20)
    assert full["kanji_share"] == 1
    assert full["stem_differs"] == 0


def test_an_empty_client_has_nothing() -> None:
    assert set(query({}).values()) == {0.0}


@pytest.mark.parametrize(
    ("name", "shares"),
    [("青空", (1, 0, 0)), ("アオ空", (1 / 3, 2 / 3, 0)), ("JFE青", (1 / 4, 0, 3 / 4))],
)
def test_shares_of_scripts_are_those_of_the_letters(name: str, shares: tuple[float, ...]) -> None:
    client = query({"name": name})

    assert (client["kanji_share"], client["kana_share"], client["latin_share"]) == pytest.approx(
        shares
    )


def test_name_mass_sums_the_rarity_of_the_grams() -> None:
    # ^五 五洋 洋建 建設 設$ occur in one of six names each
    assert query({"name": "五洋建設"})["name_mass"] == pytest.approx(5 * np.log(7 / 2) / 40)


def test_query_features_do_not_depend_on_the_other_clients() -> None:
    index = small_index()
    crowd = clients(*[{"name": f"青空商事{place}"} for place in range(3000)], {"name": "五洋建設"})

    among = query_features(index, crowd)[-1]

    assert np.array_equal(among, query_features(index, clients({"name": "五洋建設"}))[0])


def test_ngrams_of_a_name_are_those_of_the_same_name() -> None:
    index, everyone = small_index(), np.arange(len(IDS))
    names = ("core_cosine", "client_cover", "company_cover", "latin_cosine")

    values = pair_features(index, clients(*COMPANIES.values()), everyone, everyone)

    core, client, company, latin = (values[:, PAIR_FEATURES.index(name)] for name in names)
    assert np.allclose([core, client, company], 1)
    assert max(core.max(), client.max(), company.max()) <= 1
    # only one company has a Latin name
    assert latin.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]


def test_covers_show_which_name_contains_the_other() -> None:
    pair = compare({"name": "五洋"}, IDS[7])

    # ^五 五洋 洋$ against ^五 五洋 洋建 建設 設$ among six names; no name ends in 洋
    shared, unknown = np.log(7 / 2) ** 2, np.log(7 / 1) ** 2
    assert pair["client_cover"] == pytest.approx(2 * shared / (2 * shared + unknown))
    assert pair["company_cover"] == pytest.approx(2 / 5)


def test_no_pairs_and_no_clients_give_no_rows() -> None:
    no_clients, no_pairs = clients(), np.zeros(0, dtype=np.int64)

    assert pair_features(small_index(), no_clients, no_pairs, no_pairs).shape == (
        0,
        len(PAIR_FEATURES),
    )
    assert query_features(small_index(), no_clients).shape == (0, len(QUERY_FEATURES))


def test_an_index_in_two_parts_compares_like_one() -> None:
    one = small_index()
    table = MemoryTable({name: COMPANIES[name] for name in IDS if name != "goyo"})
    base = CompanyIndex.of_table(table)
    asking = clients(COMPANIES["goyo"], COMPANIES["acme"])

    table.rows["goyo"] = COMPANIES["goyo"]
    two, _ = base.refresh(table)

    of_pair, companies = np.array([0, 0, 1, 1]), ["goyo", "takahashi", "acme", "goyo"]
    idf = [
        PAIR_FEATURES.index(name) for name in PAIR_FEATURES if "cosine" in name or "cover" in name
    ]
    left, right = (
        pair_features(index, asking, of_pair, index.find(companies)) for index in (one, two)
    )
    offices = [PAIR_FEATURES.index(name) for name in PAIR_FEATURES if name.startswith("office_in")]
    left[:, [*idf, *offices]] = right[:, [*idf, *offices]] = 0
    assert np.array_equal(left, right)


@pytest.mark.parametrize(
    ("client", "company", "sister"),
    [
        ("第二山田建設", "第一山田建設", 1),
        ("第2山田建設", "第二山田建設", 0),
        ("西日本山田建設", "東日本山田建設", 1),
        ("山田建設", "山田建設", 0),
        ("第二山田工業", "第一山田建設", 0),
    ],
)
def test_sisters_differ_in_nothing_but_their_marks(client: str, company: str, sister: int) -> None:
    index = CompanyIndex.build([company_rows({"a": {"name": company}})])
    own = clients({"name": client})

    values = pair_features(index, own, np.array([0]), np.array([0]))[0]

    assert dict(zip(PAIR_FEATURES, values, strict=True))["only_marks_differ"] == sister


@pytest.mark.parametrize(("client", "row"), [(0, len(IDS)), (0, -1), (1, 0), (-1, 0), (0, 2**40)])
def test_pairs_of_clients_or_rows_that_there_are_not_are_refused(client: int, row: int) -> None:
    with pytest.raises(IndexError, match=r"of an index of|clients"):
        pair_features(small_index(), clients({}), np.array([client]), np.array([row]))


def test_clients_whose_columns_differ_in_length_are_refused() -> None:
    own = clients({"name": "青空"}, {"name": "大空"})
    index = small_index()

    for field in ("core", "kana", "latin"):
        one: dict[str, Any] = {field: [""]}
        short = replace(own, canonical=replace(own.canonical, **one))
        with pytest.raises(ValueError, match=r"expected [12] texts in each column"):
            pair_features(index, short, np.array([1]), np.array([0]))
    with pytest.raises(ValueError, match="expected 2 clients in each column"):
        query_features(index, replace(own, canonical=replace(own.canonical, core=["a"])))
