"""LightGBM on the features of our candidates, taught by the same reviewer.

It asks about random clients, or about those of whose best candidate it is least sure, and learns
anew whenever a number of clicks is reached. Its candidates, features, reviewer and rule for the
threshold are those of our policies.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_reviewer import FULL, Habit
from experiments.suite.lightgbm_pipeline import SETTINGS, decisions_of, shown_pairs
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision_log.rows import SHOWN
from linkage_rl.evaluation.answers import Answers

ITERATIONS: Final = 200
"""Trees: no valid labels stop the boosting."""
FIRST: Final = 10
"""Clients that are drawn at random before there is a model to be unsure."""
FEW: Final[dict[str, Any]] = {"num_leaves": 15, "min_data_in_leaf": 20, "num_threads": 1}
"""For few labels, see `suite=few_labels`."""
_SCRIPT: Final = Path(__file__).with_name("lightgbm_fits.py")


@dataclass(frozen=True, eq=False)
class Pairs:
    """The visible pairs of N clients as LightGBM sees them, and where they are kept."""

    cases: CaseSet
    view: View
    file: Path
    """Their features, shape (P, F + Q)."""
    pair: NDArray[np.int64]
    """Position of each in `cases`, shape (P,)."""

    @property
    def case(self) -> NDArray[np.int64]:
        """Client of each pair, rising, shape (P,)."""
        return np.asarray(self.cases.case_of_pair[self.pair])

    def answers(self, scores: NDArray[np.float32]) -> Answers:
        """The best pair of each client, its score as confidence."""
        return Answers.of(decisions_of(self.cases, self.view, self.pair, scores), self.cases)


def kept_pairs(cases: CaseSet, view: View, file: Path) -> Pairs:
    """Write the features of the visible pairs to a file."""
    rows, pair = shown_pairs(cases, view)
    order = np.argsort(cases.case_of_pair[pair], kind="stable")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, rows[order])
    return Pairs(cases, view, file, pair[order])


@dataclass(frozen=True, eq=False)
class Learned:
    """LightGBM after some clicks."""

    clicks: int
    stream: Answers
    """Of every client of the stream."""
    valid: Answers


@dataclass(frozen=True, eq=False)
class Asking:
    """Whom LightGBM asks about, and who answers."""

    pool: NDArray[np.int64]
    """Clients of the stream that may be asked about, in random order."""
    counts: Sequence[int]
    """Rising numbers of clicks at which it learns."""
    habit: Habit
    uncertain: bool
    """Whether it asks about the clients of which it is least sure; else in the order of the pool.
    """
    seed: int
    """Of wrong answers and of the boosting."""

    @property
    def steps(self) -> list[int]:
        """Numbers of clicks at which it learns: to be unsure takes a first model."""
        return sorted({*self.counts, FIRST}) if self.uncertain else list(self.counts)

    def next_clients(
        self, asked: NDArray[np.int64], count: int, stream: Answers
    ) -> NDArray[np.int64]:
        """Those to ask about, so that `count` have been; `stream` is of the last model."""
        left = self.pool[~np.isin(self.pool, asked)]
        if self.uncertain and len(asked):
            doubt = np.abs(stream.confidence[left] - 0.5)
            left = left[np.argsort(doubt, kind="stable")]
        return left[: count - len(asked)]


def learn_from_clicks(
    stream: Pairs, valid: Pairs, asking: Asking, python: Path
) -> Iterator[Learned]:
    """Ask, learn and decide, for each number of clicks.

    Args:
        stream: Pairs of the stream.
        valid: Pairs of the lists that judge.
        asking: Whom it asks about.
        python: Interpreter that has lightgbm.
    """
    rng = np.random.default_rng(asking.seed)
    scores = stream.cases.retrieval_score[stream.pair].astype(np.float32)
    asked = np.zeros(0, dtype=np.int64)
    rows: list[NDArray[np.int64]] = []
    rights: list[NDArray[np.bool_]] = []
    for count in asking.steps:
        fresh = asking.next_clients(asked, count, stream.answers(scores))
        asked = np.append(asked, fresh)
        row, right = labelled_pairs(stream, scores, fresh, asking.habit, rng)
        rows.append(row)
        rights.append(right)
        learned = np.concatenate(rows), np.concatenate(rights)
        scores, judged = _fit(stream, valid, *learned, asking.seed, python)
        if count in asking.counts:
            yield Learned(count, stream.answers(scores), valid.answers(judged))


def labelled_pairs(
    stream: Pairs,
    scores: NDArray[np.float32],
    clients: NDArray[np.int64],
    habit: Habit,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What the reviewer says of these clients, as rows of pairs that are right or wrong.

    A pick, an accepted best company, and none of them tell of every visible pair; a rejected best
    company tells of this pair alone.
    """
    rows, rights = [], []
    begins = np.searchsorted(stream.case, [clients, clients + 1])
    most = SHOWN if habit.answers == FULL else 1
    for begin, end in begins.T.tolist():
        best_first = begin + np.argsort(-scores[begin:end], kind="stable")
        seen = best_first[:most]
        right = stream.cases.is_right[stream.pair[seen]]
        place = int(habit.picked(right[None], np.array([len(seen)]), rng)[0])
        rejected = habit.answers != FULL and place == len(seen)
        offered = seen if rejected else best_first
        rows.append(offered)
        rights.append((np.arange(len(offered)) == place) & (place < len(seen)))
    return np.concatenate(rows), np.concatenate(rights)


def _fit(
    stream: Pairs,
    valid: Pairs,
    rows: NDArray[np.int64],
    right: NDArray[np.bool_],
    seed: int,
    python: Path,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores of the pairs of the stream and of the lists."""
    if right.all() or not right.any():
        # nothing can be told apart yet
        even = np.float32(right.mean())
        return np.full(len(stream.pair), even), np.full(len(valid.pair), even)
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "learned.npy", np.load(stream.file, mmap_mode="r")[rows])
        np.save(folder / "learned.right.npy", right)
        kept = [key for key in SETTINGS if key != "early_stopping_round"]
        settings = {key: SETTINGS[key] for key in kept} | FEW
        settings |= {"num_iterations": ITERATIONS, "seed": seed}
        (folder / "settings.json").write_text(json.dumps(settings))
        for part, pairs in (("stream", stream), ("valid", valid)):
            (folder / f"scored-{part}.npy").symlink_to(pairs.file.resolve())
        subprocess.run([str(python), str(_SCRIPT), str(folder)], check=True)
        return (
            np.load(folder / "scored-stream.score.npy"),
            np.load(folder / "scored-valid.score.npy"),
        )
