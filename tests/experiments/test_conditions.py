"""Settings compared on the valid clients: who judges, what is kept, and what the table says."""

import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.tools.problem import numbered_clients
from experiments.tuning import few_labels
from linkage_rl.decision.cases import join_cases
from tests.cases_factory import Candidate, Client, typed_cases


def test_copies_of_a_client_share_its_number_within_a_list() -> None:
    ten = typed_cases([Client([Candidate("五洋建設", 1, 0.9, right=True)])] * 10)
    copies = ten.take(np.arange(10))

    number = numbered_clients(join_cases([ten, ten, copies], [0, 1, 1]))

    assert set(number.tolist()) == set(range(20))
    assert number[10:20].tolist() == number[20:].tolist()
    assert set(number[:10]).isdisjoint(number[10:])


def test_a_setting_is_better_or_worse_where_its_interval_says_so() -> None:
    def row(setting: str, problem: str, difference: float, width: float) -> dict[str, object]:
        low, high = difference - width, difference + width
        told = {"setting": setting, "problem": problem, "f1": 0.9 + difference}
        return told | {"difference": difference, "low": low, "high": high}

    table = few_labels.as_markdown(
        [
            row("as it is", "easy", 0.0, 0.0),
            row("as it is", "hard", 0.0, 0.0),
            row("slower", "easy", 0.02, 0.01),
            row("slower", "hard", -0.01, 0.02),
        ]
    )

    assert table.splitlines()[2:] == [
        "| as it is | 0.9000 | 0.9000 | 0.9000 |  |",
        "| slower | +0.0200 | -0.0100 | +0.0050 | 1 / 0 |",
    ]


def test_a_report_before_everything_is_learned_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(few_labels, "KEPT", tmp_path)
    monkeypatch.setattr(few_labels, "PROBLEMS", {"small": few_labels.Labels(("debug=fast",), 100)})
    monkeypatch.setattr(sys, "argv", ["few_labels", "--report", "--seeds", "11"])

    with pytest.raises(SystemExit, match="2"):
        few_labels.main()

    assert "16 are missing; leave out --report" in capsys.readouterr().err


@pytest.mark.slow
def test_half_of_the_valid_clients_judge_what_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("experiment=sample", "debug=fast", f"cache={tmp_path / 'cache'}")
    problem = few_labels.Labels(words, 100)
    tried: dict[str, dict[str, float]] = {"as it is": {}, "epochs=1": {"epochs": 1}}
    monkeypatch.setattr(few_labels, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(few_labels, "PROBLEMS", {"small": problem})
    monkeypatch.setattr(few_labels, "SETTINGS", {"ranker": tried})

    asked = few_labels.fits(["ranker"], [1])
    few_labels.learn(asked)
    written = list((tmp_path / "kept").rglob("*.npz"))
    rows = few_labels.compared("ranker", [1])

    assert len(written) == 4
    assert all(fit.learned for fit in asked)
    assert [row["setting"] for row in rows] == ["as it is", "epochs=1"]
    assert rows[0]["difference"] == 0
    assert rows[1]["f1"] < rows[0]["f1"]
    halves = few_labels.halves(problem, 1)
    chooses, judges = (
        set(half.clients.take(np.arange(len(half)))) for half in (halves.valid, halves.test)
    )
    assert chooses.isdisjoint(judges)
    assert rows[0]["clients"] == len(halves.test) > 0
