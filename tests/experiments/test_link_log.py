"""The cost of a decision log, and decisions made again from what it holds."""

import json
from pathlib import Path

import pytest

from experiments.cost.__main__ import main
from linkage_rl.decision.decide import Thresholds
from tests.commands.shop import CLIENTS, write_csv, write_shop_bundle


def test_a_policy_decides_the_same_on_what_the_log_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "clients.csv", CLIENTS)
    bundle = write_shop_bundle(tmp_path, Thresholds(0.5))
    words = ("--bundle", str(bundle), "--clients", str(tmp_path / "clients.csv"), "--rounds", "1")

    code = main(["link_log", *words, "--output", str(tmp_path / "out" / "costs.json")])

    found = json.loads((tmp_path / "out" / "costs.json").read_text())
    assert code == 0
    assert found["again"]["share_difference"] < 0.005
    assert found["again"]["decisions_differ"] == 0
    # the three clients that have a company are linked to it
    assert found["again"]["f1_live"] == found["again"]["f1_logged"] == 1.0
    assert found["costs"]["clients"] == 4
    assert found["costs"]["evidence_bytes"] > 50
    assert "evidence_bytes" in capsys.readouterr().out
