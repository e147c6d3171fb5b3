"""`python -m experiments.tuning.few_labels`: settings for few labels, compared on valid alone.

Half of the valid clients choose the last pass, calibration and threshold, the other half judges; no
test client is looked at. What has been learned is kept in a folder and only read the next time, so
that processes with different seeds share the work; `--report` then writes the tables.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from experiments.environments import environment_from
from experiments.real_lists import rival
from experiments.real_lists.cases import Lists
from experiments.suite.problem import (
    INPUTS,
    code_digest,
    digest,
    learning_digest,
    numbered_clients,
    pose,
    train_settings,
)
from experiments.suite.settings import Condition
from experiments.suite.systems import SYSTEMS, Said, every_blocker, judged
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.config.command import say
from linkage_rl.evaluation.answers import Answers, Standing, stand, with_calibration
from linkage_rl.evaluation.paired import compare_runs
from linkage_rl.train import TrainSettings

KEPT: Final = Path("outputs/tuning")
RESULTS: Final = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Labels:
    """What is learned from: words of `linkage_rl.train`, and how many labelled clients."""

    words: tuple[str, ...]
    count: int = 0
    """0 for all."""
    tried: tuple[str, ...] = ()
    """The settings that are tried here; () for all."""
    most_seeds: int | None = None
    """Most seeds that are tried here."""


def _two_tables(schema: str, name: str) -> Labels:
    folder = f"table.two_tables=outputs/two_tables/{name}"
    return Labels((f"schema={schema}", f"table.name={name}", folder))


SAMPLE: Final = ("experiment=sample",)
LEAVES: Final = ("num_leaves=63", "num_leaves=15")
PROBLEMS: Final = {
    "sample, 100": Labels(SAMPLE, 100),
    "sample, 300": Labels(SAMPLE, 300),
    "sample, 1,000": Labels(SAMPLE, 1_000),
    "sample, 3,000": Labels(SAMPLE, 3_000),
    "sample, all": Labels(SAMPLE),
    "DBLP-ACM": _two_tables("citation", "DBLP-ACM"),
    "Amazon-Google": _two_tables("product", "Amazon-Google"),
    "Walmart-Amazon": _two_tables("product", "Walmart-Amazon"),
    "Fodors-Zagats": _two_tables("restaurant", "Fodors-Zagats"),
    # where few cases end and many begin
    "sample, fivefold": Labels(
        (*SAMPLE, "table.sample.companies=100_000", "table.sample.clients=60_000"), tried=LEAVES
    ),
    "real, all": Labels(("experiment=jp_all",), tried=LEAVES, most_seeds=1),
}

SETTINGS: Final[dict[str, dict[str, dict[str, float]]]] = {
    "ranker": {
        "min_batches=64 min_updates=100": {"min_batches": 64, "min_updates": 100},
        "min_batches=1 min_updates=1": {"min_batches": 1, "min_updates": 1},
        "min_batches=16": {"min_batches": 16},
        "min_batches=256": {"min_batches": 256},
        "min_updates=25": {"min_updates": 25},
        "min_updates=50": {"min_updates": 50},
        "min_updates=200": {"min_updates": 200},
        "min_updates=400": {"min_updates": 400},
    },
    "lightgbm": {
        "num_leaves=63": {"num_leaves": 63},
        "num_leaves=15": {"num_leaves": 15},
        "num_leaves=15 min_data_in_leaf=20": {"num_leaves": 15, "min_data_in_leaf": 20},
        "num_leaves=7 min_data_in_leaf=20": {"num_leaves": 7, "min_data_in_leaf": 20},
        "min_data_in_leaf=20": {"num_leaves": 63, "min_data_in_leaf": 20},
        "min_data_in_leaf=5": {"num_leaves": 63, "min_data_in_leaf": 5},
        "learning_rate=0.03": {"num_leaves": 63, "learning_rate": 0.03},
        "learning_rate=0.03 min_data_in_leaf=20": {
            "num_leaves": 63,
            "learning_rate": 0.03,
            "min_data_in_leaf": 20,
        },
    },
}
"""What is tried of each learner; the first is what all others are compared with."""


def main() -> None:
    """Learn with every setting, then compare."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    words.add_argument("--learners", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    words.add_argument("--report", action="store_true", help=f"write {RESULTS.name}, learn nothing")
    asked = words.parse_args()
    lacking = [fit for fit in fits(asked.learners, asked.seeds) if not fit.learned]
    if asked.report and lacking:
        words.error(f"expected every fit in {KEPT}, {len(lacking)} are missing; leave out --report")
    learn(lacking)
    rows = [row for learner in asked.learners for row in compared(learner, asked.seeds)]
    if asked.report:
        RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for learner in asked.learners:
        say(f"\n{learner}\n\n{as_markdown([row for row in rows if row['learner'] == learner])}")


