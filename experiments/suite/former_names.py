"""A company table that knows the former names of some of its companies.

The tax agency's daily differences contain former names, and the lists of moves were made from them.
Giving the table the names of those clients shows what former names add on another list. Moves
themselves cannot be judged that way: the table would hold the answers.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from linkage_rl.errors import ConfigError
from linkage_rl.tables.readers import read_clients
from linkage_rl.tables.split import SPLITS
from linkage_rl.train import TrainSettings


def with_former_names(settings: TrainSettings, dataset: str) -> TrainSettings:
    """The settings with a copy of the table that has the names of these clients as former names.

    The copy and its database are made once, in the cache. That the blocker `former_name` is on is
    left to the settings.

    Args:
        settings: With a Parquet file as the source of the table.
        dataset: Name of the lists, beside the source of the table.
    """
    folder = Path(settings.cache) / f"former_names_{dataset}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "companies.parquet"
    if not file.exists():
        table = pq.read_table(settings.table.source)
        former = former_names(list_files(settings, dataset))
        ids, names = table["company_id"].to_pylist(), table["name"].to_pylist()
        column = [
            "|".join(sorted(former.get(company_id, set()) - {name}))
            for company_id, name in zip(ids, names, strict=True)
        ]
        pq.write_table(table.append_column("former_names", pa.array(column)), file)
    table_settings = replace(
        settings.table,
        name=f"{settings.table.name}_former_names",
        source=str(file),
        database=f"sqlite:///{folder}/companies.db",
        index="",
    )
    return replace(settings, table=table_settings)


def list_files(settings: TrainSettings, dataset: str) -> list[str]:
    """The client lists of a dataset, beside the source of the table; none for the dataset ''.

    Raises:
        ConfigError: The table has no source file.
    """
    if not dataset:
        return []
    if not settings.table.source:
        raise ConfigError(
            f"former_names={dataset} needs table.source, a Parquet file with the lists "
            f"{dataset}_train.csv, {dataset}_valid.csv and {dataset}_test.csv beside it"
        )
    source = Path(settings.table.source).expanduser()
    return [str(source.with_name(f"{dataset}_{split}.csv")) for split in SPLITS]


def former_names(lists: Sequence[str]) -> dict[str, set[str]]:
    """Company id to the names by which the clients of these lists know it."""
    former: dict[str, set[str]] = defaultdict(set)
    for file in lists:
        clients = read_clients(Path(file))
        names = clients.records.column("name")
        for name, company_id in zip(names, clients.truth or (), strict=True):
            if company_id:
                former[company_id].add(name)
    return former
