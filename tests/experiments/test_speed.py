"""The benchmark runs, and its rivals and ratios are right; timings are not asserted."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from experiments.cost.__main__ import COMMANDS
from experiments.cost.__main__ import main as cost
from experiments.cost.figures import Figure, figures_table
from experiments.cost.indexing import slow_clients
from experiments.cost.inputs import QUICK, Inputs, column_mapping, prepare_inputs
from experiments.cost.linking import Quality, quality
from experiments.cost.plain import PlainIndex, PlainRules
from experiments.cost.searching import search_brute_force, search_ngrams
from experiments.cost.speed import main
from experiments.tools.measure import peak_memory_mb, run_in_subprocess
from linkage_rl.errors import ConfigError, LinkageError, SchemaError
from linkage_rl.records import FIELDS
from linkage_rl.tables.schema import CANONICAL
from tests.small_table import IDS, client_records, company_rows, small_index

LINES = (
    "index build",
    "index load, verified",
    "n-gram search",
    "linking, CSV to CSV",
    "one client, 99th percentile",
    "environment",
    "PPO with the scorer",
    "refresh",
)


def client(**fields: str) -> dict[str, str]:
    return {name: fields.get(name, "") for name in FIELDS}


def two_clients(tmp_path: Path) -> Inputs:
    companies, clients = tmp_path / "companies.csv", tmp_path / "mine.csv"
    companies.write_text("company_id,name\nc1,青空商事\nc2,五洋建設\n", encoding="utf-8")
    clients.write_text("client_id,name,company_id\n1,青空,c1|c9\n2,海,\n", encoding="utf-8")
    return prepare_inputs(companies, clients, CANONICAL, QUICK, tmp_path)


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--quick", "--output", str(tmp_path / "results.json")])

    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    measured = {figure["what"]: figure for figure in results["figures"]}
    assert code == 0
    assert set(LINES) <= set(measured)
    assert all(figure["ours"] > 0 and figure["rival"] > 0 for figure in measured.values())
    assert all(line in printed for line in LINES)
    assert results["machine"]["cores"] >= 1
    assert [report["blocker"] for report in results["coverage"]][-1] == "all"
    assert list(results["coverage"][-1]["recall"]) == ["1", "5", "10", "20", "30"]


def test_a_ratio_above_one_always_says_that_ours_is_better() -> None:
    assert Figure("steps", "steps/s", ours=30.0, rival=10.0).times_better == 3.0
    assert Figure("load", "s", ours=2.0, rival=10.0, less_is_better=True).times_better == 5.0
    assert Figure("load", "s", ours=2.0).times_better is None


def test_the_table_is_aligned_and_marks_lines_without_a_rival() -> None:
    table = figures_table([Figure("a", "s", 0.5), Figure("longer", "rows/s", 1234.5, 100.0)])

    header, first, second = table.splitlines()
    assert header.index("ours") + 4 == first.index("0.500") + 5 == second.index("1,234") + 5
    assert first.split() == ["a", "s", "0.500", "-", "-", "-"]
    assert second.split()[-2] == "12.3x"


def test_memory_is_counted_from_the_start_of_each_process_of_its_own() -> None:
    ballast = np.ones(25_000_000)

    assert peak_memory_mb() > ballast.nbytes / 2**20
    assert run_in_subprocess(peak_memory_mb) < ballast.nbytes / 2**20


def test_a_killed_process_ends_with_one_sentence() -> None:
    with pytest.raises(LinkageError, match="_exit was killed, perhaps for lack of memory"):
        run_in_subprocess(os._exit, 9)


def test_a_list_of_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="got none; give a list that belongs to the table"):
        slow_clients(two_clients(tmp_path), small_index())


def test_plain_rules_distinguish_namesakes_by_city_and_link_nothing_ambiguous() -> None:
    rules = PlainRules([company_rows()])

    in_osaka = rules.link(client(name="㈱青空商事", street="大阪府大阪市北区梅田1-1-3"))
    somewhere = rules.link(client(name="㈱青空商事"))
    by_phone = rules.link(client(name="さくら会", phone="(03)3222-0005"))
    unknown = rules.link(client(name="海の家"))

    assert IDS[in_osaka] == "aozora-osaka"
    assert somewhere == unknown == -1
    assert IDS[by_phone] == "sakura"


def test_the_plain_index_finds_a_misspelt_name() -> None:
    index = PlainIndex([company_rows()])

    best, *_ = index.search("北海道綜合食品(株)", "", 3)

    assert index.cores[best] == "北海道総合食品"
    assert [index.ids[row] for row in index.rows[best]] == ["hokkai"]


def test_a_plain_index_leaves_out_closed_companies() -> None:
    assert "goyo" not in PlainIndex([company_rows(closed=["goyo"])]).ids


def test_recall_is_judged_alike_for_search_and_brute_force() -> None:
    """Both find the misspelt name and the namesake in Tokyo; JAL is not found."""
    records = client_records(
        {"name": "五洋建没株式会社"}, {"name": "(株)青空商事"}, {"name": "JAL"}
    )
    truth = ["goyo", "aozora-tokyo", "takahashi"]

    ours = search_ngrams(small_index(), records, truth)
    brute = search_brute_force(small_index(), records.take([0, 1]), truth[:2])

    assert ours.company == ours.name == pytest.approx(2 / 3)
    assert brute.company == brute.name == 1.0


def test_links_are_judged_by_the_file_that_was_written(tmp_path: Path) -> None:
    inputs, output = two_clients(tmp_path), tmp_path / "linked.csv"
    with output.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["client_id", "company_id"], ["1", "c9"], ["2", "c2"]])

    assert quality(output, inputs) == Quality(linked=1.0, precision=0.5)


def test_given_files_are_measured_as_they_are(tmp_path: Path) -> None:
    inputs = two_clients(tmp_path)

    assert [list(chunk.records.ids) for chunk in inputs.chunks()] == [["c1", "c2"]]
    assert inputs.truth == ("c1", "")
    assert inputs.list_file.read_text(encoding="utf-8").splitlines()[1].startswith("1,青空,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clients", "clients.csv"], "give --companies and --clients together"),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--map", "colour=x"], "--map expects COLUMN=THEIRS"),
    ],
)
def test_a_wrong_command_line_ends_with_one_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    error = capsys.readouterr().err
    assert code == 1
    assert error.startswith(message)
    assert error.count("\n") == 1


def test_an_unknown_command_of_the_room_names_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cost(["size"]) == 2
    assert capsys.readouterr().err == (f"expected a command among {[*COMMANDS]}, got 'size'\n")


def test_columns_are_mapped_by_options() -> None:
    assert column_mapping(["corporate_number=company_id"]).corporate_number == "company_id"
    with pytest.raises(ConfigError, match="got \\['name'\\]"):
        column_mapping(["name"])
