"""The rankers of a run: that of all clients, and those of labelled and drawn clients alone.

A run can learn from labelled clients and from clients drawn from the table. A ranker that learned
from either alone then shows what each brought.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from tqdm.auto import tqdm

from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer, save_scorer
from linkage_rl.atomic import replacing
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Comparison
from linkage_rl.training.data import Prepared
from linkage_rl.training.settings import RunSettings

LABELS_ONLY: Final = "ranker, labels only"
DRAWN_ONLY: Final = "ranker, drawn only"


def trained_ranker(
    settings: RunSettings, train: CaseSet, valid: CaseSet, view: View, path: Path, resume: bool
) -> CandidateScorer:
    """A trained ranker, the one of the interrupted run where there is one.

    Args:
        settings: Of the run.
        train: Training cases.
        valid: Validation cases.
        view: How cases are shown.
        path: File of the ranker.
        resume: Whether a ranker in that file is taken as it is.
    """
    if resume and path.exists():
        return load_scorer(path)
    with tqdm(
        total=settings.ranker.epochs,
        desc=path.stem.replace("-", " "),
        unit="pass",
        leave=False,
        disable=not settings.training.progress,
    ) as bar:

        def report(_: int, loss: float) -> None:
            bar.set_postfix(valid_loss=f"{loss:.4f}")
            bar.update()

        ranker = train_ranker(train, valid, view, settings.ranker, settings.seed, report)
    with replacing(path) as partial:
        save_scorer(ranker, partial)
    return ranker


def part_rankers(
    settings: RunSettings,
    train: CaseSet,
    prepared: Prepared,
    view: View,
    folder: Path,
    resume: bool,
) -> dict[str, CandidateScorer]:
    """A ranker of the labelled clients alone, and one of the drawn ones alone, by system name.

    None where the run learns from one kind only.

    Args:
        settings: Of the run.
        train: Training cases, those of small datasets repeated.
        prepared: The datasets and their validation cases.
        view: How cases are shown.
        folder: The run folder.
        resume: Whether rankers that it holds are taken as they are.
    """
    drawn = [prepared.datasets.index(dataset) for dataset in prepared.drawn]
    valid = prepared.cases["valid"]
    learned, validated = np.isin(train.dataset, drawn), np.isin(valid.dataset, drawn)
    if not drawn or learned.all() or not learned.any() or validated.all():
        return {}
    parts = {LABELS_ONLY: (~learned, ~validated), DRAWN_ONLY: (learned, validated)}
    return {
        name: trained_ranker(
            settings,
            train.take(np.flatnonzero(of_train)),
            valid.take(np.flatnonzero(of_valid)),
            view,
            folder / f"{name.replace(', ', '-').replace(' ', '-')}.pt",
            resume,
        )
        for name, (of_train, of_valid) in parts.items()
    }


def what_each_brought(comparison: Comparison, dataset: str) -> str:
    """One sentence about the rankers of either kind of clients; '' where there are none."""
    trials: Mapping[str, float] = {
        name: trial.test.metrics.f1 for name, trial in comparison.trials[dataset].items()
    }
    if LABELS_ONLY not in trials:
        return ""
    return (
        f"F1 of the ranker from labelled and drawn clients {trials['ranker']:.3f}, from labelled "
        f"ones alone {trials[LABELS_ONLY]:.3f}, from drawn ones alone {trials[DRAWN_ONLY]:.3f}"
    )
