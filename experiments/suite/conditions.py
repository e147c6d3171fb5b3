"""`python -m experiments.suite.conditions`: the ranker without parts of what it learns from.

The registry office in the corporate number is one of them: a table without corporate numbers has
none.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from experiments.real_lists.__main__ import as_markdown, figures_of
from experiments.real_lists.cases import Lists, real_lists
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.config.command import say
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.evaluate import judge_cases
from linkage_rl.features import context, mentions, places, spelling
from linkage_rl.text.legal_forms import KINDS

FOLDER: Final = Path(__file__).parent
OFFICES: Final = tuple(name for name in places.NAMES if name.startswith("office"))
GROUPS: Final = {
    "registry office": OFFICES,
    "kilometres": tuple(name for name in places.NAMES if name not in OFFICES),
    "name as written": ("written_equal", "reading_equal"),
    "edits, read alike, marks": ("core_edits", "read_alike", "marks_differ"),
    "all of spelling": spelling.NAMES,
    "kinds of legal forms": tuple(f"company_is_{kind}" for kind in KINDS),
    "prefecture in the name": mentions.NAMES,
    "sharers of site and city": tuple(
        name for name in context.NAMES if name.split("_")[1] in ("site", "city")
    ),
    "all of the context": context.NAMES,
    "whole address": ("address_equal",),
}
"""What is left out to the features that show it."""


def main() -> None:
    """Train without each part in turn; write `ablation.json` and print a table per list."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=2)
    words.add_argument("--only", nargs="*", help="some of the parts")
    asked = words.parse_args()
    lists = real_lists()
    trials: dict[str, dict[str, list[dict[str, float | None]]]] = {}
    wanted = {
        name: change for name, change in changes().items() if not asked.only or name in asked.only
    }
    with tqdm(total=len(wanted) * asked.seeds, desc="rankers") as bar:
        for name, change in wanted.items():
            changed = change(lists)
            for seed in range(1, asked.seeds + 1):
                for dataset, figures in ranked(changed, seed).items():
                    trials.setdefault(dataset, {}).setdefault(name, []).append(figures)
                bar.update()
            (FOLDER / "ablation.json").write_text(json.dumps(trials, indent=1) + "\n")
    for dataset, systems in trials.items():
        say(f"\n{dataset}\n\n{as_markdown(systems)}")


def changes() -> dict[str, Callable[[Lists], Lists]]:
    """What is done to the cases, by name; the first leaves them as they are."""
    without = {
        f"without {name}": lambda lists, features=features: without_features(lists, features)
        for name, features in GROUPS.items()
    }
    return {
        "everything": lambda lists: lists,
        **without,
        "without augmented clients": without_augmented,
        "20 slots": lambda lists: replace(lists, view=View(20, lists.view.costs)),
        "10 slots": lambda lists: replace(lists, view=View(10, lists.view.costs)),
    }


def without_features(lists: Lists, names: tuple[str, ...]) -> Lists:
    """The lists with these pair features 0 everywhere."""
    columns = [lists.train.feature_names.index(name) for name in names]

    def blanked(cases: CaseSet) -> CaseSet:
        features = np.array(cases.features)
        features[:, columns] = 0
        return replace(cases, features=features)

    return replace(
        lists,
        train=blanked(lists.train),
        valid=blanked(lists.valid),
        test=blanked(lists.test),
    )


def without_augmented(lists: Lists) -> Lists:
    """The lists without the training clients that were made worse."""
    settings = lists.settings
    plain = replace(settings, clients=replace(settings.clients, augmented=0.0))
    return replace(real_lists(plain), settings=settings)


def ranked(lists: Lists, seed: int) -> dict[str, dict[str, float | None]]:
    """Test metrics of a ranker that was trained on these lists, every blocker run."""
    ranker = train_ranker(lists.train, lists.valid, lists.view, lists.settings.ranker, seed)
    every = tuple(range(len(lists.view.costs)))
    decider = Decider(ScorerPolicy(ranker), lists.view, plan=every)
    return figures_of(lists, judge_cases(decider, lists.valid), judge_cases(decider, lists.test))


if __name__ == "__main__":
    main()
