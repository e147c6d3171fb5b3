"""Peers as cells of a suite: they read files, write links, and are judged like other systems.

A peer that fails is a row with its error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.exchange import JUDGED
from experiments.peers.prepare import prepare
from experiments.peers.running import HERE, requirements_of, run_peer
from experiments.peers.scoring import read_links
from experiments.tools.composing import train_settings
from experiments.tools.digests import digest, inputs_digest
from experiments.tools.records import (
    JudgedCell,
    Record,
    Result,
    commit,
    read_record,
    read_result,
    write_record,
)
from experiments.tools.settings import SuiteSettings
from linkage_rl.errors import LinkageError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.tables.readers import ClientList
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists, open_table


def run_peers(suite: SuiteSettings) -> list[JudgedCell]:
    """Every peer under every condition; what has been run before is read."""
    cells = []
    for name, condition in suite.conditions.items() if suite.peers else ():
        settings = train_settings([*suite.overrides, *condition.overrides])
        for peer in suite.peers:
            result = _peer_result(suite, name, settings, peer)
            cells.append(JudgedCell(name, settings.reward, settings.evaluation.goal, result))
    return cells


def _peer_result(suite: SuiteSettings, name: str, settings: TrainSettings, peer: str) -> Result:
    inputs_key = inputs_digest(settings)
    folder = Path(suite.cells) / f"peer-{peer}-{digest([inputs_key, peer, _code_of(peer)])}"
    known = read_record(folder)
    if known is None or (suite.retry and known.error):
        if suite.report_only:
            record = Record(name, peer, peer, 0, error="not run yet")
            return Result(record, folder, None, None)
        folder.mkdir(parents=True, exist_ok=True)
        inputs = Path(suite.cells) / f"peers-{inputs_key}"
        try:
            record = _run(name, settings, peer, folder, inputs, suite.peer_limit_s)
        except LinkageError as error:
            record = Record(name, peer, peer, 0, commit=commit(), error=str(error))
        write_record(folder, record)
    return read_result(folder)


def _code_of(peer: str) -> list[str]:
    """The text of every file that a peer's links depend on."""
    # a variant imports the peer that it is a variant of
    stems = dict.fromkeys((peer, peer.partition("_")[0]))
    own = [*(HERE / "systems" / f"{stem}.py" for stem in stems), requirements_of(peer)]
    return [path.read_text() for path in (*sorted(HERE.glob("*.py")), *own)]


def _run(
    name: str, settings: TrainSettings, peer: str, folder: Path, inputs: Path, limit_s: float
) -> Record:
    """Run a peer on every dataset and keep its answers."""
    lists = client_lists(settings)
    datasets = tuple(lists["valid"])
    answers: dict[str, list[Answers]] = {split: [] for split in JUDGED}
    reports: list[dict[str, Any]] = []
    for place, dataset in enumerate(datasets):
        own = {split: named[dataset] for split, named in lists.items() if dataset in named}
        exported = _exported(settings, own, inputs / dataset)
        output = run_peer(peer, exported, limit_s)
        reports.append(json.loads((output / "peer.json").read_text(encoding="utf-8")))
        if error := reports[-1].get("error"):
            title = _title(reports[-1])
            return Record(name, peer, title, 0, datasets, commit=commit(), error=error)
        scored = read_links(output / "links.csv", exported)
        for split in JUDGED:
            dataset_of = np.full(len(scored[split]), place, dtype=np.int16)
            answers[split].append(replace(scored[split], dataset=dataset_of))
    for split, parts in answers.items():
        joined(parts).save(folder / f"{split}.npz")
    clients = [
        sum(len(answers[split][place]) for split in JUDGED) for place in range(len(datasets))
    ]
    return _record(name, peer, datasets, reports, clients)


def _exported(settings: TrainSettings, lists: Mapping[str, ClientList], folder: Path) -> Path:
    """The folder with the table and the lists of a dataset, written where it is missing."""
    if not (folder / "test.csv").exists():
        store, _ = open_table(settings)
        with store:
            prepare(store.chunks(), lists, folder)
    return folder


def _record(
    name: str,
    peer: str,
    datasets: tuple[str, ...],
    reports: Sequence[Mapping[str, Any]],
    clients: Sequence[int],
) -> Record:
    """What the runs of a peer took.

    Args:
        name: Of the condition.
        peer: Name of the peer.
        datasets: Names of the lists.
        reports: `peer.json` of each list.
        clients: Clients that were linked, of each list.
    """

    def per_client_us(key: str) -> dict[str, float]:
        return {
            dataset: 1e6 * report[key] / count
            for dataset, report, count in zip(datasets, reports, clients, strict=True)
            if key in report
        }

    return Record(
        name,
        peer,
        _title(reports[0]),
        0,
        datasets,
        fit_s=sum(report["fit_s"] for report in reports),
        fit_cpu_s=sum(report.get("fit_cpu_s", np.nan) for report in reports),
        peak_mb=max(report["peak_mb"] for report in reports),
        wall_us=per_client_us("link_s"),
        cpu_us=per_client_us("link_cpu_s"),
        commit=commit(),
    )


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of all lists, one after the other."""
    names = vars(parts[0])
    return Answers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _title(report: Mapping[str, Any]) -> str:
    return f"{report['name']} {report.get('version', '')}".strip()
