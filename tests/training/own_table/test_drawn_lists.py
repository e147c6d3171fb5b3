"""Clients drawn from a company table: hidden rows, likeness to a list, estimated rates."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.errors import SchemaError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.training.own_table.authorities import authority_names
from linkage_rl.training.own_table.components import Component, first_rates
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.drawing import FEWEST as FEWEST_CLIENTS
from linkage_rl.training.own_table.drawing import REPEATS, Drawn, draw
from linkage_rl.training.own_table.estimate import estimate
from linkage_rl.training.own_table.former import former_records, related_name
from linkage_rl.training.own_table.likeness import masked, style_of
from linkage_rl.training.own_table.lists import WITHOUT_LIST, drawn_lists
from linkage_rl.training.own_table.patterns import patterns
from linkage_rl.training.own_table.world import FEWEST, World

SAMPLE = SampleConfig(companies=1_500, clients=1_000)
CONFIG = OwnTableConfig(broad=600, train=400, valid=150, test=100)
SETTINGS = CandidateSettings()
COMPANIES = Schema()


@cache
def index() -> CompanyIndex:
    return CompanyIndex.build(generate_companies(SAMPLE))


@cache
def world() -> World:
    return World.of(index(), CONFIG)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def cases_of(some: CompanyIndex, clients: ClientList) -> CaseSet:
    truth = clients.truth or [""] * len(clients)
    blockers = SETTINGS.blockers()
    return prepare_cases(some, blockers, clients.records, truth, SETTINGS.limit, progress=False)


def drawn(
    rates: dict[Component, float], noise: NoiseRates | None = None, count: int = 200
) -> Drawn:
    return draw(world(), count, rates, noise or NoiseRates(), COMPANIES, "train", CONFIG, rng())


def test_hidden_rows_are_found_by_no_blocker_and_counted_nowhere() -> None:
    hidden = np.concatenate(list(world().hidden.values()))
    records = index().records(hidden[:100])
    cases = cases_of(world().index, ClientList(records, list(records.ids), {}))

    assert len(hidden) == int(CONFIG.hidden_share * len(index()))
    assert len(world().index) == len(index()) - len(hidden)
    assert not cases.is_right.any()
    assert (world().index.find(records.ids) == -1).all()
    kept = world().kept["train"][:200]
    before, after = (
        some.counts(kept)[:, list(COUNTED).index("name")] for some in (index(), world().index)
    )
    assert (after <= before).all()
    assert (after < before).any()


def test_no_row_is_in_two_splits_or_kept_and_hidden() -> None:
    parts = [*world().kept.values(), *world().hidden.values()]

    together = np.concatenate(parts)

    assert len(np.unique(together)) == len(together) == len(index())


@pytest.mark.parametrize("place", ["city", "office", "prefecture"])
def test_a_donor_is_another_hidden_row_of_the_same_place(place: str) -> None:
    rows = np.concatenate([world().kept["train"], world().hidden["train"]])

    donors = world().donors(rows, "train", place, rng())

    assert np.isin(donors, world().hidden["train"]).all()
    codes, hidden = world().places[place], set(world().places[place][world().hidden["train"]])
    shared = np.array([code in hidden for code in codes[rows].tolist()])
    assert (codes[donors] == codes[rows])[shared].all()
    alone = np.array(
        [(codes[world().hidden["train"]] == code).sum() == 1 for code in codes[rows].tolist()]
    )
    assert (donors != rows)[~alone].all()


def test_a_table_of_few_rows_is_refused_in_one_sentence() -> None:
    rows = next(iter(generate_companies(replace(SAMPLE, companies=FEWEST - 1))))
    small = CompanyIndex.build([rows])

    with pytest.raises(SchemaError, match=r"at least 200 rows, got 19\d; ") as error:
        World.of(small, CONFIG)

    assert "\n" not in str(error.value)


def test_former_addresses_come_from_hidden_rows() -> None:
    rows = world().kept["train"][:150]
    records = index().records(rows)

    former = former_records(world(), rows, records, COMPANIES, "train", CONFIG, rng())

    hidden = index().records(world().hidden["train"])
    places = set(zip(hidden.column("city"), hidden.column("street"), strict=True))
    assert set(zip(former.column("city"), former.column("street"), strict=True)) <= places
    assert former.column("corporate_number") == list(records.column("corporate_number"))
    same = [a == b for a, b in zip(former.column("name"), records.column("name"), strict=True)]
    assert np.mean(same) < 0.05


@pytest.mark.parametrize(
    ("name", "other"),
    [("株式会社青空工業", "有限会社北沢"), ("Northwind Traders Ltd", "Blue Sky"), ("あ", "い")],
)
def test_a_related_name_is_another_one_that_shares_a_part(name: str, other: str) -> None:
    generator = rng()
    related = {related_name(name, other, generator) for _ in range(40)}

    assert all(related)
    assert len(related) > 1
    assert all(set(text) & set(name) for text in related)


def test_clients_without_a_row_have_no_truth_and_the_others_have_theirs() -> None:
    rates = {Component("exact", False, False): 0.7, Component("exact", False, True): 0.3}

    clients = drawn(rates)

    hidden = [clients.components[place].hidden for place in clients.component.tolist()]
    assert hidden == [truth == "" for truth in clients.truth]
    assert 0.2 < np.mean(hidden) < 0.4
    kept = set(index().company_ids(world().kept["train"]))
    assert {truth for truth in clients.truth if truth} <= kept
    cases = cases_of(world().index, ClientList(clients.records, clients.truth, {}))
    found = np.zeros(len(cases), dtype=bool)
    found[cases.case_of_pair[cases.is_right]] = True
    assert found[cases.has_row].mean() > 0.95


def test_a_small_table_gives_few_clients() -> None:
    rows = len(world().kept["train"]) + len(world().hidden["train"])
    assert rows < FEWEST_CLIENTS < REPEATS * rows

    clients = drawn({Component("exact", False, True): 1.0}, count=10**6)

    assert len(clients) == FEWEST_CLIENTS


def test_authorities_are_not_in_the_table() -> None:
    names = authority_names(index(), 300, rng())

    assert len(names) > 200
    assert not set(names) & set(index().records(np.arange(len(index()))).column("name"))


def test_drawn_clients_have_the_fields_of_the_list() -> None:
    columns = {
        "name": ["株式会社甲"] * 100,
        "street": ["東京都千代田区丸の内1-1-1"] * 30 + ["大阪府"] * 20 + [""] * 50,
        "phone": [""] * 50 + ["03-1234-5678"] * 50,
    }
    style = style_of(RecordBatch([str(i) for i in range(100)], columns), index(), COMPANIES, rng())

    clients = drawn({Component("exact", False, False): 1.0}, style.noise, count=900)
    like = masked(clients.records, style, rng())

    assert set(like.column("name_kana")) == set(like.column("url")) == {""}
    streets, phones = like.column("street"), like.column("phone")
    assert 0.4 < np.mean([text != "" for text in streets]) < 0.6
    # who has a phone has no address, as in the list
    assert not any(street and phone for street, phone in zip(streets, phones, strict=True))
    prefectures = set(index().records(np.arange(200)).column("prefecture"))
    assert np.mean([text in prefectures for text in streets if text]) > 0.15


def test_the_address_style_follows_the_list() -> None:
    table = index().records(np.arange(400))
    short = [
        city + street
        for city, street in zip(table.column("city"), table.column("street"), strict=True)
    ]
    style = style_of(
        RecordBatch(table.ids, {"name": table.column("name"), "street": short}),
        index(),
        COMPANIES,
        rng(),
    )

    assert style.has_addresses
    assert style.noise.prefecture_dropped > 0.95
    assert style.noise.building_dropped < 0.2


def test_estimated_rates_come_near_those_of_a_drawn_list() -> None:
    kinds = ("exact", "legal_form", "typo", "renamed")
    first = first_rates(kinds, addresses=True, no_row_share=0.35, authorities=False)
    true = dict.fromkeys(first, 0.0)
    true |= {
        Component("exact", False, False): 0.6,
        Component("typo", True, False): 0.25,
        Component("exact", False, True): 0.15,
    }
    noise = replace(NoiseRates(), address=1.0, city_only=0.0, name_only=0.0)
    broad, listed = drawn(first, noise, 2_000), drawn(true, noise, 800)
    known, unknown = (
        patterns(cases_of(world().index, ClientList(part.records, part.truth, {})))
        for part in (broad, listed)
    )

    found = estimate(known, broad.component, broad.components, unknown, prior=0.3)

    assert sum(found.rates.values()) == pytest.approx(1)
    assert found.unseen_share < 0.2
    before = sum(abs(first[one] - true[one]) for one in first)
    after = sum(abs(found.rates[one] - true[one]) for one in first)
    assert after < 0.75 * before


def test_a_list_unlike_the_table_shows_patterns_that_were_never_drawn() -> None:
    drawn_patterns, other = np.arange(100) % 7, np.full(50, 99)
    component = np.zeros(100, dtype=np.int64)

    found = estimate(drawn_patterns, component, (Component("exact", False, False),), other, 0.3)

    assert found.unseen_share == 1.0


def prepare(some: CompanyIndex, clients: ClientList, dataset: str, purpose: str) -> CaseSet:
    return cases_of(some, clients)


def test_lists_are_the_same_for_equal_settings_and_read_no_label() -> None:
    listed = generate_clients(SAMPLE, "valid")
    made = [
        drawn_lists(index(), {"own": ("own.csv", listed.records)}, COMPANIES, CONFIG, prepare)
        for _ in range(2)
    ]

    one, other = (
        [
            (clients.records, clients.truth)
            for lists in made_lists.lists.values()
            for clients in lists.values()
        ]
        for made_lists in made
    )
    assert one == other
    facts = made[0].datasets["own"]
    assert facts.list_file == "own.csv"
    assert facts.list_cases is not None
    assert not facts.list_cases.is_right.any()
    assert not facts.list_cases.has_row.any()
    assert facts.unseen_share is not None
    assert facts.unseen_share < 0.5
    assert {split: len(lists["own"]) for split, lists in made[0].lists.items()} == {
        "train": CONFIG.train,
        "valid": CONFIG.valid,
        "test": CONFIG.test,
    }


def test_without_a_list_there_is_one_with_all_fields_and_one_of_names() -> None:
    made = drawn_lists(index(), {}, COMPANIES, CONFIG, prepare)

    assert set(made.lists["train"]) == set(WITHOUT_LIST)
    names_only = made.lists["train"]["names_only"].records
    assert set(names_only.column("postal_code")) == {""}
    assert all(names_only.column("name"))
    assert made.datasets["names_only"].unseen_share is None


def test_records_with_a_schema_of_comparators_are_drawn_by_their_own_noise(tmp_path: Path) -> None:
    schema = Schema(name="citation", title=["title"], text=["authors"], digits=["year"])
    count = 400
    columns = {
        "title": [
            f"On the {kind} of large graph number {i}"
            for i, kind in zip(
                range(count), ["size", "colour", "search", "order"] * count, strict=False
            )
        ],
        "authors": [f"A. Writer{i % 37}, B. Editor{i % 11}" for i in range(count)],
        "year": [str(1990 + i % 30) for i in range(count)],
    }
    ids = [str(i) for i in range(count)]
    records = schema.apply(ids, columns, "table")
    nothing = [""] * count
    full = CompanyIndex.build([CompanyRows(records, nothing, nothing)])
    like = {"papers": ("papers.csv", records.take(range(100)))}

    made = drawn_lists(full, like, schema, CONFIG, prepare)

    clients = made.lists["train"]["papers"].records
    assert all(clients.column("name"))
    assert not any("株" in name for name in clients.column("name"))
    assert np.mean([text != "" for text in clients.column("name_kana")]) > 0.8
