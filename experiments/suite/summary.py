"""From finished cells to rows, verdicts and curves: all that table, results and page show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from experiments.tools.records import Record, Result
from experiments.tools.settings import SuiteSettings
from experiments.suite.systems import SYSTEMS
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Standing, stand, with_calibration
from linkage_rl.evaluation.paired import Difference, compare_runs, mean_interval
from linkage_rl.evaluation.seeds import interquartile_mean, stratified_interval

ALL: Final = "all lists, one threshold"
INTERVALS: Final = ("f1", "expected_reward", "coverage_at_98%")
"""Metrics with an interval over the seeds."""
SEEDS: Final = 5
"""Seeds that a learning system needs before its figures can be quoted."""
BY_CLIENT: Final = ("f1", "expected_reward")
"""Those with an interval over the clients as well."""
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
    standings: tuple[Standing, ...]
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
    """95 % interval of the interquartile mean, seeds drawn anew; absent for a single seed."""
    by_client: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """95 % interval of the mean over the seeds, clients drawn anew."""
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """F1 and reward of each seed."""
    commit: str = ""
    error: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it on one list."""

    list_name: str
    ours: str
    theirs: str
    difference: Difference
    seeds: tuple[int, int]
    """How many seeds of ours and of theirs."""
    question: str = ""
    """What an ablation asks; '' for a claim."""

    @property
    def sentence(self) -> str:
        """'holds', 'refuted' or 'tie'; of an ablation 'better', 'worse' or 'tie'."""
        words = ("better", "worse") if self.question else ("holds", "refuted")
        less = self.difference.metric in LESS_IS_BETTER
        told = dict(zip(("lower", "higher") if less else ("higher", "lower"), words, strict=True))
        return told.get(self.difference.verdict, "tie")


def group_results(
    results: Sequence[tuple[str, RewardWeights, str, Result]],
) -> tuple[list[Group], list[Record]]:
    """Settle every run on every list, thresholds from valid; and the records that failed.

    Args:
        results: Condition, reward, goal and result of each cell.
    """
    runs: dict[tuple[str, str, str], list[tuple[Record, Standing, str]]] = {}
    failed = []
    for condition, weights, goal, result in results:
        if result.valid is None or result.test is None:
            failed.append(result.record)
            continue
        for dataset, standing in _standings(weights, goal, result):
            place = (condition, dataset, result.record.system)
            runs.setdefault(place, []).append((result.record, standing, result.folder.name))
    groups = [
        Group(
            condition,
            dataset,
            system,
            some[0][0].title,
            tuple(record.seed for record, _, _ in some),
            tuple(record for record, _, _ in some),
            tuple(standing for _, standing, _ in some),
            tuple(folder for _, _, folder in some),
        )
        for (condition, dataset, system), some in runs.items()
    ]
    return groups, failed


def _standings(weights: RewardWeights, goal: str, result: Result) -> Iterator[tuple[str, Standing]]:
    """The result on each list with a threshold of its own, then on all with a common one."""
    assert result.valid is not None
    assert result.test is not None
    own, datasets = result.record.own, result.record.datasets
    valid, test = result.valid, result.test
    if result.record.system not in SYSTEMS:
        # a peer learned each list on its own, so its scores mean something else on each
        for place in range(len(datasets)):
            valid, test = with_calibration(valid, test, dataset=place)
    elif not own:
        valid, test = with_calibration(valid, test)
    chosen = None if own else goal
    for place, dataset in enumerate(datasets):
        chooses, reports = valid.take(valid.dataset == place), test.take(test.dataset == place)
        yield dataset, stand(chooses, reports, chosen, weights)
    if len(datasets) > 1:
        yield ALL, stand(valid, test, chosen, weights)


def row_of(group: Group, resamples: int) -> Row:
    """The leaderboard line of a group."""
    rng = np.random.default_rng(0)
    figures = [
        _stated(group, standing) | _costs(group, record)
        for standing, record in zip(group.standings, group.records, strict=True)
    ]
    columns = {
        name: np.array([seed.get(name, np.nan) for seed in figures], dtype=np.float64)[:, None]
        for name in {name: None for seed in figures for name in seed}
    }
    judgements = [standing.judgement for standing in group.standings]
    several = len(group.seeds) > 1
    return Row(
        list_name=group.list_name,
        system=group.system,
        title=group.title,
        seeds=group.seeds,
        figures={name: interquartile_mean(column) for name, column in columns.items()},
        by_seed={
            name: stratified_interval(columns[name], rng, resamples)
            for name in INTERVALS
            if several and name in columns
        },
        by_client={name: mean_interval(judgements, name, rng, resamples) for name in BY_CLIENT},
        values={name: tuple(columns[name][:, 0].tolist()) for name in BY_CLIENT},
        commit=" ".join(sorted({record.commit for record in group.records})),
        notes="; ".join(
            sorted({f"{k}: {v}" for record in group.records for k, v in record.notes.items()})
        ),
    )


def _stated(group: Group, standing: Standing) -> dict[str, float]:
    """The figures of a run; the oracle has no confidence that could be judged."""
    figures = standing.figures()
    if group.system != "oracle":
        return figures
    curve = [name for name in figures if name.startswith("coverage")]
    return {name: figures[name] for name in figures if name not in (*curve, "aurc", "ece")}


def _costs(group: Group, record: Record) -> dict[str, float]:
    """What a run took; the time per client only on the list on which it was measured."""
    told = {"fit_s": record.fit_s, "fit_cpu_s": record.fit_cpu_s, "peak_mb": record.peak_mb}
    costs = {name: value for name, value in told.items() if value is not None}
    for name, by_dataset in (("wall_us", record.wall_us), ("cpu_us", record.cpu_us)):
        if group.dataset in by_dataset:
            costs[name] = by_dataset[group.dataset]
    return costs


def over_lists(groups: Sequence[Group], resamples: int) -> list[Row]:
    """F1 and reward of each system over all conditions alike (Agarwal et al. 2021).

    Only systems that ran on every condition with equally many seeds are shown, and nothing where
    there is a single list.
    """
    single = [group for group in groups if group.dataset != ALL]
    lists = {group.list_name for group in single}
    rows = []
    for system in dict.fromkeys(group.system for group in single):
        own = [group for group in single if group.system == system]
        counts = {len(group.seeds) for group in own}
        if len(lists) < 2 or {group.list_name for group in own} != lists or len(counts) != 1:
            continue
        rng = np.random.default_rng(0)
        scores = {
            name: np.array([[run.figures()[name] for run in group.standings] for group in own]).T
            for name in BY_CLIENT
        }
        rows.append(
            Row(
                list_name=f"{len(lists)} lists",
                system=system,
                title=own[0].title,
                seeds=own[0].seeds,
                figures={name: interquartile_mean(table) for name, table in scores.items()},
                by_seed={
                    name: stratified_interval(table, rng, resamples)
                    for name, table in scores.items()
                    if len(own[0].seeds) > 1
                },
            )
        )
    return rows


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
        if base is None or len(base.standings[0].answers) != len(group.standings[0].answers):
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
        [run.judgement for run in ours.standings],
        [run.judgement for run in theirs.standings],
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
    told: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        told.setdefault((record.condition, record.system, record.error), []).append(record)
    return [
        Row(
            condition,
            system,
            some[0].title,
            tuple(record.seed for record in some),
            error=error,
            commit=some[0].commit,
        )
        for (condition, system, error), some in told.items()
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
    told = ", ".join(f"{title} {count}" for title, count in few.items())
    return f"Fewer than {wanted} seeds: {told}."
