"""Rankers of labelled and of drawn clients alone, in runs that learn from both."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from linkage_rl.agents.ranker import RankerConfig
from linkage_rl.decision.cases import CaseSet
from linkage_rl.training.agent import TrainingConfig
from linkage_rl.training.data import Prepared
from linkage_rl.training.own_table.drawn import DrawnDataset
from linkage_rl.training.rankers import DRAWN_ONLY, LABELS_ONLY, part_rankers
from linkage_rl.training.settings import RunSettings
from tests.cases_factory import DRAWN_VIEW, synthetic_cases
from tests.small_table import small_index

SETTINGS = RunSettings(
    ranker=RankerConfig(width=4, epochs=1, min_updates=1), training=TrainingConfig(progress=False)
)


def cases(seed: int) -> CaseSet:
    """80 clients of the dataset `labelled`, then 20 of `own`."""
    drawn = synthetic_cases(100, np.random.default_rng(seed))
    return replace(drawn, dataset=np.repeat([0, 1], [80, 20]).astype(np.int16))


def rankers_of(drawn: tuple[str, ...], folder: Path, resume: bool = False) -> list[str]:
    prepared = Prepared(
        small_index(),
        folder,
        ("labelled", "own"),
        {"valid": cases(1)},
        records={},
        train_lists=None,
        drawn={dataset: DrawnDataset("", None, None) for dataset in drawn},
    )
    return list(part_rankers(SETTINGS, cases(0), prepared, DRAWN_VIEW, folder, resume))


def test_labels_and_drawn_clients_have_a_ranker_each(tmp_path: Path) -> None:
    assert rankers_of(("own",), tmp_path) == [LABELS_ONLY, DRAWN_ONLY]
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert set(written) == {"ranker-labels-only.pt", "ranker-drawn-only.pt"}

    rankers_of(("own",), tmp_path, resume=True)

    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written


def test_runs_of_one_kind_of_clients_have_none(tmp_path: Path) -> None:
    assert rankers_of((), tmp_path) == []
    assert rankers_of(("labelled", "own"), tmp_path) == []
    assert not list(tmp_path.iterdir())
