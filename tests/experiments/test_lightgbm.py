"""The experiment on real lists, on cases small enough to judge by hand."""

import json
from pathlib import Path

import numpy as np

from experiments.real_lists.__main__ import SHOWN, as_markdown, collect
from experiments.suite.conditions import without_features
from experiments.real_lists.cases import Lists
from experiments.suite.former_names import former_names
from experiments.suite.lightgbm import decisions_of, shown_pairs
from experiments.suite.thinned import THINNED
from linkage_rl.decision.observation import View
from linkage_rl.records import RecordBatch
from linkage_rl.train import TrainSettings
from tests.cases_factory import two_clients

VIEW = View(max_candidates=4, costs=(0.01, 0.03))


def test_a_rival_sees_every_visible_pair_with_the_features_of_the_slots() -> None:
    cases = two_clients()

    rows, pairs = shown_pairs(cases, VIEW)

    assert pairs.tolist() == [0, 1, 2]
    assert rows.shape == (3, len(VIEW.candidate_features(cases)) + len(cases.query_names))


def test_a_rival_decides_for_its_best_scored_pair_and_pays_every_blocker() -> None:
    cases = two_clients()

    decided = decisions_of(
        cases, VIEW, np.array([0, 1, 2]), np.array([0.2, 0.9, 0.1], dtype=np.float32)
    )

    assert decided.pair.tolist() == [1, 2]
    assert decided.kind.tolist() == [1, 0]
    assert np.allclose(decided.confidence, [0.9, 0.1])
    assert np.allclose(decided.cost, [0.04, 0.01])


def test_runs_at_other_costs_are_named_by_them(tmp_path: Path) -> None:
    figures = dict.fromkeys(SHOWN, 0.5)
    for name, scale in (("one", 1.0), ("four", 4.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"reward: {{blocker_cost_scale: {scale}}}\n")
        systems = {system: {"test": figures} for system in ("ranker", "agent")}
        (tmp_path / name / "metrics.json").write_text(json.dumps({"lists": {"moves": systems}}))

    trials = collect([tmp_path / "one", tmp_path / "four"])

    assert {system: len(seeds) for system, seeds in trials["moves"].items()} == {
        "ranker": 1,
        "agent": 1,
        "agent, costs x 4": 1,
    }


def test_the_table_shows_the_mean_and_the_interval_of_f1() -> None:
    seeds = [
        dict.fromkeys(SHOWN, 0.8) | {"f1_low": 0.7, "f1_high": 0.85},
        dict.fromkeys(SHOWN, 0.9) | {"f1_low": 0.8, "f1_high": 0.95},
    ]

    table = as_markdown({"agent": seeds})

    assert "| agent | 2 | 0.8500 |" in table
    assert "0.8500 [0.750, 0.900]" in table


def test_what_was_not_timed_leaves_its_cell_empty() -> None:
    untimed = dict.fromkeys(SHOWN, 0.8) | {"microseconds_per_client": None}

    assert as_markdown({"LightGBM": [untimed]}).endswith("| - |")


def test_a_feature_that_is_left_out_is_zero_for_every_pair() -> None:
    cases = two_clients()
    name = cases.feature_names[0]
    lists = Lists(TrainSettings(), ("one",), cases, cases, cases, VIEW)

    blank = without_features(lists, (name,))

    assert not blank.train.features[:, 0].any()
    assert np.array_equal(blank.test.features[:, 1:], cases.features[:, 1:])


def test_former_names_are_those_of_the_lists_of_moves(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        rows = f"1,株式会社旧{split},6010001000001\n2,株式会社無,\n"
        (tmp_path / f"moves_{split}.csv").write_text("client_id,name,company_id\n" + rows)

    assert former_names(tmp_path) == {
        "6010001000001": {"株式会社旧train", "株式会社旧valid", "株式会社旧test"}
    }


def test_thinned_lists_keep_what_their_title_says() -> None:
    whole = RecordBatch(
        ["c1"],
        {
            "name": ["青空商事"],
            "name_kana": ["アオゾラショウジ"],
            "postal_code": ["1010051"],
            "street": ["東京都千代田区神田神保町2-38"],
        },
    )

    kept = {title: thin(whole).columns for title, thin in THINNED.items()}

    assert kept["all fields"] == whole.columns
    assert kept["name and city"] == {"name": ["青空商事"], "street": ["東京都千代田区"]}
    assert kept["name alone"] == {"name": ["青空商事"]}
    assert kept["name and reading"].keys() == {"name", "name_kana"}