@dataclass(frozen=True)
class Fit:
    """One setting, learned with one seed."""

    problem: str
    learner: str
    told: Mapping[str, float]
    seed: int

    @property
    def folder(self) -> Path:
        """Keeps what was said."""
        code = [code_digest(*INPUTS), learning_digest(*SYSTEMS[self.learner].code)]
        labels = PROBLEMS[self.problem]
        content = [labels.words, labels.count, dict(self.told), self.seed, code]
        return KEPT / f"{self.learner}-{digest(content)}"

    @property
    def learned(self) -> bool:
        """Whether it need not be learned again."""
        return (self.folder / "judged.npz").exists()


def fits(learners: Sequence[str], seeds: Sequence[int]) -> list[Fit]:
    """Everything that is compared, what shares its cases one after the other."""
    return [
        Fit(problem, learner, told, seed)
        for problem, labels in PROBLEMS.items()
        for seed in seeds[: labels.most_seeds]
        for learner in learners
        for told in tried(problem, learner).values()
    ]


def learn(asked: Sequence[Fit]) -> None:
    """Learn and keep what is said."""
    posed: tuple[Labels, int, Lists] | None = None
    for fit in tqdm(asked, unit="fit"):
        labels = PROBLEMS[fit.problem]
        if posed is None or posed[:2] != (labels, fit.seed):
            posed = (labels, fit.seed, halves(labels, fit.seed))
        fit.folder.mkdir(parents=True, exist_ok=True)
        _learn_one(posed[2], fit)


def tried(problem: str, learner: str) -> dict[str, dict[str, float]]:
    """The settings of a learner for this problem, by name."""
    only = PROBLEMS[problem].tried
    return {name: told for name, told in SETTINGS[learner].items() if not only or name in only}


def halves(labels: Labels, seed: int) -> Lists:
    """The problem with half of its valid clients in the place of the test clients."""
    lists = pose(replace(_settings(labels), seed=seed), Condition(labels=labels.count)).lists
    client = numbered_clients(lists.valid)
    first = np.random.default_rng(0).random(client.max() + 1) < 0.5
    chooses, judges = (lists.valid.take(np.flatnonzero(some[client])) for some in (first, ~first))
    return replace(lists, valid=chooses, test=judges)


def _learn_one(lists: Lists, fit: Fit) -> None:
    if fit.learner == "lightgbm":
        python = environment_from(rival.REQUIREMENTS)
        splits = (lists.train, lists.valid, lists.test)
        said = Said(*rival.judge_by_lightgbm(*splits, lists.view, python, fit.seed, told=fit.told))
    else:
        told: dict[str, Any] = dict(fit.told)
        config = replace(lists.settings.ranker, **told)
        scorer = train_ranker(lists.train, lists.valid, lists.view, config, fit.seed)
        said = judged(lists, ScorerPolicy(scorer), every_blocker(lists))
    Answers.of(said.valid, lists.valid).save(fit.folder / "chooses.npz")
    Answers.of(said.test, lists.test).save(fit.folder / "judged.npz")


def compared(learner: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row per setting and problem: F1, and what it has over the first setting."""
    rows = []
    for problem, labels in PROBLEMS.items():
        own = list(seeds[: labels.most_seeds])
        base: list[Standing] = []
        for name, told in tried(problem, learner).items():
            folders = [Fit(problem, learner, told, seed).folder for seed in own]
            runs = [_standing(labels, folder) for folder in folders]
            base = base or runs
            ours, theirs = ([run.judgement for run in some] for some in (runs, base))
            found = compare_runs(ours, theirs, "f1", np.random.default_rng(0))
            rows.append(
                {
                    "learner": learner,
                    "setting": name,
                    "problem": problem,
                    "seeds": own,
                    "clients": len(runs[0].answers),
                    "f1": found.ours,
                    "difference": found.gap,
                    "low": found.low,
                    "high": found.high,
                }
            )
    return rows


@cache
def _settings(labels: Labels) -> TrainSettings:
    return train_settings([*labels.words, "training.progress=false"])


def _standing(labels: Labels, folder: Path) -> Standing:
    settings = _settings(labels)
    chooses, judged = (Answers.load(folder / f"{side}.npz") for side in ("chooses", "judged"))
    return stand(*with_calibration(chooses, judged), settings.evaluation.goal, settings.reward)


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Settings down, problems across; F1 of the first setting, of the others what they add.

    The mean is over the problems on which all settings were tried.
    """
    settings, problems = (
        list(dict.fromkeys(row[name] for row in rows)) for name in ("setting", "problem")
    )
    told = {(row["setting"], row["problem"]): row for row in rows}
    everywhere = [one for one in problems if all((setting, one) in told for setting in settings)]
    lines = [
        f"| setting | {' | '.join(problems)} | mean | better / worse |",
        f"| --- |{' --- |' * (len(problems) + 2)}",
    ]
    for setting in settings:
        own = {one: told[setting, one] for one in problems if (setting, one) in told}
        name, form = ("f1", ".4f") if setting == settings[0] else ("difference", "+.4f")
        cells = [f"{own[one][name]:{form}}" if one in own else "" for one in problems]
        cells.append(f"{np.mean([own[one][name] for one in everywhere]):{form}}")
        better = sum(row["low"] > 0 for row in own.values())
        worse = sum(row["high"] < 0 for row in own.values())
        cells.append("" if setting == settings[0] else f"{better} / {worse}")
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
