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
"""Of a tree, for few cases and for many; chosen on valid (`suite=few_labels`)."""
MANY_CASES: Final = 10_000
"""From here on trees have many leaves; fewer were tried at 7,200 cases and at 36,000."""
REQUIREMENTS: Final = Path(__file__).with_name("lightgbm.txt")
"""Of the environment that has LightGBM."""
_CHUNK = 4096
_SCRIPT = Path(__file__).with_name("lightgbm_scores.py")


def predict_by_lightgbm(
    cases_of: Mapping[str, CaseSet],
    view: View,
    python: Path,
    seed: int,
    parameters: Mapping[str, float] | None = None,
) -> tuple[Decisions, Decisions, dict[str, float]]:
    """Decisions of LightGBM about the valid and the test cases, every blocker run; raw scores.

    The valid cases stop the boosting. Trees see the features of the slots that agents see.

    Args:
        cases_of: Labelled cases of 'train', 'valid' and 'test'.
        view: How cases are shown.
        python: Interpreter that has lightgbm.
        seed: Of the boosting.
        parameters: In place of some of `SETTINGS`, or of `num_leaves`.

    Returns:
        Both decisions, and the seconds `fit_s`, `fit_cpu_s` and `predict_cpu_s`.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        pairs = {}
        for split, cases in cases_of.items():
            rows, pairs[split] = shown_pairs(cases, view)
            np.save(folder / f"{split}.npy", rows)
            np.save(folder / f"{split}.right.npy", cases.is_right[pairs[split]])
            del rows
        leaves = LEAVES[len(cases_of["train"]) >= MANY_CASES]
        settings = SETTINGS | {"num_leaves": leaves, "seed": seed} | dict(parameters or {})
        (folder / "settings.json").write_text(json.dumps(settings))
        subprocess.run([str(python), str(_SCRIPT), str(folder)], check=True)
        valid, test = (
            decisions_of(
                cases_of[split], view, pairs[split], np.load(folder / f"{split}.score.npy")
            )
            for split in ("valid", "test")
        )
        return valid, test, json.loads((folder / "seconds.json").read_text())


def shown_pairs(cases: CaseSet, view: View) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Slot and client features of every visible pair, shape (P, F + Q), and which pair it is."""
    rows, pairs = [], []
    for begin in range(0, len(cases), _CHUNK):
        case = np.arange(begin, min(begin + _CHUNK, len(cases)))
        seen = view.observe(cases, case, np.asarray(cases.available[case]))
        filled = seen.slot_candidates >= 0
        query = np.repeat(seen.query, filled.sum(axis=1), axis=0)
        rows.append(np.concatenate([seen.candidates[filled], query], axis=1))
        pairs.append(seen.slot_candidates[filled])
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
        candidate=pair,
        confidence=confidence,
        tied=np.ones(len(cases), dtype=np.int16),
        ran=ran,
        cost=blocker_cost(ran, np.asarray(view.costs, dtype=np.float32)),
    )
