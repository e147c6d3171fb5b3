"""Writes a table and its client lists as every peer reads them: canonical columns, same labels."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from linkage_rl.errors import SchemaError
from linkage_rl.records import CanonicalBatch, CompanyRows, RecordBatch
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.split import SPLITS
from linkage_rl.text.canonical import canonicalise

CANONICAL: Final = tuple(field.name for field in fields(CanonicalBatch))
"""Columns of the files in addition to the ids, in their order."""


def prepare(
    companies: Iterable[CompanyRows], lists: Mapping[str, ClientList], folder: Path
) -> Path:
    """Write `companies.csv` and one file per split; closed companies are left out.

    Args:
        companies: The table, in chunks.
        lists: Client list of each of `SPLITS`, with truth.
        folder: Made where missing.

    Raises:
        SchemaError: A split is missing or has no truth.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "companies.csv").open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("company_id", *CANONICAL))
        for chunk in companies:
            records = chunk.records
            if any(chunk.closed_at):
                open_rows = [row for row, day in enumerate(chunk.closed_at) if not day]
                records = records.take(open_rows)
            lines.writerows(zip(records.ids, *canonical_columns(records), strict=True))
    for split in SPLITS:
        if split not in lists or lists[split].truth is None:
            raise SchemaError(f"peers need a {split} list with company_id, got {sorted(lists)}")
        _write_clients(folder / f"{split}.csv", lists[split])
    return folder


def prepare_sample(config: SampleConfig, folder: Path) -> Path:
    """Write the drawn table and its lists."""
    lists = {split: generate_clients(config, split) for split in SPLITS}
    return prepare(generate_companies(config), lists, folder)


def canonical_columns(records: RecordBatch) -> list[Sequence[str]]:
    """The columns of `CANONICAL` as texts, N each; codes that are 0 are missing."""
    batch = canonicalise(records)
    return [_texts(getattr(batch, name)) for name in CANONICAL]


def _texts(column: Iterable[object]) -> list[str]:
    return [
        "|".join(value) if isinstance(value, tuple) else str(value) if value else ""
        for value in column
    ]


def _write_clients(path: Path, clients: ClientList) -> None:
    columns = canonical_columns(clients.records)
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("client_id", "company_id", *CANONICAL))
        lines.writerows(zip(clients.records.ids, clients.truth or (), *columns, strict=True))
