"""The series of the suite `clicks`: a system, a reviewer and a seed, over all numbers of clicks.

A reviewer who knows the truth answers about clients of a stream; the valid lists judge. Our
policies begin with the bundle of the sample, with that of the own table, or with nothing. LightGBM
begins with nothing, and dedupe asks by its own active learning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from experiments.suite.click_learning import (
    NOTHING,
    RANDOM,
    STRATIFIED,
    Start,
    learned_by_clicks,
    start_of,
)
from experiments.suite.click_lightgbm import Asking, Pairs, kept_pairs, learn_from_clicks
from experiments.suite.click_lists import open_lists
from experiments.suite.click_reviewer import ACCEPT, FULL, Habit
from experiments.suite.click_trials import Trial, Way, trials_of
from experiments.suite.lightgbm_pipeline import REQUIREMENTS, decisions_of
from experiments.suite.run_on_lists import settings_of
from experiments.tools.environments import environment_from
from linkage_rl.evaluation.answers import Answers
from linkage_rl.feedback.thresholds import expected_f1_threshold

COUNTS: Final = (0, 10, 30, 100, 300, 1_000, 3_000)
WRONG: Final = (0.0, 0.05)
HABITS: Final = tuple(Habit(*one) for one in product((FULL, ACCEPT), WRONG))
SAMPLE: Final = "sample"
OWN: Final = "own"
LIGHTGBM: Final = "LightGBM"
UNCERTAIN: Final = "uncertain"
DEDUPE: Final = "dedupe"
ITSELF: Final = "itself"
"""Way of asking of a peer that chooses whom to ask about by its own active learning."""
PAIRS: Final = "pairs"
"""Answers of a reviewer who says of single pairs whether they are right."""
WAYS: Final = {
    OWN: (*((habit, STRATIFIED) for habit in HABITS), (Habit(), RANDOM)),
    SAMPLE: tuple((habit, STRATIFIED) for habit in HABITS),
    # without a model there is no confidence to stratify by
    NOTHING: tuple((habit, RANDOM) for habit in HABITS),
    LIGHTGBM: (
        (Habit(), RANDOM),
        (Habit(), UNCERTAIN),
        (Habit(wrong=WRONG[-1]), UNCERTAIN),
    ),
    DEDUPE: tuple((Habit(PAIRS, wrong), ITSELF) for wrong in WRONG),
}
"""Reviewers and ways of asking of each system."""


@dataclass(frozen=True)
class Series:
    """One system with one reviewer and one seed, over all numbers of clicks."""

    system: str
    habit: Habit
    asking: str
    seed: int

    @property
    def way(self) -> Way:
        """What a line of a table is of."""
        return self.system, str(self.habit), self.asking


def all_series(systems: Sequence[str], seeds: Sequence[int]) -> list[Series]:
    """Every series, seed by seed, so that an early end leaves the same seeds of every system."""
    return [
        Series(system, habit, way, seed)
        for seed in seeds
        for system in systems
        for habit, way in WAYS[system]
    ]


class Judge:
    """Runs series; what several of them need is made once."""

    def __init__(self, own_run: Path, sample_run: Path, folder: Path) -> None:
        """Open nothing yet.

        Args:
            own_run: Finished run that learned on the own table without labels.
            sample_run: Finished run that learned on the sample.
            folder: Takes cases and features.
        """
        self._runs = {OWN: own_run, SAMPLE: sample_run, NOTHING: own_run}
        self._folder = folder
        self._starts: dict[str, Start] = {}

    def trials(self, series: Series) -> Iterator[Trial]:
        """The trials of a series."""
        runs = {LIGHTGBM: self._by_lightgbm, DEDUPE: self._by_dedupe}
        return runs.get(series.system, self._by_us)(series)

    def start(self, name: str) -> Start:
        """A start with its cases; `NOTHING` has those of the own table."""
        if name not in self._starts:
            run, own = self._runs[name], self._runs[OWN]
            # the sample has a table of its own
            table = settings_of(own).table if name == SAMPLE else None
            lists = open_lists(run, self._folder / run_name(name), table)
            self._starts[name] = start_of(name, run, lists)
        return self._starts[name]

    @cached_property
    def pairs(self) -> tuple[Pairs, Pairs]:
        """Features for LightGBM of the stream and of the lists that judge."""
        lists, folder = self.start(OWN).lists, self._folder / "pairs"
        return (
            kept_pairs(lists.stream, lists.view, folder / "stream.npy"),
            kept_pairs(lists.valid, lists.view, folder / "valid.npy"),
        )

    def _by_us(self, series: Series) -> Iterator[Trial]:
        start = self.start(series.system)
        counts = COUNTS[1:] if start.name == NOTHING else COUNTS
        for after in learned_by_clicks(start, counts, series.habit, series.asking, series.seed):
            answers = start.answers(after.learned, start.lists.valid)
            threshold = after.learned.thresholds.link
            yield from trials_of(
                series.way, after.clicks, series.seed, answers, threshold, after.cpu_s
            )

    def _by_lightgbm(self, series: Series) -> Iterator[Trial]:
        pool, unlabelled = self.start(OWN).lists.asked_about(series.seed)
        asks = Asking(pool, COUNTS[1:], series.habit, series.asking == UNCERTAIN, series.seed)
        for learned in learn_from_clicks(*self.pairs, asks, environment_from(REQUIREMENTS)):
            threshold = expected_f1_threshold(learned.stream.confidence[unlabelled])
            yield from trials_of(series.way, learned.clicks, series.seed, learned.valid, threshold)

    def _by_dedupe(self, series: Series) -> Iterator[Trial]:
        """From the scores that `experiments.peers.clicks` left."""
        lists = self.start(OWN).lists
        _, unlabelled = lists.asked_about(series.seed)
        rest = lists.stream.take(unlabelled)
        folder = self._folder / OWN / "peers" / DEDUPE
        for file in sorted(folder.glob(f"scores-{series.seed}-{series.habit.wrong}-*.npz")):
            with np.load(file) as scores:
                found = {
                    name: Answers.of(
                        decisions_of(cases, lists.view, np.arange(cases.pairs), scores[name]), cases
                    )
                    for name, cases in (("unlabelled", rest), ("valid", lists.valid))
                }
            threshold = expected_f1_threshold(found["unlabelled"].confidence)
            clicks = int(file.stem.rpartition("-")[2])
            yield from trials_of(series.way, clicks, series.seed, found["valid"], threshold)


def run_name(start: str) -> str:
    """Folder of the cases of a start."""
    return SAMPLE if start == SAMPLE else OWN
