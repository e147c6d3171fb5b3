"""`python -m experiments.peers.clicks CASES OVERRIDE ...`: peers that ask a person themselves.

CASES is the folder in which `experiments.suite.clicks` keeps the cases of the own table; it reads
the scores that are left in `CASES/dedupe`. The overrides are those of `linkage_rl.train` and name
the table.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from experiments.peers.prepare import CANONICAL, canonical_columns
from experiments.peers.running import run_peer
from experiments.tools.click_split import asked_about
from experiments.tools.composing import train_settings
from linkage_rl.config.command import say
from linkage_rl.decision.cases import CaseSet
from linkage_rl.records import RecordBatch
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists, open_table

COUNTS: Final = (10, 30, 100, 300)
"""Answers after which it scores; each costs dedupe more than the one before."""
WRONG: Final = (0.0, 0.05)
_LIMIT_S: Final = 7_200.0


def main() -> None:
    """Write what dedupe reads, and run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("overrides", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--limit-s", type=float, default=_LIMIT_S)
    asked = parser.parse_args()
    inputs = asked.cases / "peers"
    inputs.mkdir(parents=True, exist_ok=True)
    write_inputs(train_settings(asked.overrides), asked.cases / "cases", inputs)
    write_asking(inputs, len(CaseSet.load(asked.cases / "cases" / "stream")), asked.seeds)
    output = run_peer("dedupe", inputs, asked.limit_s, package="active")
    say((output / "peer.json").read_text(encoding="utf-8"))


def write_asking(inputs: Path, clients: int, seeds: Sequence[int]) -> None:
    """Write `asking.json`: whom each seed may ask about, and how often."""
    splits = {}
    for seed in seeds:
        pool, unlabelled = asked_about(clients, seed)
        splits[seed] = {"pool": pool.tolist(), "unlabelled": unlabelled.tolist()}
    content = {"counts": COUNTS, "wrong": WRONG, "seeds": splits}
    (inputs / "asking.json").write_text(json.dumps(content), encoding="utf-8")


def write_inputs(settings: TrainSettings, cases: Path, inputs: Path) -> None:
    """Write clients, their candidates, and the candidates' companies, unless they are there.

    Args:
        settings: Of the training command; its train lists are the stream, its valid lists judge.
        cases: Folder of the cases `stream` and `valid`.
        inputs: Takes `companies.csv`, `clients-PART.csv` and `pairs-PART.npz`.
    """
    if (inputs / "companies.csv").exists():
        return
    lists, ids = client_lists(settings), dict[str, int]()
    for part, split in (("stream", "train"), ("valid", "valid")):
        prepared = CaseSet.load(cases / part)
        named = prepared.companies.take(np.arange(len(prepared.companies)))
        row = np.array([ids.setdefault(company_id, len(ids)) for company_id in named])
        np.savez_compressed(
            inputs / f"pairs-{part}.npz",
            starts=prepared.starts,
            company=row[prepared.pair_company],
        )
        _write_clients(
            inputs / f"clients-{part}.csv",
            [(clients.records, clients.truth or ()) for clients in lists[split].values()],
        )
    _write_companies(settings, ids, inputs / "companies.csv")


def _write_clients(path: Path, lists: Sequence[tuple[RecordBatch, Sequence[str]]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("client_id", "company_id", *CANONICAL))
        for records, truth in lists:
            lines.writerows(zip(records.ids, truth, *canonical_columns(records), strict=True))


def _write_companies(settings: TrainSettings, ids: dict[str, int], path: Path) -> None:
    """The companies of these ids, each in the row of its number."""
    found: dict[str, Sequence[str]] = {}
    store, _ = open_table(settings)
    with store:
        for chunk in store.chunks():
            records = chunk.records
            wanted = [row for row, company_id in enumerate(records.ids) if company_id in ids]
            some = records.take(wanted)
            columns = zip(*canonical_columns(some), strict=True)
            found |= dict(zip(some.ids, columns, strict=True))
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("company_id", *CANONICAL))
        lines.writerows((company_id, *found[company_id]) for company_id in ids)
    partial.replace(path)


if __name__ == "__main__":
    main()
