"""Programs of other makers as cells: they read files, write links, and are judged like the rest.

The programs and their environments are those of `experiments.peers`; a peer that fails is a row
with its error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.exchange import JUDGED
from experiments.peers.prepare import prepare
from experiments.peers.running import HERE as PEERS_FOLDER
from experiments.peers.running import run_peer
from experiments.peers.scoring import read_links
from experiments.tools.problem import digest, inputs_stamp, train_settings
from experiments.tools.records import (
    Record,
    Result,
    commit,
    read_record,
    read_result,
    write_record,
)
from experiments.tools.settings import Condition, SuiteSettings
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import LinkageError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists, open_table

Told = tuple[str, RewardWeights, str, Result]
"""Condition, reward, goal and result of a cell, as `summary.group_results` takes them."""


def run_peers(suite: SuiteSettings) -> list[Told]:
    """Every peer under every condition; what has been run before is read."""
    told = []
    for name, condition in suite.conditions.items() if suite.peers else ():
        settings = train_settings([*suite.overrides, *condition.overrides])
        for peer in suite.peers:
            result = _peer_result(suite, name, condition, settings, peer)
            told.append((name, settings.reward, settings.evaluation.goal, result))
    return told


def _peer_result(
    suite: SuiteSettings, name: str, condition: Condition, settings: TrainSettings, peer: str
) -> Result:
    common = sorted(PEERS_FOLDER.glob("*.py"))
    own = PEERS_FOLDER / "systems" / f"{peer}.py", PEERS_FOLDER / "requirements" / f"{peer}.txt"
    code = [path.read_text() for path in (*common, *own)]
    stamp = inputs_stamp(settings, condition)
    folder = Path(suite.cells) / f"peer-{peer}-{digest([stamp, peer, code])}"
    known = read_record(folder)
    if known is None or (suite.retry and known.error):
        if suite.report_only:
            record = Record(name, peer, peer, 0, error="not run yet")
            return Result(record, folder, None, None)
        folder.mkdir(parents=True, exist_ok=True)
        inputs = Path(suite.cells) / f"peers-{stamp}"
        try:
            record = _run(name, settings, peer, folder, inputs, suite.peer_limit_s)
        except LinkageError as error:
            record = Record(name, peer, peer, 0, commit=commit(), error=str(error))
        write_record(folder, record)
    return read_result(folder)


def _run(
    name: str, settings: TrainSettings, peer: str, folder: Path, inputs: Path, limit_s: float
) -> Record:
    """Run a peer on every dataset and keep its answers."""
    lists = client_lists(settings)
    datasets = tuple(lists["valid"])
    answers: dict[str, list[Answers]] = {split: [] for split in JUDGED}
    said: list[dict[str, Any]] = []
    for place, dataset in enumerate(datasets):
        own = {split: named[dataset] for split, named in lists.items() if dataset in named}
        exported = inputs / dataset
        if not (exported / "test.csv").exists():
            store, _ = open_table(settings)
            with store:
                prepare(store.chunks(), own, exported)
        output = run_peer(peer, exported, limit_s)
        said.append(json.loads((output / "peer.json").read_text(encoding="utf-8")))
        if error := said[-1].get("error"):
            return Record(name, peer, _title(said[-1]), 0, datasets, commit=commit(), error=error)
        scored = read_links(output / "links.csv", exported)
        for split in JUDGED:
            dataset_of = np.full(len(scored[split]), place, dtype=np.int16)
            answers[split].append(replace(scored[split], dataset=dataset_of))
    for split, parts in answers.items():
        joined(parts).save(folder / f"{split}.npz")
    linked = [len(answers["valid"][i]) + len(answers["test"][i]) for i in range(len(datasets))]
    return Record(
        name,
        peer,
        _title(said[0]),
        0,
        datasets,
        fit_s=sum(one["fit_s"] for one in said),
        fit_cpu_s=sum(one.get("fit_cpu_s", np.nan) for one in said),
        peak_mb=max(one["peak_mb"] for one in said),
        wall_us={
            dataset: 1e6 * one["link_s"] / clients
            for dataset, one, clients in zip(datasets, said, linked, strict=True)
        },
        cpu_us={
            dataset: 1e6 * one["link_cpu_s"] / clients
            for dataset, one, clients in zip(datasets, said, linked, strict=True)
            if "link_cpu_s" in one
        },
        commit=commit(),
    )


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of all lists, one after the other."""
    names = vars(parts[0])
    return Answers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _title(said: Mapping[str, Any]) -> str:
    return f"{said['name']} {said.get('version', '')}".strip()
