"""Lists with one kind of dirt each, and what is reported of them."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.suite import kind_lists, kinds
from experiments.suite.kind_lists import Kinds
from experiments.suite.kind_tables import Table, address_of, real_table
from linkage_rl.records import FIELDS

CITIES = (("大阪府", "堺市西区"), ("北海道", "札幌市北区"), ("長野県", "下伊那郡阿智村"))


def row(number: int, name: str) -> dict[str, str]:
    prefecture, city = CITIES[number % len(CITIES)]
    return dict.fromkeys(FIELDS, "") | {
        "company_id": f"{number:013}",
        "corporate_number": f"{number:013}",
        "name": name,
        "name_kana": "アオイ",
        "postal_code": f"{1_000_000 + number}",
        "prefecture": prefecture,
        "city": city,
        "street": f"緑ケ丘{number}番地",
    }


@pytest.fixture(scope="module")
def table() -> Table:
    """400 companies with names of their own, and 40 in pairs of one name."""
    alone = [row(number, f"株式会社葵{chr(0x5000 + number)}工業") for number in range(400)]
    pairs = [row(400 + number, f"合同会社葵{chr(0x6000 + number // 2)}") for number in range(40)]
    return Table.of(alone + pairs)


@pytest.fixture(scope="module")
def made(table: Table) -> Kinds:
    """Every row of the page that is made of the real table."""
    made = Kinds(np.random.default_rng(0), {"real": table.rows})
    for add in kinds.ROWS:
        add(made, table)
    return made


def test_rows_are_told_by_whether_others_have_their_name(table: Table) -> None:
    assert len(table.unique()) == 400
    assert len(table.ambiguous()) == 40
    assert {size: len(groups) for size, groups in table.groups().items()} == {1: 400, 2: 20}


def test_every_truth_is_a_row_of_its_table_unless_it_is_absent(made: Kinds) -> None:
    for condition in made.conditions:
        ids = {one["company_id"] for one in made.tables[condition.table]}
        absent = "own row absent" in condition.name
        assert {truth in ids for truth in condition.truth} <= {not absent}, condition.name
        assert all(one.get("name") for one in condition.clients)
        assert not {"company_id", "client_id"} & {name for one in condition.clients for name in one}


def test_every_company_id_is_used_once(made: Kinds) -> None:
    for rows in made.tables.values():
        assert len({one["company_id"] for one in rows}) == len(rows)


def test_the_sister_that_is_named_has_no_row_and_another_one_has(made: Kinds) -> None:
    names = {one["name"] for one in made.tables["real, sisters"]}
    condition = next(one for one in made.conditions if one.name.startswith("another sister"))

    assert condition.clients
    assert not {one["name"] for one in condition.clients} & names
    assert sum("第一" in name for name in names) > 10


def test_places_lose_their_parts(made: Kinds) -> None:
    by_name = {one.name: one.clients for one in made.conditions if one.row.startswith("places")}

    assert {"西区" in one["street"] for one in by_name["ward alone"]} == {True, False}
    assert not any("市" in one["street"] for one in by_name["ward alone"])
    assert by_name["county left out"][0]["street"].startswith("長野県阿智村")


def test_single_rows_change_one_row_of_the_table(table: Table) -> None:
    made = Kinds(np.random.default_rng(0), {"sample": table.rows})
    clients = [{"client_id": str(number), "name": "葵", "url": ""} for number in range(100)]

    kind_lists.shared_values(made, table, clients, [""] * 100)

    single = made.tables["sample, one row of Facebook page"]
    changed = [
        number
        for number, (one, other) in enumerate(zip(single, table.rows, strict=True))
        if one != other
    ]
    many = made.tables["sample, Facebook page"]
    assert len(changed) == 1
    assert "facebook" in single[changed[0]]["url"]
    assert sum("facebook" in one["url"] for one in many) / 440 == pytest.approx(0.3, abs=0.08)


def test_of_the_real_table_whole_names_are_drawn(tmp_path: Path) -> None:
    columns = {
        "company_id": [f"{number:013}" for number in range(900)],
        "name": [f"葵{number // 3}" for number in range(900)],
        "postal_code": ["1000001", None, "1000003"] * 300,
        "prefecture": ["東京都"] * 900,
        "city": ["港区"] * 900,
        "street": ["一番" if number < 300 else f"{number}番" for number in range(900)],
    }
    pq.write_table(pa.table(columns), tmp_path / "companies.parquet")

    few = real_table(tmp_path / "companies.parquet", size=90, crowded=0, seed=1)
    more = real_table(tmp_path / "companies.parquet", size=90, crowded=1, seed=1)

    assert len(few.rows) == 90
    assert set(few.namesakes.values()) == {3}
    assert sum(address_of(one) == "東京都港区一番" for one in more.rows) == 300
    assert {one["postal_code"] for one in few.rows} == {"1000001", "", "1000003"}


def test_lists_are_written_without_their_truth(tmp_path: Path, made: Kinds) -> None:
    kinds.write(tmp_path, made)

    described = json.loads((tmp_path / "conditions.json").read_text(encoding="utf-8"))
    for one in described:
        with (tmp_path / one["list"]).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(one["truth"])
        assert all("company_id" not in row for row in rows)
        assert (tmp_path / one["table"]).exists()
    assert len(described) == len(made.conditions) > 60


def answers(linked: list[str], confidence: float = 0.5) -> list[dict[str, str]]:
    return [
        {"company_id": company, "confidence": str(confidence), "reason": "3 companies of this name"}
        for company in linked
    ]


@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        ("links", "50.0% / 25.0%"),
        ("f1", "F1 0.667"),
        ("same", "2 of 4 answers changed"),
        ("ties", "confidence 0.50 for 0.33, linked 50.0% / 25.0%, said 100%"),
    ],
)
def test_figures_count_right_and_wrong_links(measure: str, figure: str) -> None:
    condition = {"truth": ["a", "b", "c", ""], "measure": measure, "expected": 1 / 3}

    found = kinds.figure(condition, answers(["a", "b", "", "x"]), answers(["a", "", "", ""]))

    assert found == figure


def test_no_link_is_right_for_a_client_without_a_row() -> None:
    condition = {"truth": ["", ""], "measure": "links", "expected": 0.0}

    assert kinds.figure(condition, answers(["", "x"]), []) == "50.0% / 50.0%"


def test_a_report_has_a_line_per_condition_and_a_column_per_run(tmp_path: Path) -> None:
    described = {
        **{"row": "places", "name": "ward alone", "truth": ["a"], "target": ">= 95 %"},
        **{"measure": "links", "compared": "", "expected": 0.0},
        **{"table": "tables/00.csv", "list": "lists/000.csv"},
    }
    (tmp_path / "conditions.json").write_text(json.dumps([described]), encoding="utf-8")
    for run, company in (("before", ""), ("after", "a")):
        (tmp_path / run).mkdir()
        with (tmp_path / run / "000.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["client_id", "company_id"], ["c0", company]])

    lines = kinds.report(tmp_path, ["before", "after"]).splitlines()

    assert lines[0] == "| kind | condition | clients | before | after | to reach |"
    assert lines[2] == "| places | ward alone | 1 | 0.0% / 0.0% | 100.0% / 0.0% | >= 95 % |"
