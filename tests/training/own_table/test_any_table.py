"""Clients of tables with few fields, with one column of addresses, or in Latin script."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.latin_forms import core_of_latin, is_latin
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.training.data import prepare
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.former import related_name
from linkage_rl.training.own_table.likeness import Style, style_of
from linkage_rl.training.own_table.lists import DrawnLists, drawn_lists
from linkage_rl.training.settings import ListSettings, RunSettings, TableSettings

ROWS = 400
SAMPLE = SampleConfig(companies=ROWS, clients=600)
CONFIG = OwnTableConfig(broad=150, train=80, valid=40, test=20)
PLACE = ("postal_code", "prefecture", "city", "street")
SHAPES = {
    "no corporate numbers": ("corporate_number",),
    "no phones": ("phone", "url"),
    "no addresses": PLACE,
    "names alone": (*PLACE, "phone", "url", "corporate_number", "name_kana", "name_en"),
}


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@cache
def companies() -> RecordBatch:
    (rows,) = generate_companies(SAMPLE)
    return rows.records


def without(records: RecordBatch, fields: tuple[str, ...]) -> RecordBatch:
    empty = {field: [""] * len(records) for field in fields if field in records.columns}
    return RecordBatch(records.ids, {**records.columns, **empty})


def table(records: RecordBatch) -> CompanyIndex:
    nothing = [""] * len(records)
    return CompanyIndex.build([CompanyRows(records, nothing, nothing)])


def cases(some: CompanyIndex, clients: ClientList, dataset: str, purpose: str) -> CaseSet:
    settings, truth = CandidateSettings(), clients.truth or [""] * len(clients)
    return prepare_cases(
        some, settings.blockers(), clients.records, truth, settings.limit, progress=False
    )


def drawn_like(full: CompanyIndex, clients: RecordBatch) -> DrawnLists:
    return drawn_lists(full, {"own": ("own.csv", clients)}, Schema(), CONFIG, cases)


@pytest.mark.parametrize("lacking", SHAPES.values(), ids=SHAPES)
def test_clients_have_no_field_that_the_table_lacks(lacking: tuple[str, ...]) -> None:
    full = table(without(companies(), lacking))
    listed = without(generate_clients(SAMPLE, "test").records, lacking)

    made = drawn_like(full, listed)

    for lists in made.lists.values():
        clients = lists["own"]
        assert all(clients.records.column("name"))
        assert not any(any(clients.records.column(field)) for field in lacking)
        assert 0 < sum(truth == "" for truth in clients.truth or []) < len(clients)
    unseen = made.datasets["own"].unseen_share
    assert unseen is not None
    assert unseen < 0.7


def test_two_hundred_rows_are_enough() -> None:
    records = companies().take(range(200))

    made = drawn_like(table(records), generate_clients(SAMPLE, "test").records)

    assert {split: len(lists["own"]) for split, lists in made.lists.items()} == {
        "train": CONFIG.train,
        "valid": CONFIG.valid,
        "test": CONFIG.test,
    }
    assert all(len(rows) for rows in (*made.world.hidden.values(), *made.world.kept.values()))


def test_an_address_in_one_column_is_drawn_as_a_whole() -> None:
    records = companies()
    parts = (records.column(field) for field in PLACE[1:])
    whole = ["".join(texts) for texts in zip(*parts, strict=True)]
    columns = {**records.columns, "prefecture": [""] * ROWS, "city": [""] * ROWS, "street": whole}
    listed = generate_clients(SAMPLE, "test").records

    made = drawn_like(table(RecordBatch(records.ids, columns)), listed)

    streets = [text for text in made.lists["train"]["own"].records.column("street") if text]
    assert len(streets) > 20
    assert np.mean([any(sign in text for sign in "市区町村") for text in streets]) > 0.9


@cache
def latin_companies() -> RecordBatch:
    generator = rng()

    def some(texts: str) -> list[str]:
        words = texts.split()
        return [words[place] for place in generator.integers(0, len(words), ROWS).tolist()]

    first, second = some("Blue Summit Cedar Granite Pioneer Harbor"), some("Ridge Creek Mill Point")
    trade, form = some("Roofing Dairy Energy Media Foods Steel"), some("Inc. LLC Corp. Ltd")
    numbers = generator.integers(1, 9_000, ROWS).tolist()
    road = some("Oak Main Elm Lake")
    columns = {
        "name": [" ".join(words) for words in zip(first, second, trade, form, strict=True)],
        "street": [
            f"{number} {one} St, Suite 5" for number, one in zip(numbers, road, strict=True)
        ],
        "city": some("Springfield Dallas Boston Denver"),
        "prefecture": some("IL TX MA CO"),
        "postal_code": [f"{number:05}" for number in numbers],
    }
    ids = [str(row) for row in range(ROWS)]
    return _records(ids, columns)


def _records(ids: list[str], columns: dict[str, list[str]]) -> RecordBatch:
    empty = {field: [""] * ROWS for field in companies().columns}
    return RecordBatch(ids, {**empty, **columns})


def latin_list(addresses: list[str]) -> RecordBatch:
    names = latin_companies().column("name")[: len(addresses)]
    ids = [f"k{place}" for place in range(len(addresses))]
    return RecordBatch(ids, {"name": names, "street": addresses})


def latin_style(addresses: list[str]) -> Style:
    return style_of(latin_list(addresses), table(latin_companies()), Schema(), rng())


def test_latin_clients_have_addresses_like_those_of_the_list() -> None:
    listed = ["12 Main St, Springfield, IL 62701"] * 60 + ["Dallas, TX 75201"] * 40

    made = drawn_like(table(latin_companies()), latin_list(listed))

    clients = made.lists["train"]["own"].records
    assert all(is_latin(name) for name in clients.column("name"))
    streets = clients.column("street")
    towns = set(latin_companies().column("city"))
    assert all(any(town.casefold() in text.casefold() for town in towns) for text in streets)
    with_street = np.mean([text.split(",")[0][0].isdigit() for text in streets])
    assert 0.35 < with_street < 0.8


def test_commas_and_states_of_latin_addresses_are_no_change() -> None:
    noise = latin_style(["12 Main St, Suite 5, Springfield, IL 62701"] * 100).noise

    assert noise.address_wording < 0.05
    assert noise.prefecture_dropped < 0.5
    assert noise.building_dropped < 0.1


def test_latin_addresses_are_not_compared_and_remarks_are_counted() -> None:
    clients = latin_list(["12 Main St, Springfield, IL"] * 100)
    names = [f"{name} ATTN Bob" for name in clients.column("name")[:30]]
    noted = replace(
        clients, columns={**clients.columns, "name": [*names, *clients.column("name")[30:]]}
    )

    style = style_of(noted, table(latin_companies()), Schema(), rng())

    assert not style.has_addresses
    assert style.noise.text_beside_name == pytest.approx(0.3, abs=0.05)


def test_a_former_latin_name_keeps_its_form_but_not_its_core() -> None:
    generator = rng()
    former = {
        related_name("Blue Ridge Foods, Inc.", "Cedar Steel LLC", generator) for _ in range(30)
    }

    assert len(former) == 3
    assert all(name.endswith(", Inc.") for name in former)
    assert "Blue Ridge Foods" not in {core_of_latin(name) for name in former}


def write(path: Path, records: RecordBatch, labels: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["client_id", *records.columns, "company_id"])
        lines.writerows(zip(records.ids, *records.columns.values(), labels, strict=True))


def test_no_label_of_the_list_is_read(tmp_path: Path) -> None:
    clients = generate_clients(SAMPLE, "test")
    labels = clients.truth or []
    made = []
    for name, truth in (("true", labels), ("wrong", [*reversed(labels[1:]), "no such company"])):
        write(tmp_path / "own.csv", clients.records, truth)
        prepared = prepare(
            RunSettings(
                cache=str(tmp_path / name),
                table=TableSettings(sample=SAMPLE),
                clients=ListSettings(own=True, like=str(tmp_path / "own.csv")),
                own_table=CONFIG,
            )
        )
        folders = (tmp_path / name / "cases").iterdir()
        made.append(
            {
                str(file.relative_to(tmp_path / name)): file.read_bytes()
                for folder in folders
                for file in folder.iterdir()
            }
        )
        assert len(prepared.cases["train"]) == CONFIG.train

    assert made[0] == made[1]
    assert len({path.split("/")[1] for path in made[0]}) == 5
