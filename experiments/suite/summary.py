"""From finished cells to rows, verdicts and curves: what table, results and page show."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.systems import SYSTEMS
from experiments.tools.records import JudgedCell, Record
from experiments.tools.settings import SuiteSettings
from linkage_rl.evaluation.answers import (
    ThresholdedAnswers,
    apply_threshold,
    best_threshold,
    calibrate,
)
from linkage_rl.evaluation.paired import Difference, compare_runs, mean_interval
from linkage_rl.evaluation.seeds import interquartile_mean, stratified_interval

ALL: Final = "all lists, one threshold"
INTERVALS: Final = ("f1", "expected_reward", "coverage_at_98%")
"""Metrics with an interval over the seeds."""
SEEDS: Final = 5
"""Seeds that a learning system needs before its figures may be quoted."""
BY_CLIENT: Final = ("f1", "expected_reward")
"""Metrics with an interval over the clients."""
LESS_IS_BETTER: Final = ("false_link_rate", "blockers_per_client", "cost_per_client")
"""Metrics in which a system beats another by having less."""


@dataclass(frozen=True, eq=False)
class Group:
    """The seeds of one system on one list of one condition."""

    condition: str
    dataset: str
    system: str
    title: str
    seeds: tuple[int, ...]
    records: tuple[Record, ...]
    runs: tuple[ThresholdedAnswers, ...]
    folders: tuple[str, ...]
    """Names of the folders of the cells."""

    @property
    def list_name(self) -> str:
        """The condition, and the list where it has several."""
        several = len(self.records[0].datasets) > 1
        return f"{self.condition}: {self.dataset}" if several else self.condition


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard."""

    list_name: str
    system: str
    title: str
    seeds: tuple[int, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    """Interquartile mean over the seeds of every metric, costs among them."""
    by_seed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """95 % interval of the interquartile mean, seeds resampled; absent for a single seed."""
    by_client: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """95 % interval of the mean over the seeds, clients resampled."""
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """F1 and reward of each seed."""
    commit: str = ""
    error: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Verdict:
    """A claim and its outcome on one list."""

    list_name: str
    ours: str
    theirs: str
    difference: Difference
    seeds: tuple[int, int]
    """How many seeds of ours and of theirs."""
    question: str = ""
    """Of the condition that is compared; '' for a claim."""

    @property
    def sentence(self) -> str:
        """'holds', 'refuted' or 'tie'; of an ablation 'better', 'worse' or 'tie'."""
        words = ("better", "worse") if self.question else ("holds", "refuted")
        less = self.difference.metric in LESS_IS_BETTER
        sides = ("lower", "higher") if less else ("higher", "lower")
        return dict(zip(sides, words, strict=True)).get(self.difference.verdict, "tie")


def group_results(cells: Sequence[JudgedCell]) -> tuple[list[Group], list[Record]]:
    """Judge every run on every list, thresholds from valid; and the records that failed."""
    runs: dict[tuple[str, str, str], list[tuple[JudgedCell, ThresholdedAnswers]]] = {}
    failed = []
    for cell in cells:
        if cell.result.valid is None or cell.result.test is None:
            failed.append(cell.result.record)
            continue
        for dataset, run in _thresholded(cell):
            place = (cell.condition, dataset, cell.result.record.system)
            runs.setdefault(place, []).append((cell, run))
    return [_group(*place, some) for place, some in runs.items()], failed


def _group(
    condition: str, dataset: str, system: str, runs: Sequence[tuple[JudgedCell, ThresholdedAnswers]]
) -> Group:
    results = [cell.result for cell, _ in runs]
    records = tuple(result.record for result in results)
    return Group(
        condition,
        dataset,
        system,
        records[0].title,
        tuple(record.seed for record in records),
        records,
        tuple(run for _, run in runs),
        tuple(result.folder.name for result in results),
    )


def _thresholded(cell: JudgedCell) -> Iterator[tuple[str, ThresholdedAnswers]]:
    """The result on each list with its own threshold, then on all with a common one."""
    valid, test = cell.result.valid, cell.result.test
    assert valid is not None
    assert test is not None
    system, datasets = cell.result.record.system, cell.result.record.datasets
    goal: str | None = cell.goal
    if system not in SYSTEMS:
        # a peer learned each list separately, so its scores mean something else on each
        for place in range(len(datasets)):
            valid, test = calibrate(valid, test, dataset=place)
    elif SYSTEMS[system].own_decisions:
        goal = None
    else:
        valid, test = calibrate(valid, test)
    for place, dataset in enumerate(datasets):
        chooses, reports = valid.take(valid.dataset == place), test.take(test.dataset == place)
        threshold = best_threshold(chooses, goal, cell.weights)
        yield dataset, apply_threshold(reports, threshold, cell.weights)
    if len(datasets) > 1:
        threshold = best_threshold(valid, goal, cell.weights)
        yield ALL, apply_threshold(test, threshold, cell.weights)


def row_of(group: Group, resamples: int) -> Row:
    """The leaderboard line of a group."""
    rng = np.random.default_rng(0)
    figures = [
        _stated(group, run) | _costs(group, record)
        for run, record in zip(group.runs, group.records, strict=True)
    ]
    # shape (seeds, 1): one task, as `stratified_interval` has it
    columns = {
        name: np.array([seed.get(name, np.nan) for seed in figures], dtype=np.float64)[:, None]
        for name in dict.fromkeys(name for seed in figures for name in seed)
    }
    return Row(
        list_name=group.list_name,
        system=group.system,
        title=group.title,
        seeds=group.seeds,
        figures={name: interquartile_mean(column) for name, column in columns.items()},
        by_seed=_by_seed(columns, rng, resamples),
        by_client=_by_client(group, rng, resamples),
        values={name: tuple(columns[name][:, 0].tolist()) for name in BY_CLIENT},
        commit=" ".join(sorted({record.commit for record in group.records})),
        notes=_notes(group),
    )


def _by_seed(
    scores: Mapping[str, NDArray[np.float64]], rng: np.random.Generator, resamples: int
) -> dict[str, tuple[float, float]]:
    """Intervals over the seeds of scores of shape (seeds, lists); none for a single seed."""
    return {
        name: stratified_interval(scores[name], rng, resamples)
        for name in INTERVALS
        if name in scores and len(scores[name]) > 1
    }


def _by_client(
    group: Group, rng: np.random.Generator, resamples: int
) -> dict[str, tuple[float, float]]:
    judgements = [run.judgement for run in group.runs]
    return {name: mean_interval(judgements, name, rng, resamples) for name in BY_CLIENT}


def _notes(group: Group) -> str:
    notes = {f"{key}: {text}" for record in group.records for key, text in record.notes.items()}
    return "; ".join(sorted(notes))


def _stated(group: Group, run: ThresholdedAnswers) -> dict[str, float]:
    """The figures of a run; the oracle has no confidence to judge."""
    figures = run.figures()
    if group.system != "oracle":
        return figures
    curve = [name for name in figures if name.startswith("coverage")]
    return {name: figures[name] for name in figures if name not in (*curve, "aurc", "ece")}


def _costs(group: Group, record: Record) -> dict[str, float]:
    """What a run took; the time per client only on the list on which it was measured."""
    measured = {"fit_s": record.fit_s, "fit_cpu_s": record.fit_cpu_s, "peak_mb": record.peak_mb}
    costs = {name: value for name, value in measured.items() if value is not None}
    for name, by_dataset in (("wall_us", record.wall_us), ("cpu_us", record.cpu_us)):
        if group.dataset in by_dataset:
            costs[name] = by_dataset[group.dataset]
    return costs


def over_lists(groups: Sequence[Group], resamples: int) -> list[Row]:
    """F1 and reward of each system over all lists, each with equal weight (Agarwal et al. 2021).

    Only systems that ran on every list with the same number of seeds are shown, and nothing where
    there is a single list.
    """
    single = [group for group in groups if group.dataset != ALL]
    lists = {group.list_name for group in single}
    if len(lists) < 2:
        return []
    by_system: dict[str, list[Group]] = {}
    for group in single:
        by_system.setdefault(group.system, []).append(group)
    return [
        _row_over_lists(own, resamples) for own in by_system.values() if _is_complete(own, lists)
    ]


def _is_complete(own: Sequence[Group], lists: Set[str]) -> bool:
    """Whether a system ran on all these lists with the same number of seeds."""
    same_seeds = len({len(group.seeds) for group in own}) == 1
    return same_seeds and {group.list_name for group in own} == lists


def _row_over_lists(own: Sequence[Group], resamples: int) -> Row:
    scores = {
        name: np.array([[run.figures()[name] for run in group.runs] for group in own]).T
        for name in BY_CLIENT
    }
    return Row(
        list_name=f"{len(own)} lists",
        system=own[0].system,
        title=own[0].title,
        seeds=own[0].seeds,
        figures={name: interquartile_mean(table) for name, table in scores.items()},
        by_seed=_by_seed(scores, np.random.default_rng(0), resamples),
    )


def claims_of(suite: SuiteSettings, groups: Sequence[Group]) -> list[Verdict]:
    """Every claim of the suite on every list on which both systems ran."""
    known = {(group.list_name, group.system): group for group in groups}
    verdicts = []
    for claim in suite.claims:
        for name in dict.fromkeys(group.list_name for group in groups):
            ours, theirs = known.get((name, claim.ours)), known.get((name, claim.theirs))
            if ours is not None and theirs is not None:
                verdicts.append(_verdict(name, ours, theirs, claim.metric, suite.resamples))
    return verdicts


def ablations_of(suite: SuiteSettings, groups: Sequence[Group]) -> list[Verdict]:
    """Every system under a condition against the same under the condition it is compared with."""
    known = {(group.condition, group.dataset, group.system): group for group in groups}
    verdicts = []
    for group in groups:
        condition = suite.conditions[group.condition]
        base = known.get((condition.against, group.dataset, group.system))
        if base is None or len(base.runs[0].answers) != len(group.runs[0].answers):
            continue
        for metric in BY_CLIENT:
            verdict = _verdict(group.list_name, group, base, metric, suite.resamples)
            verdicts.append(
                Verdict(
                    group.list_name,
                    f"{group.title}, {group.condition}",
                    f"{base.title}, {base.condition}",
                    verdict.difference,
                    verdict.seeds,
                    condition.question or "what does it change?",
                )
            )
    return verdicts


def _verdict(name: str, ours: Group, theirs: Group, metric: str, resamples: int) -> Verdict:
    difference = compare_runs(
        [run.judgement for run in ours.runs],
        [run.judgement for run in theirs.runs],
        metric,
        np.random.default_rng(0),
        resamples,
    )
    if metric in LESS_IS_BETTER:
        wins, improves = 1 - difference.wins, 1 - difference.improves
        difference = replace(difference, wins=wins, improves=improves)
    counts = (len(ours.seeds), len(theirs.seeds))
    return Verdict(name, ours.title, theirs.title, difference, counts)


def failures(records: Sequence[Record]) -> list[Row]:
    """A line for each system that failed, its errors in words."""
    alike: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        alike.setdefault((record.condition, record.system, record.error), []).append(record)
    return [
        Row(
            condition,
            system,
            some[0].title,
            tuple(record.seed for record in some),
            error=error,
            commit=some[0].commit,
        )
        for (condition, system, error), some in alike.items()
    ]


def few_seeds(rows: Sequence[Row], wanted: int) -> str:
    """A sentence on the learning systems that ran with fewer seeds than asked, or than `SEEDS`."""
    wanted = max(wanted, SEEDS)
    few: dict[str, int] = {}
    for row in rows:
        learns = row.system in SYSTEMS and SYSTEMS[row.system].learns
        if learns and not row.error and len(row.seeds) < wanted:
            few[row.title] = min(len(row.seeds), few.get(row.title, wanted))
    if not few:
        return ""
    counts = ", ".join(f"{title} {count}" for title, count in few.items())
    return f"Fewer than {wanted} seeds: {counts}."
