import json
from pathlib import Path

import pytest

from tests.commands.shop import COMPANIES, Run, write_csv
from tests.stored_table import run_sql


def test_three_right_links_and_a_right_reject_have_the_mean_reward_of_their_values(
    run: Run, files: Path, bundle: Path
) -> None:
    ended = run(
        "evaluate",
        f"bundle={bundle}",
        "clients=clients.csv",
        "output=measured",
        "reward.blocker_cost_scale=0",
    )

    assert ended.code == 0, ended.err
    metrics = json.loads((files / "measured" / "metrics.json").read_text())
    measured = metrics["systems"]["bundle"]["metrics"]
    assert (measured["clients"], measured["linked"]) == (4, 3)
    assert measured["precision"] == measured["recall"] == 1.0
    assert measured["expected_reward"] == pytest.approx((3 * 1.0 + 0.5) / 4)
    assert measured["microseconds_per_client"] > 0


def test_the_table_shows_the_rules_beside_the_bundle_and_the_report_is_written(
    run: Run, files: Path, bundle: Path
) -> None:
    ended = run("evaluate", f"bundle={bundle}", "clients=clients.csv", "output=measured")

    names = [line.split()[0] for line in ended.out.splitlines()[3:5]]
    assert names == ["rules", "bundle"]
    assert "95 % intervals of the bundle: linkage rate 75.0 %" in ended.out
    assert "<html" in (files / "measured" / "report.html").read_text()


def test_a_padded_key_is_the_truth_without_its_padding(
    run: Run, files: Path, bundle: Path, readable_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKAGE_RL_CACHE", str(files / "cache"))
    rows = ", ".join(f"('{row[0]}', '{row[1]}')" for row in COMPANIES[1:])
    run_sql(
        readable_url,
        "CREATE TABLE firms (code CHAR(20) PRIMARY KEY, name VARCHAR(50))",
        f"INSERT INTO firms VALUES {rows}",
    )
    mapping = ("table.mapping.table=firms", "table.mapping.company_id=code")
    words = (f"bundle={bundle}", f"database={readable_url}", *mapping, "output=measured")

    ended = run("evaluate", "clients=clients.csv", *words)

    assert ended.code == 0, ended.err
    metrics = json.loads((files / "measured" / "metrics.json").read_text())
    measured = metrics["systems"]["bundle"]["metrics"]
    assert measured["linked"] > 0
    assert measured["precision"] == 1.0

    write_csv(files / "others.csv", [("client_id", "name", "company_id"), ("k", "青空商事", "9")])
    refused = run("evaluate", "clients=others.csv", *words)

    assert refused.code == 1
    assert "1 of 1 truths are no ids of open companies of the table, such as '9'" in refused.last
    assert "while it has 'c1', 'c2', 'c3'" in refused.last


def test_a_list_without_truth_cannot_be_measured(run: Run, files: Path, bundle: Path) -> None:
    write_csv(files / "list.csv", [("client_id", "name"), ("k1", "青空商事")])

    ended = run("evaluate", f"bundle={bundle}", "clients=list.csv", "output=measured")

    assert ended.code == 1
    assert "list.csv needs the column 'company_id' with the right company" in ended.last
    assert not (files / "measured").exists()
