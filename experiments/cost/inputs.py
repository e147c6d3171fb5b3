"""What is measured: a company file, a client list with truth, and how much of each."""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.readers import ClientList, read_clients, read_companies
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.schema import CANONICAL, COMPANY_COLUMNS, ColumnMapping


@dataclass(frozen=True)
class Sizes:
    """How much is measured; more takes longer and varies less."""

    sample: SampleConfig = field(default_factory=SampleConfig)
    """The table and list that are drawn where none are given."""
    clients: int = 50_000
    """Clients of the list, taken at even distances from a longer one."""
    slow_clients: int = 200
    """Clients for searches without an index of ours."""
    singles: int = 1_000
    """Clients that are linked one at a time."""
    changed: int = 10_000
    """Rows changed before a refresh, at most a twentieth of the table."""
    cases: int = 10_000
    """Clients prepared for the environments."""
    native_steps: int = 200
    """Steps of `native_envs` episodes side by side."""
    native_envs: int = 1_024
    dummy_steps: int = 300
    """Steps of 64 single environments."""
    rollouts: int = 4
    """Updates of PPO."""

    def __post_init__(self) -> None:
        if self.clients < 1:
            raise ConfigError(f"--limit must be at least 1, got {self.clients}")


FULL: Final = Sizes()
QUICK: Final = Sizes(
    sample=SampleConfig(companies=2_000, clients=2_000),
    clients=400,
    slow_clients=20,
    singles=30,
    changed=200,
    cases=400,
    native_steps=20,
    native_envs=256,
    dummy_steps=5,
    rollouts=1,
)
"""Enough to check that everything runs; the figures mean little."""


@dataclass(frozen=True)
class Inputs:
    """Files that every line of the benchmark reads, ours and the rivals' alike."""

    companies: Path
    mapping: ColumnMapping
    list_file: Path
    """The clients as CSV in canonical columns."""
    clients: ClientList
    """The same in memory, in the same order."""
    truth: tuple[str, ...]
    """Right company of each client, the first where there are several; '' for no row."""
    sizes: Sizes
    folder: Path
    """For all files that are written while measuring."""

    def chunks(self) -> Iterator[CompanyRows]:
        """All companies of the file."""
        return read_companies(self.companies, self.mapping)

    def some(self, rows: Sequence[int]) -> tuple[RecordBatch, list[str]]:
        """The clients at these positions, and their truth."""
        return self.clients.records.take(rows), [self.truth[row] for row in rows]


def add_column_mapping(parser: argparse.ArgumentParser) -> None:
    """Add the option `--map`, whose values `column_mapping` reads."""
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=THEIRS",
        help="column of the company file, such as corporate_number=company_id; may be repeated",
    )


def column_mapping(pairs: Sequence[str]) -> ColumnMapping:
    """A mapping from pairs such as 'corporate_number=company_id'.

    Raises:
        ConfigError: A word has no '=', or names no canonical column.
    """
    known = ColumnMapping.__dataclass_fields__
    named: dict[str, Any] = dict(pair.partition("=")[::2] for pair in pairs)
    if wrong := [pair for pair in pairs if "=" not in pair or pair.split("=")[0] not in known]:
        raise ConfigError(
            f"--map expects COLUMN=THEIRS with COLUMN among {list(known)}, got {wrong}"
        )
    return ColumnMapping(**named)


def prepare_inputs(
    companies: Path | None,
    clients: Path | None,
    mapping: ColumnMapping,
    sizes: Sizes,
    folder: Path,
) -> Inputs:
    """The given files, or the sample written to files.

    Raises:
        ConfigError: Only one of the two files is given.
        SchemaError: The list has no right companies.
    """
    if (companies is None) != (clients is None):
        raise ConfigError("give --companies and --clients together, or neither for the sample")
    if companies is None or clients is None:
        companies, mapping = folder / "companies.csv", CANONICAL
        write_companies(companies, generate_companies(sizes.sample))
        asked = generate_clients(sizes.sample, "test")
    else:
        asked = read_clients(clients)
    if asked.truth is None:
        raise SchemaError(f"{clients} needs the column 'company_id' with each client's company")
    return inputs_of(companies, mapping, asked, sizes, folder)


def inputs_of(
    companies: Path, mapping: ColumnMapping, asked: ClientList, sizes: Sizes, folder: Path
) -> Inputs:
    """The company file and evenly spaced clients of a list with truth, written to the folder."""
    rows = np.linspace(0, len(asked) - 1, min(sizes.clients, len(asked))).astype(int).tolist()
    every = asked.truth or ()
    some = ClientList(asked.records.take(rows), [every[row] for row in rows], {})
    truth = tuple(text.split("|")[0] for text in some.truth or ())
    list_file = folder / "clients.csv"
    write_clients(list_file, some)
    return Inputs(companies, mapping, list_file, some, truth, sizes, folder)


def write_companies(path: Path, chunks: Iterator[CompanyRows]) -> None:
    """Write companies as CSV in canonical columns."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COMPANY_COLUMNS)
        for chunk in chunks:
            fields = (chunk.records.column(name) for name in FIELDS)
            stamps = (chunk.updated_at, chunk.closed_at)
            writer.writerows(zip(chunk.records.ids, *fields, *stamps, strict=True))


def write_clients(path: Path, clients: ClientList) -> None:
    """Write clients as CSV in canonical columns, with their truth."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("client_id", *FIELDS, "company_id"))
        fields = (clients.records.column(name) for name in FIELDS)
        writer.writerows(zip(clients.records.ids, *fields, clients.truth or (), strict=True))
