"""Company files of several sizes, each with the clients to link."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.cost.inputs import Inputs, Sizes, inputs_of, write_companies
from linkage_rl.records import CompanyRows
from linkage_rl.tables.readers import ClientList, read_clients
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

_SEED = 1


@dataclass(frozen=True)
class RealTable:
    """A company file and a client list with truth that belongs to it."""

    companies: Path
    mapping: ColumnMapping
    clients: Path

    def drawn(self, rows: int, sizes: Sizes, folder: Path) -> Inputs:
        """Some rows of the file, among them the right company of every client.

        Args:
            rows: How many; 0 for the complete file.
            sizes: Says how many clients.
            folder: Where the files are written.
        """
        asked = read_clients(self.clients)
        inputs = inputs_of(self.companies, self.mapping, asked, sizes, folder)
        if rows == 0:
            return inputs
        kept = {company_id for text in inputs.clients.truth or () for company_id in text.split("|")}
        path = folder / "companies.csv"
        write_companies(path, _thinned(inputs, kept, rows))
        return Inputs(
            path, CANONICAL, inputs.list_file, inputs.clients, inputs.truth, sizes, folder
        )


def _thinned(inputs: Inputs, kept: set[str], rows: int) -> Iterator[CompanyRows]:
    """About `rows` rows of the file: those kept, and a random choice of the others."""
    total = sum(len(chunk.records) for chunk in inputs.chunks())
    chance = max(rows - len(kept), 0) / max(total - len(kept), 1)
    rng = np.random.default_rng(_SEED)
    for chunk in inputs.chunks():
        drawn = rng.random(len(chunk.records)) < chance
        needed = np.array([company_id in kept for company_id in chunk.records.ids], dtype=np.bool_)
        chosen = np.flatnonzero(drawn | needed).tolist()
        yield CompanyRows(
            chunk.records.take(chosen),
            [chunk.updated_at[row] for row in chosen],
            [chunk.closed_at[row] for row in chosen],
        )


def synthetic(rows: int, sizes: Sizes, folder: Path) -> Inputs:
    """A table of the sample generator, and clients of its test split."""
    # a fifth of all clients belongs to the test split
    config = SampleConfig(companies=rows, clients=5 * sizes.clients, seed=_SEED)
    path = folder / "companies.csv"
    write_companies(path, generate_companies(config))
    drawn = generate_clients(config, "test")
    asked = ClientList(drawn.records, drawn.truth, {})
    return inputs_of(path, CANONICAL, asked, sizes, folder)


def emptied(folder: Path) -> Path:
    """The folder, empty: a table takes several times its file, and the next one needs the space."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
