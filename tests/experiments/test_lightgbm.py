"""LightGBM sees and decides the same cases as the other systems; small enough to check by hand."""

import numpy as np

from experiments.suite.lightgbm_pipeline import decisions_of, shown_pairs
from linkage_rl.decision.observation import View
from tests.cases_factory import two_clients

VIEW = View(max_candidates=4, costs=(0.01, 0.03))


def test_lightgbm_sees_every_visible_pair_with_the_features_of_the_slots() -> None:
    cases = two_clients()

    rows, pairs = shown_pairs(cases, VIEW)

    assert pairs.tolist() == [0, 1, 2]
    assert rows.shape == (3, len(VIEW.candidate_features(cases)) + len(cases.query_names))


def test_lightgbm_decides_for_its_best_scored_pair_and_pays_every_blocker() -> None:
    cases = two_clients()

    decided = decisions_of(
        cases, VIEW, np.array([0, 1, 2]), np.array([0.2, 0.9, 0.1], dtype=np.float32)
    )

    assert decided.candidate.tolist() == [1, 2]
    assert decided.kind.tolist() == [1, 0]
    assert np.allclose(decided.confidence, [0.9, 0.1])
    assert np.allclose(decided.cost, [0.04, 0.01])
