"""The sample behaves like the real table and lists."""

import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.cell_noise import FREE_MAIL, MISSING_WORDS, PORTALS, PUBLIC_PAGES
from linkage_rl.tables.places import load_towns
from linkage_rl.tables.sample import (
    SampleConfig,
    check_digits,
    generate_clients,
    generate_companies,
)
from linkage_rl.tables.split import SPLITS
from linkage_rl.tables.vocabulary import vocabulary
from linkage_rl.text.canonical import canonical_former_cores, canonicalise
from linkage_rl.text.urls import canonical_domains

SMALL = SampleConfig(companies=4_000, clients=1_000)


@cache
def table() -> dict[str, list[str]]:
    """The company table of SMALL by column."""
    columns: dict[str, list[str]] = {"company_id": [], "closed_at": [], "updated_at": []}
    for rows in generate_companies(SMALL, size=1_500):
        columns["company_id"] += rows.records.ids
        columns["closed_at"] += rows.closed_at
        columns["updated_at"] += rows.updated_at
        for field, texts in rows.records.columns.items():
            columns.setdefault(field, []).extend(texts)
    return columns


def shared(texts: list[str]) -> float:
    """Share of texts that occur more than once."""
    counts = Counter(texts)
    return sum(count for count in counts.values() if count > 1) / len(texts)


