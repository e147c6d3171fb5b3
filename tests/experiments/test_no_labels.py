"""Runs without labels, judged on real lists: thresholds, claims, and the runs of the conditions."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.suite import no_labels_runs
from experiments.suite.no_labels import BOTH, claims_of, trials_of
from experiments.suite.no_labels_page import Claim, Trial, page
from experiments.suite.no_labels_runs import CONDITIONS, TWO_TABLES, command_of, write_lists
from experiments.suite.run_on_lists import RunOnLists
from experiments.tools.composing import train_settings
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers, apply_threshold
from tests.drawn_problem import DrawnProblem
from tests.experiments.made_up import answers


def run_with_answers(folder: Path, drawn: Answers, real: Answers) -> RunOnLists:
    """A run whose agent has answered before; its cases are not looked at."""
    run = RunOnLists(
        *(folder, train_settings(["experiment=sample"]), {}, ("moves",), ("moves", "payees")),
        DrawnProblem().draw(10, np.random.default_rng(0)),
        folder,
    )
    drawn.save(folder / "agent.drawn.npz")
    real.save(folder / "agent.real.npz")
    return run


def test_the_threshold_is_that_of_the_drawn_clients(tmp_path: Path) -> None:
    # of the unsure drawn clients a quarter is right, of those of the lists all are
    unsure = answers("rrrrrr----")
    drawn = replace(unsure, right=unsure.right | (np.arange(1_000) >= 900))
    real = replace(unsure, right=np.ones(1_000, dtype=np.bool_))
    real = replace(real, dataset=np.repeat([0, 1], 500).astype(np.int16))

    trials = {
        trial.list_name: trial
        for trial in trials_of(run_with_answers(tmp_path, drawn, real), "full", ["agent"])
    }

    assert set(trials) == {"moves", "payees", BOTH}
    assert trials[BOTH].run.metrics.linkage_rate == 0.6
    assert trials[BOTH].run.metrics.precision == 1.0
    assert trials[BOTH].best_f1 == 1.0
    assert trials["moves"].own_threshold_f1 is not None
    assert trials["payees"].own_threshold_f1 is None


def trial(label: str, system: str, links: str) -> Trial:
    return Trial(label, "moves", system, 1, apply_threshold(answers(links), 0.5, RewardWeights()))


def test_a_claim_holds_up_to_its_margin() -> None:
    trials = [trial("full", "agent", "rrrrrrrrr-"), trial("full", "ranker", "rrrrrrrrr-")]
    claims = [
        Claim(("full", "agent"), ("full", "ranker"), 0.005),
        Claim(("full", "agent"), ("full", "ranker")),
    ]

    lines = page(trials, claims, {"moves": (0.9, 0.8)}, "valid", "abc").splitlines()

    assert (
        "| agent >= ranker - 0.005 | moves | 0.9474 | 0.9474 | +0.0000 [+0.0000, +0.0000] | holds |"
        in lines
    )
    assert lines[-1].endswith("| tie |")
    assert any("proposed for 90.0%, in a slot for 80.0%" in line for line in lines)


def test_the_agent_is_compared_with_other_systems_conditions_and_peers() -> None:
    trials = [
        *(trial("full", system, "rr--------") for system in ("rules", "ranker", "agent")),
        *(trial("no list", system, "rr--------") for system in ("rules", "agent")),
        trial("peers", "splink", "rr--------"),
    ]

    texts = [claim.text("full") for claim in claims_of(trials)]

    assert texts == [
        "agent >= ranker - 0.005",
        "agent > rules",
        "agent > no list: agent",
        "agent > splink",
    ]


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("moves", "payees"):
        for split in ("train", "valid"):
            with (tmp_path / f"{name}_{split}.csv").open("w", newline="") as stream:
                lines = csv.writer(stream)
                lines.writerow(["client_id", "name", "company_id", "drift"])
                lines.writerows([n, f"client {n}", f"company {n}", "moved"] for n in range(1_200))
    monkeypatch.setenv("LINKAGE_RL_DATA", str(tmp_path))
    return write_lists(tmp_path / "lists", "valid")


def test_lists_without_labels_have_none(lists: Path) -> None:
    for file, count in (("moves", 1_200), ("payees_300", 300)):
        lines = (lists / f"{file}.csv").read_text().splitlines()

        assert lines[0] == "client_id,name"
        assert len(lines) == 1 + count
        assert "company" not in "".join(lines)


def test_few_labels_are_of_train_and_no_client_both_learns_and_chooses(lists: Path) -> None:
    learned, chosen = (
        {line.split(",")[0] for line in (lists / f"moves_300_{part}.csv").read_text().split()[1:]}
        for part in ("train", "chosen")
    )

    assert len((lists / "moves_300_train.csv").read_text().splitlines()) == 1 + 200
    assert len((lists / "moves_300_chosen.csv").read_text().splitlines()) == 1 + 100
    assert len(learned - chosen) >= 200


@pytest.mark.parametrize(
    "name",
    [*CONDITIONS, *TWO_TABLES],
)
def test_every_condition_is_a_command_that_the_library_reads(name: str, tmp_path: Path) -> None:
    command = command_of(name, 3, tmp_path / "run", tmp_path / "lists", ["ranker.epochs=2"])

    settings = train_settings(command[3:-1])

    assert settings.seed == 3
    assert settings.ranker.epochs == 2
    assert settings.clients.draws == (not name.startswith("labels_of"))
    assert command[-1] == f"hydra.run.dir={tmp_path / 'run'}"


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "one").mkdir(parents=True)

    assert command_of("full", 1, tmp_path, tmp_path, [])[-1] == f"resume={tmp_path}"
    assert no_labels_runs.FEW == 300
