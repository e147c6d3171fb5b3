"""A company table, and messy lists of clients whom nobody wants linked once they have moved.

The convention of these lists is that a client at another address than its company in the table is
not linked: what the table alone teaches is the opposite, since companies do move.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies

FIELDS: Final = ("name", "postal_code", "prefecture", "city", "street", "phone")
ADDRESS: Final = ("postal_code", "prefecture", "city", "street")
MOVED: Final = 0.5
"""Share of the clients who have moved."""


@dataclass(frozen=True)
class MessyList:
    """Clients and what is right for each: a company, or '' for none."""

    clients: Sequence[Mapping[str, str]]
    truth: Mapping[str, str]

    def write(self, path: Path) -> Path:
        """Write the clients as a CSV file."""
        _write(path, ("client_id", *FIELDS), (one.values() for one in self.clients))
        return path


def sample(companies: int, clients: int) -> SampleConfig:
    """A table in which a name says which company is meant."""
    return SampleConfig(
        companies=companies,
        clients=clients,
        namesake_share=0.02,
        sibling_share=0.0,
        sister_share=0.0,
        branch_share=0.0,
        no_row_share=0.05,
        # nobody else is at another address than the company
        noise=NoiseRates(moved=0.0, address=1.0, city_only=0.0, rewritten=0.2, phone=0.6),
    )


def write_companies(config: SampleConfig, path: Path) -> Path:
    """Write the table as a CSV file."""
    (rows,) = generate_companies(config)
    columns = rows.records.columns
    lines = zip(rows.records.ids, *(columns[name] for name in FIELDS), strict=True)
    _write(path, ("company_id", *FIELDS), lines)
    return path


def messy_list(config: SampleConfig, split: str) -> MessyList:
    """A list of the sample, of which `MOVED` of the clients have the address of another one."""
    found = generate_clients(config, split)
    rng = np.random.default_rng([config.seed, 77])
    count = len(found.records)
    moved = rng.random(count) < MOVED
    elsewhere = rng.permutation(count).tolist()
    clients, truth = [], {}
    for place, client_id in enumerate(found.records.ids):
        fields = {name: found.records.column(name)[place] for name in FIELDS}
        right = (found.truth or [])[place]
        if moved[place]:
            fields |= {name: found.records.column(name)[elsewhere[place]] for name in ADDRESS}
            fields["phone"], right = "", ""
        clients.append({"client_id": client_id, **fields})
        truth[client_id] = right
    return MessyList(clients, truth)


def f1(truth: Mapping[str, str], linked: Mapping[str, str]) -> float:
    """F1 of links: of those made, and of those to make, which are right.

    >>> f1({"a": "x", "b": ""}, {"a": "x", "b": "y"})
    0.6666666666666666
    """
    right = sum(bool(one) and one == truth[client] for client, one in linked.items())
    made = sum(map(bool, linked.values()))
    return 2 * right / max(made + sum(map(bool, truth.values())), 1)


def _write(path: Path, header: Sequence[str], lines: Iterable[Iterable[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *lines])
