"""LightGBM on the same cases, the same features, with the same calibration and thresholds."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import blocker_cost
from linkage_rl.decision.observation import View
from linkage_rl.records import DecisionKind, Decisions

SETTINGS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_iterations": 800,
    "early_stopping_round": 40,
    "learning_rate": 0.08,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "num_threads": 2,
    "verbosity": -1,
}
"""LightGBM's own parameters; leaves follow the number of cases."""
LEAVES: Final = (15, 63)
"""Of a tree, for few cases and for many; chosen on valid (`experiments/tuning`)."""
MANY_CASES: Final = 10_000
"""From here on trees have many leaves; fewer were tried at 7,200 cases and at 36,000."""
REQUIREMENTS: Final = Path(__file__).with_name("requirements-lightgbm.txt")
"""Of the environment that has LightGBM."""
_CHUNK = 4096
_SCRIPT = Path(__file__).with_name("lightgbm_scores.py")


def judge_by_lightgbm(
    train: CaseSet,
    valid: CaseSet,
    test: CaseSet,
    view: View,
    python: Path,
    seed: int,
    took: Path | None = None,
    told: Mapping[str, float] | None = None,
) -> tuple[Decisions, Decisions]:
    """What LightGBM says of the valid and the test cases, every blocker run; raw scores.

    Args:
        train: Labelled cases to learn from.
        valid: Labelled cases that stop the boosting.
        test: Cases to judge.
        view: How cases are shown: the features of the slots are those that the agents see.
        python: Interpreter that has lightgbm.
        seed: Of the boosting.
        took: File that gets the seconds of fitting and scoring as JSON.
        told: What takes the place of some of `SETTINGS`, or of `num_leaves`.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        pairs = {}
        for split, cases in (("train", train), ("valid", valid), ("test", test)):
            rows, pairs[split] = shown_pairs(cases, view)
            np.save(folder / f"{split}.npy", rows)
            np.save(folder / f"{split}.right.npy", cases.is_right[pairs[split]])
            del rows
        leaves = LEAVES[len(train) >= MANY_CASES]
        settings = SETTINGS | {"num_leaves": leaves, "seed": seed} | dict(told or {})
        (folder / "settings.json").write_text(json.dumps(settings))
        subprocess.run([str(python), str(_SCRIPT), str(folder)], check=True)
        if took is not None:
            took.write_text((folder / "took.json").read_text())
        return (
            decisions_of(valid, view, pairs["valid"], np.load(folder / "valid.score.npy")),
            decisions_of(test, view, pairs["test"], np.load(folder / "test.score.npy")),
        )


def shown_pairs(cases: CaseSet, view: View) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Slot and client features of every visible pair, shape (P, F + Q), and which pair it is."""
    rows, pairs = [], []
    for begin in range(0, len(cases), _CHUNK):
        case = np.arange(begin, min(begin + _CHUNK, len(cases)))
        seen = view.observe(cases, case, np.asarray(cases.available[case]))
        filled = seen.slot_pairs >= 0
        query = np.repeat(seen.query, filled.sum(axis=1), axis=0)
        rows.append(np.concatenate([seen.candidates[filled], query], axis=1))
        pairs.append(seen.slot_pairs[filled])
    return np.concatenate(rows), np.concatenate(pairs)


def decisions_of(
    cases: CaseSet, view: View, pairs: NDArray[np.int64], scores: NDArray[np.float32]
) -> Decisions:
    """The best-scored pair of each case, with its score as raw confidence."""
    case = cases.case_of_pair[pairs]
    order = np.lexsort((-scores, case))
    decided, first = np.unique(case[order], return_index=True)
    best = order[first]
    pair = np.full(len(cases), -1, dtype=np.int64)
    confidence = np.zeros(len(cases), dtype=np.float32)
    pair[decided], confidence[decided] = pairs[best], scores[best]
    ran = np.array(cases.available)
    return Decisions(
        kind=np.where(confidence >= 0.5, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        pair=pair,
        confidence=confidence,
        ran=ran,
        cost=blocker_cost(ran, np.asarray(view.costs, dtype=np.float32)),
    )
