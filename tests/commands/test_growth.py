"""The growth experiment runs, its tables have the companies they need; no timing is asserted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.cost.growth import growth_table, main
from experiments.cost.inputs import QUICK, write_clients, write_companies
from experiments.cost.sized_tables import RealTable, synthetic
from experiments.cost.table_cost import Growth
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.schema import CANONICAL

SAMPLE = SampleConfig(companies=400, clients=200)


@pytest.fixture
def table(tmp_path: Path) -> RealTable:
    write_companies(tmp_path / "table.csv", generate_companies(SAMPLE))
    write_clients(tmp_path / "list.csv", generate_clients(SAMPLE, "test"))
    return RealTable(tmp_path / "table.csv", CANONICAL, tmp_path / "list.csv")


def test_a_drawn_table_keeps_the_right_company_of_every_client(
    table: RealTable, tmp_path: Path
) -> None:
    inputs = table.drawn(100, replace(QUICK, clients=20), tmp_path)

    ids = [company_id for chunk in inputs.chunks() for company_id in chunk.records.ids]
    assert 60 < len(ids) < 140
    assert len(inputs.clients) == 20
    assert set(inputs.truth) - {""} <= set(ids)


def test_zero_rows_take_the_file_as_it_is(table: RealTable, tmp_path: Path) -> None:
    assert table.drawn(0, QUICK, tmp_path).companies == table.companies


def test_a_synthetic_table_comes_with_clients_of_its_own(tmp_path: Path) -> None:
    inputs = synthetic(150, replace(QUICK, clients=10), tmp_path)

    ids = [company_id for chunk in inputs.chunks() for company_id in chunk.records.ids]
    assert len(ids) == len(set(ids)) == 150
    assert len(inputs.clients) == 10


@pytest.mark.slow
def test_every_size_becomes_a_line_a_record_and_a_point(
    table: RealTable, tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--companies", str(table.companies), "--clients", str(table.clients)]
    arguments += ["--bundle", str(bundle), "--sizes", "100", "--synthetic", "--limit", "20"]

    code = main([*arguments, "--output", str(tmp_path / "out")])

    grown = [
        Growth(**some)
        for some in json.loads((tmp_path / "out" / "growth.json").read_text())["tables"]
    ]
    assert code == 0
    assert [some.table for some in grown] == ["real"]
    assert all(value for value in vars(grown[0]).values())
    assert growth_table(grown) in capsys.readouterr().out
    assert (tmp_path / "out" / "growth.png").stat().st_size > 10_000