def test_the_table_has_the_requested_rows_with_distinct_corporate_numbers() -> None:
    ids = table()["company_id"]

    numbers = np.array([int(company_id) for company_id in ids])
    assert len(set(ids)) == len(ids) == 4_000
    assert (check_digits(numbers % 10**12) == numbers // 10**12).all()


def test_a_quarter_of_the_companies_share_a_name_and_a_fifth_an_address() -> None:
    places = [
        f"{city}{street}" for city, street in zip(table()["city"], table()["street"], strict=True)
    ]

    assert shared(table()["name"]) == pytest.approx(0.25, abs=0.05)
    assert shared(places) == pytest.approx(0.2, abs=0.07)


def test_legal_forms_are_as_frequent_as_in_the_real_table() -> None:
    names = table()["name"]

    def share(form: str) -> float:
        return sum(form in name for name in names) / len(names)

    assert share("株式会社") == pytest.approx(0.64, abs=0.06)
    assert share("有限会社") == pytest.approx(0.13, abs=0.06)
    assert share("合同会社") == pytest.approx(0.14, abs=0.05)


def test_domains_of_different_companies_differ() -> None:
    filled = {*PUBLIC_PAGES, *FREE_MAIL, *MISSING_WORDS}
    portals = set(canonical_domains(PORTALS))
    domains = canonical_domains(table()["url"])
    urls = [
        url
        for url, domain in zip(table()["url"], domains, strict=True)
        if url and url not in filled and domain not in portals
    ]

    assert shared(urls) < 0.05, "only homophones and branches may share one"
    assert len(urls) / 4_000 == pytest.approx(0.45, abs=0.05)


def test_one_percent_of_the_rows_are_closed() -> None:
    closed = [day for day in table()["closed_at"] if day]

    assert len(closed) / 4_000 == pytest.approx(0.01, abs=0.01)
    assert all(updated for updated in table()["updated_at"])


def test_six_percent_of_the_companies_had_another_name_and_some_of_them_two() -> None:
    former = [texts.split("|") for texts in table()["former_names"] if texts]
    present = set(table()["name"])

    assert len(former) / 4_000 == pytest.approx(0.06, abs=0.01)
    assert sum(len(names) for names in former) / len(former) == pytest.approx(1 + 1 / 7, abs=0.08)
    assert 0.1 < sum(name in present for name, *_ in former) / len(former) < 0.4


def test_half_of_the_clients_of_renamed_companies_use_a_former_name_in_the_table() -> None:
    former_of = dict(
        zip(table()["company_id"], canonical_former_cores(table()["former_names"]), strict=True)
    )
    knowing, using = 0, list[bool]()
    for split in SPLITS:
        clients = generate_clients(SMALL, split)
        cores = canonicalise(clients.records).core
        for core, truth, kind in zip(
            cores, clients.truth or (), clients.extra["noise"], strict=True
        ):
            if former := former_of.get(truth):
                knowing += 1
                if kind.startswith("renamed"):
                    using.append(core in former or "text_beside_name" in kind)

    assert len(using) / knowing == pytest.approx(0.5, abs=0.2)
    assert sum(using) / len(using) > 0.9, "a form left out may leave another core"
    assert "former_names" not in clients.records.columns


def test_equal_seeds_give_equal_samples_and_others_do_not() -> None:
    def first(seed: int) -> RecordBatch:
        return next(generate_companies(SampleConfig(companies=50, clients=10, seed=seed))).records

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_no_company_has_clients_in_two_splits() -> None:
    truths = [set(generate_clients(SMALL, split).truth or ()) - {""} for split in SPLITS]

    assert [len(truth) for truth in truths] == pytest.approx([510, 170, 170], abs=10)
    assert not truths[0] & truths[1] | truths[0] & truths[2] | truths[1] & truths[2]


@pytest.mark.parametrize("split", SPLITS)
def test_fifteen_percent_of_the_clients_have_no_open_row(split: str) -> None:
    clients = generate_clients(SMALL, split)
    is_open = {
        company_id: not closed
        for company_id, closed in zip(table()["company_id"], table()["closed_at"], strict=True)
    }

    assert clients.truth is not None
    assert clients.truth.count("") / len(clients) == pytest.approx(0.15, abs=0.01)
    assert all(is_open[company_id] for company_id in clients.truth if company_id)
    assert len(clients.extra["noise"]) == len(clients)


def test_clients_without_a_row_have_companies_of_their_name_in_the_table() -> None:
    clients = generate_clients(SMALL, "train")
    names = set(table()["name"])

    lacking = [
        name
        for name, truth, noise in zip(
            clients.records.column("name"), clients.truth or (), clients.extra["noise"], strict=True
        )
        if not truth and noise == "exact"
    ]
    assert 0.2 < sum(name in names for name in lacking) / len(lacking) < 0.8


def test_clients_of_absent_sisters_have_no_row_beside_the_rows_of_the_others() -> None:
    config = SampleConfig(companies=2_000, clients=2_000, sister_share=0.3)
    table_names = next(generate_companies(config)).records.column("name")
    absent = [
        name
        for split in SPLITS
        for clients in [generate_clients(config, split)]
        for name, truth, noise in zip(
            clients.records.column("name"), clients.truth or (), clients.extra["noise"], strict=True
        )
        if re.search("第[一二三]", name) and not truth and noise == "exact"
    ]

    in_table = Counter(
        re.sub("第[一二三]", "", name) for name in table_names if re.search("第[一二三]", name)
    )
    folded = {unicodedata.normalize("NFKC", core): count for core, count in in_table.items()}
    assert set(in_table.values()) == {1, 2}
    assert len(absent) > 1
    assert {
        folded[unicodedata.normalize("NFKC", re.sub("第[一二三]", "", name))] for name in absent
    } <= {1, 2}


def test_sisters_mostly_have_one_address_and_telephone_and_the_sites_of_branches_differ() -> None:
    rows = [dict(zip(table(), texts, strict=True)) for texts in zip(*table().values(), strict=True)]
    regional = defaultdict(set)
    for row in rows:
        if found := re.fullmatch("(.*)(?:東日本|西日本|中日本)(..+)", row["name"]):
            regional[found[1] + found[2]].add(row["city"] + row["street"])
    branches = [row for row in rows if row["name"].endswith("支店")]

    groups = [places for core, places in regional.items() if core]
    assert 0.3 < sum(len(places) == 1 for places in groups) / len(groups) <= 1
    assert len(branches) / 4_000 == pytest.approx(0.01, abs=0.003)
    heads = {row["name"]: row for row in rows}
    with_head = [
        (row, heads[name])
        for row in branches
        if (name := re.sub("　?[^　]{1,6}支店$", "", row["name"])) in heads
    ]
    assert all(branch["street"] != head["street"] for branch, head in with_head)


def test_one_building_has_many_companies() -> None:
    addresses = Counter(zip(table()["city"], table()["street"], strict=True))

    (_, most), (_, second) = addresses.most_common(2)
    assert 40 < most < 200
    assert second < most


def test_some_rows_of_the_table_have_a_former_or_a_trade_name_beside_the_name() -> None:
    beside = [name for name in table()["name"] if re.search("旧|[（(／「].+", name)]

    assert len(beside) / 4_000 == pytest.approx(0.03, abs=0.01)


def test_some_empty_identifiers_of_the_table_hold_a_shared_value() -> None:
    phones = Counter(phone for phone in table()["phone"] if phone)
    urls = Counter(url for url in table()["url"] if url)
    domains = Counter(canonical_domains(table()["url"]))

    assert phones["000-0000-0000"] > 2
    assert urls["https://www.facebook.com/"] > 5
    assert sum(domains[domain] for domain in canonical_domains(PORTALS)) > 5


def test_the_size_of_the_chunks_changes_nothing() -> None:
    few = SampleConfig(companies=300, clients=20, shared_identifier_share=0.3)

    at_once = next(generate_companies(few)).records
    in_chunks = [rows.records for rows in generate_companies(few, size=70)]

    for name, texts in at_once.columns.items():
        assert [text for part in in_chunks for text in part.column(name)] == texts


def test_some_clients_are_known_by_name_only_and_some_of_them_have_namesakes() -> None:
    clients = generate_clients(SMALL, "train")
    name_of = dict(zip(table()["company_id"], table()["name"], strict=True))
    frequency = Counter(table()["name"])
    others = set(clients.records.columns) - {"name", "name_kana", "street"}

    only = [
        frequency[name_of.get(truth, "")]
        for row, truth in enumerate(clients.truth or ())
        if not any(clients.records.column(name)[row] for name in others)
        and len(clients.records.column("street")[row]) <= 4
    ]
    assert len(only) / len(clients) == pytest.approx(0.09, abs=0.03)
    assert sum(2 <= count <= 6 for count in only) / len(clients) > 0.005


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a split among"):
        generate_clients(SMALL, "dev")


def test_a_sample_of_no_companies_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"table\.sample\.companies must lie in \[10,"):
        SampleConfig(companies=0)


def test_towns_are_drawn_as_companies_are_spread_over_the_country() -> None:
    towns, rng = load_towns(), np.random.default_rng(0)

    drawn = towns.draw(20_000, rng)

    assert (towns.prefecture[drawn] == "東京都").mean() == pytest.approx(0.263, abs=0.02)
    assert (towns.prefecture[drawn] == "鳥取県").mean() == pytest.approx(0.0025, abs=0.002)


def test_a_company_moves_within_its_city_or_its_prefecture() -> None:
    towns, rng = load_towns(), np.random.default_rng(0)
    old = towns.draw(500, rng)

    near = towns.near(old, np.ones(500, dtype=bool), rng)
    far = towns.near(old, np.zeros(500, dtype=bool), rng)

    assert (towns.city[near] == towns.city[old]).all()
    assert (towns.prefecture[far] == towns.prefecture[old]).all()


def test_every_word_that_names_are_made_of_has_a_reading() -> None:
    unread = {"building", "branch", "similar", "given", "department", "shop", "site"}

    assert all(all(words.readings) for kind, words in vocabulary().items() if kind not in unread)
