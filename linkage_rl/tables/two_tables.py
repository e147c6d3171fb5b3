"""Reads datasets as DeepMatcher and Magellan publish them: two tables and labelled pairs of rows.

`tableA.csv` and `tableB.csv` have a column `id`; `train.csv`, `valid.csv` and `test.csv` have
`ltable_id`, `rtable_id` and `label` (1 or 0). Rows of table A are clients, those of table B
companies.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.csv_file import open_csv
from linkage_rl.tables.readers import CHUNK, ClientList
from linkage_rl.tables.schema import missing_column
from linkage_rl.tables.split import SPLITS

KEY: Final = "id"
PAIR: Final = ("ltable_id", "rtable_id", "label")


@dataclass(frozen=True)
class TwoTables:
    """A dataset of two tables as a company table and client lists."""

    companies: CompanyRows
    lists: dict[str, ClientList]
    """Client list of each split."""


def read_two_tables(folder: Path, schema: Schema) -> TwoTables:
    """Read a folder; its published splits of pairs become splits of clients.

    A client with a matching row goes to the last split that labels such a pair, any other client to
    the last split that labels one of its pairs, so no client is in two splits. Its truth is every
    row that any split labels as matching. Rows of table A without a labelled pair are left out.

    Args:
        folder: Folder of the five files.
        schema: How each column is compared.

    Raises:
        InputFileError: A file is missing or malformed, a label is neither 0 nor 1, or a pair
            names a row that its table lacks.
        SchemaError: A column is missing.
    """
    clients, companies = (_table(folder / f"table{side}.csv") for side in "AB")
    ids = companies.pop(KEY)
    split_of, truth = _labels(folder, clients[KEY], ids)
    records = schema.apply(clients.pop(KEY), clients, f"table {folder / 'tableA.csv'}")
    lists = {}
    for split in SPLITS:
        rows = [row for row, name in enumerate(records.ids) if split_of.get(name) == split]
        mine = records.take(rows)
        lists[split] = ClientList(mine, ["|".join(truth[name]) for name in mine.ids], {})
    empty = [""] * len(ids)
    rows_of_b = schema.apply(ids, companies, f"table {folder / 'tableB.csv'}")
    return TwoTables(CompanyRows(rows_of_b, updated_at=empty, closed_at=empty), lists)


def _labels(
    folder: Path, clients: Sequence[str], companies: Sequence[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The split of each client, and its right companies."""
    known = set(clients), set(companies)
    any_pair: dict[str, str] = {}
    right_pair: dict[str, str] = {}
    truth: dict[str, list[str]] = defaultdict(list)
    for split in SPLITS:
        path = folder / f"{split}.csv"
        columns = _columns(path, PAIR)
        for row, (left, right, label) in enumerate(zip(*(columns[n] for n in PAIR), strict=True)):
            if label not in ("0", "1") or left not in known[0] or right not in known[1]:
                raise InputFileError(
                    f"{path} pair {row + 1}: expected ids of tableA and tableB and a label 0 or "
                    f"1, got {left!r}, {right!r} and {label!r}; correct the pair"
                )
            any_pair[left] = split
            if label == "1":
                right_pair[left] = split
                if right not in truth[left]:
                    truth[left].append(right)
    return any_pair | right_pair, truth


def _table(path: Path) -> dict[str, Sequence[str]]:
    table = _columns(path, (KEY,))
    ids = table[KEY]
    if "" in ids or len(set(ids)) < len(ids):
        raise InputFileError(f"{path}: expected a different id in every row; correct column 'id'")
    return table


def _columns(path: Path, needed: Sequence[str]) -> dict[str, Sequence[str]]:
    """All columns of a file, among them the needed ones."""
    file = open_csv(path)
    for column in needed:
        if column not in file.header:
            raise SchemaError(missing_column(f"file {path}", column, file.header))
    columns: list[list[str]] = [[] for _ in file.header]
    for block in file.blocks(CHUNK):
        for texts, more in zip(columns, block, strict=True):
            texts.extend(more)
    return dict(zip(file.header, columns, strict=True))
