"""Programs of other makers as cells: they read files, write links, and are judged like the rest.

The programs and their environments are those of `experiments.peers`; a peer that fails is a row
with its error.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.suite.problem import digest, inputs_stamp, train_settings
from experiments.suite.records import (
    Record,
    Result,
    commit,
    read_record,
    read_result,
    write_record,
)
from experiments.suite.settings import Condition, SuiteSettings
from linkage_rl.envs.rewards import RewardWeights
from linkage_rl.errors import ConfigError, InputFileError, LinkageError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.records import DecisionKind
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists, open_table

JUDGED = ("valid", "test")
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
    runs = _module("running")
    code = [path.read_text() for path in sorted(Path(runs.__file__).parent.rglob("*.py"))]
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
            record = _run(name, settings, peer, folder, inputs)
        except LinkageError as error:
            record = Record(name, peer, peer, 0, commit=commit(), error=str(error))
        write_record(folder, record)
    return read_result(folder)


def _run(name: str, settings: TrainSettings, peer: str, folder: Path, inputs: Path) -> Record:
    """Run a peer on every family and keep its answers."""
    lists = client_lists(settings)
    families = tuple(lists["valid"])
    answers: dict[str, list[Answers]] = {split: [] for split in JUDGED}
    said: list[dict[str, Any]] = []
    for place, family in enumerate(families):
        own = {split: named[family] for split, named in lists.items() if family in named}
        exported = inputs / family
        if not (exported / "test.csv").exists():
            store, _ = open_table(settings)
            with store:
                _module("prepare").prepare(store.chunks(), own, exported)
        output = Path(_module("running").run_peer(peer, exported))
        said.append(json.loads((output / "peer.json").read_text(encoding="utf-8")))
        if error := said[-1].get("error"):
            return Record(name, peer, _title(said[-1]), 0, families, commit=commit(), error=error)
        scored = read_links(output / "links.csv", exported)
        for split in JUDGED:
            family_of = np.full(len(scored[split]), place, dtype=np.int16)
            answers[split].append(replace(scored[split], family=family_of))
    for split, parts in answers.items():
        joined(parts).save(folder / f"{split}.npz")
    linked = [len(answers["valid"][i]) + len(answers["test"][i]) for i in range(len(families))]
    return Record(
        name,
        peer,
        _title(said[0]),
        0,
        families,
        fit_s=sum(one["fit_s"] for one in said),
        fit_cpu_s=sum(one.get("fit_cpu_s", np.nan) for one in said),
        peak_mb=max(one["peak_mb"] for one in said),
        wall_us={
            family: 1e6 * one["link_s"] / clients
            for family, one, clients in zip(families, said, linked, strict=True)
        },
        cpu_us={
            family: 1e6 * one["link_cpu_s"] / clients
            for family, one, clients in zip(families, said, linked, strict=True)
            if "link_cpu_s" in one
        },
        commit=commit(),
    )


def read_links(links: Path, inputs: Path) -> dict[str, Answers]:
    """What a peer wrote, beside the truth, clients in the order of their lists.

    Its scores become ranks in (0, 1]: only their order counts, calibration does the rest.

    Args:
        links: `links.csv` with `split, client_id, company_id, score`.
        inputs: Folder of `valid.csv` and `test.csv` with the truth.

    Raises:
        InputFileError: A client is missing.
    """
    with links.open(encoding="utf-8", newline="") as stream:
        said = {(row["split"], row["client_id"]): row for row in csv.DictReader(stream)}
    truth = {split: _truth(inputs / f"{split}.csv") for split in JUDGED}
    lacking = [client for split in JUDGED for client in truth[split] if (split, client) not in said]
    if lacking:
        raise InputFileError(
            f"{links} needs a line for every client of valid and test, lacks {len(lacking)}, "
            f"{lacking[0]!r} among them"
        )
    rows = {split: [said[split, client] for client in truth[split]] for split in JUDGED}
    scores = np.array(
        [float(row["score"]) for split in JUDGED for row in rows[split] if row["company_id"]]
    )
    levels = np.unique(scores)
    return {split: _answers(rows[split], truth[split], levels) for split in JUDGED}


def _answers(
    rows: Sequence[Mapping[str, str]], truth: Mapping[str, str], levels: NDArray[np.float64]
) -> Answers:
    present = np.array([row["company_id"] != "" for row in rows])
    score = np.array([float(row["score"]) if row["company_id"] else -np.inf for row in rows])
    rank = (np.searchsorted(levels, score) + 1) / max(len(levels), 1)
    right = [
        row["company_id"] != "" and row["company_id"] in names.split("|")
        for row, names in zip(rows, truth.values(), strict=True)
    ]
    clients = len(rows)
    return Answers(
        kind=np.where(present, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        pair=np.full(clients, -1, dtype=np.int64),
        confidence=np.where(present, rank, 0.0).astype(np.float32),
        right=np.array(right, dtype=np.bool_),
        has_row=np.array([names != "" for names in truth.values()], dtype=np.bool_),
        bought=np.zeros(clients, dtype=np.uint16),
        cost=np.zeros(clients, dtype=np.float32),
        family=np.zeros(clients, dtype=np.int16),
    )


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of all lists, one after the other."""
    names = vars(parts[0])
    return Answers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _truth(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["client_id"]: row["company_id"] for row in csv.DictReader(stream)}


def _title(said: Mapping[str, Any]) -> str:
    return f"{said['name']} {said.get('version', '')}".strip()


def _module(name: str) -> Any:
    """A module of `experiments.peers`.

    Raises:
        ConfigError: This checkout has none.
    """
    try:
        return import_module(f"experiments.peers.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"peers need experiments/peers, which this checkout lacks ({error.name}); "
            "leave them out by peers=[]"
        ) from None
