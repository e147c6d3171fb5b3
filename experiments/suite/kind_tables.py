"""The two tables whose rows and clients are mutated: a clean sample, and part of the real table."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.corrupt import DIRT, NoiseRates
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.spelling_noise import Fields

CLEAN: Final = SampleConfig(
    sister_share=0,
    branch_share=0,
    text_beside_name_share=0,
    shared_identifier_share=0,
    noise=NoiseRates(name_only=0.0, **dict.fromkeys(DIRT, 0.0)),
)
"""The default sample without the dirt that is measured: every condition adds its own kind."""
SHARED_BY: Final = 200
"""Companies above which an address is a crowded one."""


@dataclass(frozen=True)
class Table:
    """Rows of a company table with the counts by which clients are chosen."""

    rows: list[Fields]
    """Fields of each row with its `company_id`."""
    namesakes: Counter[str]
    """Name to the number of rows that have it."""

    @classmethod
    def of(cls, rows: list[Fields]) -> "Table":
        """Count the names."""
        return cls(rows, Counter(row["name"] for row in rows))

    def unique(self) -> list[Fields]:
        """Rows whose name no other row has."""
        return [row for row in self.rows if self.namesakes[row["name"]] == 1]

    def ambiguous(self) -> list[Fields]:
        """Rows with namesakes, all of which have another address."""
        places = Counter((row["name"], address_of(row)) for row in self.rows)
        return [
            row
            for row in self.rows
            if self.namesakes[row["name"]] > 1 and places[row["name"], address_of(row)] == 1
        ]

    def groups(self) -> dict[int, list[list[Fields]]]:
        """Number of namesakes to the groups of that size."""
        by_name: dict[str, list[Fields]] = defaultdict(list)
        for row in self.rows:
            by_name[row["name"]].append(row)
        sizes: dict[int, list[list[Fields]]] = defaultdict(list)
        for group in by_name.values():
            sizes[len(group)].append(group)
        return sizes


def address_of(row: Fields) -> str:
    """The address of a row in one column."""
    return row["prefecture"] + row["city"] + row["street"]


def sample_table() -> Table:
    """The open companies of the clean sample."""
    return Table.of(
        [
            row
            for rows in generate_companies(CLEAN)
            for row, closed in zip(_fields(rows.records), rows.closed_at, strict=True)
            if not closed
        ]
    )


def sample_clients() -> tuple[list[Fields], list[str]]:
    """The test list of the clean sample, and the truth of each client."""
    clients = generate_clients(CLEAN, "test")
    return _fields(clients.records, "client_id"), list(clients.truth or ())


def real_table(file: Path, size: int, crowded: int, seed: int) -> Table:
    """Part of the real table: every company of random names, and of some crowded addresses.

    Whole names are drawn, so that each company has as many namesakes as in the whole table.

    Args:
        file: The Parquet file of the data folder.
        size: Rows of random names.
        crowded: Addresses shared by over `SHARED_BY` companies whose companies are added.
        seed: Of the draws.
    """
    columns = pq.read_table(file).to_pydict()
    rng = np.random.default_rng(seed)
    names = columns["name"]
    distinct = sorted(set(names))
    order = dict(zip(distinct, rng.permutation(len(distinct)).tolist(), strict=True))
    places = list(zip(columns["prefecture"], columns["city"], columns["street"], strict=True))
    popular = [place for place, count in Counter(places).items() if count > SHARED_BY]
    chosen = {popular[place] for place in rng.permutation(len(popular))[:crowded]}
    ranks = np.array([order[name] for name in names])
    # the names that come first, up to `size` rows
    within = np.cumsum(np.bincount(ranks, minlength=len(distinct)))[ranks] <= size
    kept = [row for row, place in enumerate(places) if within[row] or place in chosen]
    return Table.of(
        [
            {
                "company_id": columns["company_id"][row],
                "corporate_number": columns["company_id"][row],
                **{field: (columns[field][row] or "") for field in FIELDS if field in columns},
                **dict.fromkeys(("phone", "url", "former_names"), ""),
            }
            for row in kept
        ]
    )


def _fields(records: RecordBatch, key: str = "company_id") -> list[Fields]:
    names = list(records.columns)
    return [
        {key: identity, **dict(zip(names, texts, strict=True))}
        for identity, texts in zip(
            records.ids, zip(*records.columns.values(), strict=True), strict=True
        )
    ]
