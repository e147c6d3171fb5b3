"""`python -m experiments.peers.duplicates BUNDLE`: duplicates of a list, beside splink and dedupe.

The list is a sample whose clients are drawn with repeats: the same company written several times,
each time with noise of its own. No company table is used. The peers learn from the labels of a
further list, the bundle learned to link other clients with another table. Every system gives pairs
with a score; the threshold is the best for F1 on a list of its own, and clients that are joined
through others are one group.
"""

import argparse
import csv
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.peers.duplicates.exchange import ENTITY
from experiments.peers.exchange import read_rows
from experiments.peers.prepare import CANONICAL, canonical_columns
from experiments.peers.running import RUN_LIMIT_S, run_peer
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.config.command import say
from linkage_rl.decision.duplicates import THRESHOLD, DuplicatePairs, group_duplicates
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.list_duplicates import find_duplicates, group_with_hubs
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.split import SPLITS

PEERS: Final = ("splink", "dedupe")
_THRESHOLDS: Final = (*(step / 20 for step in range(1, 20)), 0.98, 0.99, 0.995, 0.999)
_HEADING: Final = ("system", "threshold", "pairs F1", "precision", "recall", "CPU s")


@dataclass(frozen=True)
class PlantedList:
    """A list with its clients' companies as numbers."""

    clients: ClientList
    entity: NDArray[np.int64]

    @classmethod
    def of(cls, config: SampleConfig, split: str) -> "PlantedList":
        """Draw the list of a split."""
        clients = generate_clients(config, split)
        return cls(clients, np.unique(clients.truth or (), return_inverse=True)[1])

    def scores(self, pairs: DuplicatePairs, threshold: float) -> tuple[float, float, float]:
        """F1, precision and recall of the pairs within groups."""
        return self.scores_of(group_duplicates(len(self.entity), pairs.from_probability(threshold)))

    def scores_of(self, group: NDArray[np.int64]) -> tuple[float, float, float]:
        """The same for groups; -1 is a client alone."""
        group = np.where(group < 0, np.arange(len(group)), group)
        both = _pairs_within(np.stack([group, self.entity]))
        found, right = _pairs_within(group[None]), _pairs_within(self.entity[None])
        precision, recall = both / max(found, 1), both / max(right, 1)
        return 2 * both / max(found + right, 1), precision, recall

    def __str__(self) -> str:
        size, entities = len(self.entity), len(np.unique(self.entity))
        return (
            f"{size:,} clients of {entities:,} companies, "
            f"{_pairs_within(self.entity[None]):,} pairs of duplicates"
        )


def _pairs_within(labels: NDArray[np.int64]) -> int:
    """Pairs of columns that are equal in every row."""
    counts = np.unique(labels, axis=1, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def main() -> None:
    """Run every system and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("outputs/duplicates"))
    parser.add_argument("--clients", type=int, default=20_000, help="of all three lists")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--limit-s", type=float, default=RUN_LIMIT_S)
    asked = parser.parse_args()
    config = SampleConfig(clients=asked.clients, no_row_share=0, seed=1)
    lists = {split: PlantedList.of(config, split) for split in SPLITS}
    _write(lists, asked.folder)
    say(f"test list: {lists['test']}\n")
    lines = [_HEADING, *_bundle_lines(asked.bundle, lists)]
    lines.append(_hub_line(asked.bundle, config, lists["test"]))
    for name in asked.peers:
        lines.append(_peer_line(name, lists, asked.folder, asked.limit_s))
    say(markdown_table(lines))


def _bundle_lines(bundle: Path, lists: Mapping[str, PlantedList]) -> list[Sequence[str]]:
    """The bundle at its own threshold and at the one of the validation list."""
    linker = load_bundle(bundle)
    begin = time.process_time()
    pairs = {
        split: find_duplicates(linker, lists[split].clients.records).pairs
        for split in ("valid", "test")
    }
    cpu_s = f"{time.process_time() - begin:.1f}"
    best = _best(lists["valid"], pairs["valid"])
    return [
        _line(f"linkage_rl, {how}", threshold, lists["test"], pairs["test"], cpu_s)
        for how, threshold in (("default", THRESHOLD), ("threshold of valid", best))
    ]


def _hub_line(bundle: Path, config: SampleConfig, planted: PlantedList) -> Sequence[str]:
    """The bundle with the company table: clients of one company are one group."""
    linker = load_bundle(bundle, CompanyIndex.build(generate_companies(config)))
    records, begin = planted.clients.records, time.process_time()
    linked = linker.link_list(records)
    company = linker.index.find(linked.company_ids)
    without = np.flatnonzero(company < 0).tolist()
    group = group_with_hubs(company, find_duplicates(linker, records.take(without)).group)
    scores = (f"{score:.4f}" for score in planted.scores_of(group))
    cpu_s = f"{time.process_time() - begin:.1f}"
    return ("linkage_rl, with the company table", f"{THRESHOLD:g}", *scores, cpu_s)


def _peer_line(
    name: str, lists: Mapping[str, PlantedList], folder: Path, limit_s: float
) -> Sequence[str]:
    """One peer; its error where it failed."""
    output = run_peer(name, folder, limit_s, package="duplicates")
    report = json.loads((output / "peer.json").read_text(encoding="utf-8"))
    if "error" in report:
        return (f"{name} {report['version']}", report["error"], *["-"] * 4)
    pairs = {split: _read_pairs(output / f"{split}.csv", lists[split]) for split in SPLITS[1:]}
    best = _best(lists["valid"], pairs["valid"])
    cpu_s = str(report["cpu_s"])
    return _line(f"{name} {report['version']}", best, lists["test"], pairs["test"], cpu_s)


def _best(planted: PlantedList, pairs: DuplicatePairs) -> float:
    """The threshold of the highest F1."""
    return max(_THRESHOLDS, key=lambda threshold: planted.scores(pairs, threshold)[0])


def _line(
    name: str, threshold: float, planted: PlantedList, pairs: DuplicatePairs, cpu_s: str
) -> Sequence[str]:
    scores = planted.scores(pairs, threshold)
    return (name, f"{threshold:g}", *(f"{score:.4f}" for score in scores), cpu_s)


def _read_pairs(path: Path, planted: PlantedList) -> DuplicatePairs:
    place = {client_id: row for row, client_id in enumerate(planted.clients.records.ids)}
    rows = read_rows(path)
    ends = np.array(
        [sorted((place[row["one"]], place[row["other"]])) for row in rows], dtype=np.int64
    ).reshape(-1, 2)
    score = np.array([float(row["score"]) for row in rows], dtype=np.float32)
    return DuplicatePairs(ends[:, 0].copy(), ends[:, 1].copy(), score)


def _write(lists: Mapping[str, PlantedList], folder: Path) -> None:
    """The lists as the peers read them; only the one to learn from has its companies."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, planted in lists.items():
        known = split == "train"
        records = planted.clients.records
        columns = canonical_columns(records)
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(("client_id", *([ENTITY] if known else []), *CANONICAL))
            entity = [planted.entity.tolist()] if known else []
            lines.writerows(zip(records.ids, *entity, *columns, strict=True))


if __name__ == "__main__":
    main()
