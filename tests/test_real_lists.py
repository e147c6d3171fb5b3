"""The experiment on real lists, on cases small enough to judge by hand."""

import json
from pathlib import Path

import numpy as np

from experiments.real_lists.__main__ import SHOWN, as_markdown, collect
from experiments.real_lists.ablation import without_features
from experiments.real_lists.cases import Lists
from experiments.real_lists.rival import decisions_of, shown_pairs
from linkage_rl.decision.observation import View
from linkage_rl.train import TrainSettings
from tests.cases_factory import two_clients

VIEW = View(max_candidates=4, prices=(0.01, 0.03))


def test_a_rival_sees_every_visible_pair_with_the_features_of_the_slots() -> None:
    cases = two_clients()

    rows, pairs = shown_pairs(cases, VIEW)

    assert pairs.tolist() == [0, 1, 2]
    assert rows.shape == (3, len(VIEW.candidate_features(cases)) + len(cases.query_names))


def test_a_rival_decides_for_its_best_scored_pair_and_pays_every_route() -> None:
    cases = two_clients()

    decided = decisions_of(
        cases, VIEW, np.array([0, 1, 2]), np.array([0.2, 0.9, 0.1], dtype=np.float32)
    )

    assert decided.pair.tolist() == [1, 2]
    assert decided.kind.tolist() == [1, 0]
    assert np.allclose(decided.confidence, [0.9, 0.1])
    assert np.allclose(decided.cost, [0.04, 0.01])


def test_runs_at_other_prices_are_named_by_them(tmp_path: Path) -> None:
    figures = dict.fromkeys(SHOWN, 0.5)
    for name, scale in (("one", 1.0), ("four", 4.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"reward: {{route_price_scale: {scale}}}\n")
        systems = {system: {"test": figures} for system in ("ranker", "agent")}
        (tmp_path / name / "metrics.json").write_text(json.dumps({"lists": {"moves": systems}}))

    trials = collect([tmp_path / "one", tmp_path / "four"])

    assert {system: len(seeds) for system, seeds in trials["moves"].items()} == {
        "ranker": 1,
        "agent": 1,
        "agent, prices x 4": 1,
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
