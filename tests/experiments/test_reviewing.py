"""How long a reviewer waits after each click."""

import json
from pathlib import Path

import pytest

from experiments.cost.__main__ import main
from linkage_rl.decision.decide import Thresholds
from tests.commands.shop import CLIENTS, write_csv, write_shop_bundle


def test_every_click_and_search_is_timed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "clients.csv", CLIENTS)
    bundle = write_shop_bundle(tmp_path, Thresholds(0.5))
    words = ("--bundle", str(bundle), "--clients", str(tmp_path / "clients.csv"), "--clicks", "2")

    code = main(["reviewing", *words, "--output", str(tmp_path / "reviewing.json")])

    found = json.loads((tmp_path / "reviewing.json").read_text())
    assert code == 0
    assert [one["what"] for one in found["figures"]] == [
        *("click, stratified, 50% of 2", "click, stratified, 99% of 2"),
        *("click, audit, 50% of 2", "click, audit, 99% of 2"),
        *("search, 50% of 4", "search, 99% of 4"),
    ]
    assert all(0 < one["ours"] < 60_000 for one in found["figures"])
    assert "click, audit, 99% of 2" in capsys.readouterr().out
