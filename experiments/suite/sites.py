"""`python -m experiments.suite.sites BUNDLE`: a sample whose companies have branches in the table.

Half of the clients whose company has a branch write the branch's address and phone. The table holds
head offices only, or every office as a row of its company.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.config.command import say
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.corrupt import NoiseRates, corrupt
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies

OFFICE: Final = ("postal_code", "prefecture", "city", "street", "phone")
"""Fields in which an office differs from its head office."""


class Offices:
    """Companies of a sample with branches, whose addresses are those of another sample."""

    def __init__(self, config: SampleConfig, most: int, seed: int = 0) -> None:
        """Give every company one to `most` branches, each number of them equally often."""
        self._rng = np.random.default_rng(seed)
        self.companies = _joined(config)
        self._elsewhere = _joined(replace(config, seed=config.seed + 1)).records
        counts = self._rng.integers(1, most + 1, len(self.companies.records))
        self._company = np.repeat(np.arange(len(counts)), counts)
        self._place = self._rng.integers(0, len(self._elsewhere), len(self._company))

    def table(self) -> CompanyRows:
        """Every office as a row of its company, the head office first."""
        heads = self.companies
        order = np.argsort(
            np.concatenate([np.arange(len(heads.records)), self._company]), kind="stable"
        )
        every = RecordBatch.concatenate([heads.records, self._branches(self._all)])
        own = np.concatenate([np.arange(len(heads.records)), self._company])[order].tolist()
        return CompanyRows(
            every.take(order.tolist()),
            [heads.updated_at[row] for row in own],
            [heads.closed_at[row] for row in own],
        )

    def clients(self, clients: ClientList, noise: NoiseRates) -> ClientList:
        """The list, half of whose clients with a branch are written anew from that branch."""
        branches: dict[str, list[int]] = {}
        for branch, company in enumerate(self._company.tolist()):
            branches.setdefault(self.companies.records.ids[company], []).append(branch)
        truth = clients.truth or []
        able = [row for row, company_id in enumerate(truth) if company_id in branches]
        chosen = np.sort(self._rng.permutation(able)[: len(able) // 2])
        picked = [int(self._rng.choice(branches[truth[row]])) for row in chosen]
        other = self._rng.integers(0, len(self._elsewhere), len(chosen))
        former = self._elsewhere.take(other.tolist())
        written, _ = corrupt(self._branches(np.array(picked)), former, noise, self._rng)
        columns = {name: list(clients.records.column(name)) for name in clients.records.columns}
        for name, texts in columns.items():
            for row, text in zip(chosen.tolist(), written.column(name), strict=True):
                texts[row] = text
        return replace(clients, records=RecordBatch(clients.records.ids, columns))

    @property
    def _all(self) -> NDArray[np.int64]:
        return np.arange(len(self._company))

    def _branches(self, chosen: NDArray[np.int64]) -> RecordBatch:
        """These branches with every field of their company but those of the office."""
        own = self.companies.records.take(self._company[chosen].tolist())
        office = self._elsewhere.take(self._place[chosen].tolist())
        return RecordBatch(
            own.ids, {**own.columns, **{field: office.column(field) for field in OFFICE}}
        )


def _joined(config: SampleConfig) -> CompanyRows:
    chunks = list(generate_companies(config))
    return CompanyRows(
        RecordBatch.concatenate([chunk.records for chunk in chunks]),
        [one for chunk in chunks for one in chunk.updated_at],
        [one for chunk in chunks for one in chunk.closed_at],
    )


def figures(linked: LinkedBatch, truth: Sequence[str]) -> list[str]:
    """Share linked, precision and F1 of a linked list."""
    links = sum(map(bool, linked.company_ids))
    right = sum(
        bool(found) and found in text.split("|")
        for found, text in zip(linked.company_ids, truth, strict=True)
    )
    stated = sum(map(bool, truth))
    return [
        f"{links / len(truth):.1%}",
        f"{right / max(links, 1):.1%}",
        f"{2 * right / max(links + stated, 1):.3f}",
    ]


def main() -> None:
    """Print one line per table and list."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path, help="bundle of a training run on the default sample")
    parser.add_argument("--branches", type=int, default=3, help="most branches of a company")
    asked = parser.parse_args()
    config = SampleConfig()
    offices = Offices(config, asked.branches)
    as_drawn = generate_clients(config, "test")
    lists = {"head offices": as_drawn, "half at a branch": offices.clients(as_drawn, config.noise)}
    tables = {"head offices only": offices.companies, "every office": offices.table()}
    lines = [["table", "clients", "linked", "precision", "F1"]]
    for name, table in tables.items():
        linker = load_bundle(asked.bundle, CompanyIndex.build([table]))
        for written, clients in lists.items():
            linked = linker.link_list(clients.records)
            lines.append([name, written, *figures(linked, clients.truth or [])])
    say(markdown_table(lines))


if __name__ == "__main__":
    main()
