"""`python -m experiments.suite.no_labels_runs`: the training runs that `no_labels` judges.

Every condition is the preset `jp_own` with a few overrides, run with every seed; a finished run is
skipped and an interrupted one goes on. The lists that clients are made to resemble are written
without their labels first, so that no run can read one.
"""

import argparse
import csv
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from experiments.suite.run_on_lists import LISTS, data_folder
from linkage_rl.config.command import say
from linkage_rl.training.run_folder import CHECKPOINTS, MANIFEST

FOLDER: Final = Path("outputs/no_labels")
LABELS: Final = ("company_id", "drift", "noise")
"""Columns of a list that a user without labels does not have."""
FEW: Final = 300
"""Clients of a short list."""
LABELLED: Final = (100, 300, 1_000)
"""Labelled clients of each list that are learned from on top."""
VALID_SHARE: Final = 1 / 3
"""Share of the few labelled clients that choose; the others are learned from."""


@dataclass(frozen=True)
class Condition:
    """What a run differs in from the full recipe."""

    question: str
    overrides: Sequence[str] = ()
    """Of `linkage_rl.train`; `{lists}` is the folder of the lists."""
    like: Sequence[str] = LISTS
    """Lists without labels that the drawn clients resemble, each a file of the folder."""
    labelled: dict[str, str] = field(default_factory=dict)
    """Dataset to the start of the names of its labelled files."""


def _labels_on_top(count: int) -> Condition:
    names = {f"{name}_labelled": f"{name}_{count}" for name in LISTS}
    return Condition(f"{count} labelled clients of each list on top", labelled=names)


CONDITIONS: Final[dict[str, Condition]] = {
    "full": Condition("the table and the unlabelled lists"),
    "no_estimate": Condition("rates of noise are not estimated", ["own_table.broad=0"]),
    "no_likeness": Condition(
        "fields and address style are not those of the list", ["own_table.likeness=false"]
    ),
    "moved_from_anywhere": Condition(
        "former places are of any hidden row", ["own_table.near_places=false"]
    ),
    "no_self_training": Condition(
        "no client of the list is learned", ["own_table.self_training=false"]
    ),
    "no_office": Condition(
        "a table without corporate numbers: no registry office",
        ["table.source=", "table.mapping.corporate_number=''", "table.index={lists}/no_office"],
    ),
    "list_300": Condition(
        f"{FEW} clients of each list", like=tuple(f"{name}_{FEW}" for name in LISTS)
    ),
    "no_list": Condition("the table alone", like=()),
    **{f"labels_{count}": _labels_on_top(count) for count in LABELLED},
    "adapted_to_payees": Condition(
        "labels of moves, and payees without labels",
        like=["payees"],
        labelled={"moves_labelled": "moves"},
    ),
    "adapted_to_moves": Condition(
        "labels of payees, and moves without labels",
        like=["moves"],
        labelled={"payees_labelled": "payees"},
    ),
    "labels_of_moves": Condition(
        "labels of moves alone", ["clients.own=false"], (), {"moves_labelled": "moves"}
    ),
    "labels_of_payees": Condition(
        "labels of payees alone", ["clients.own=false"], (), {"payees_labelled": "payees"}
    ),
}
"""Conditions by name; the first is what the others are compared with."""
TWO_TABLES: Final = {
    "dblp_acm": ("citation", "DBLP-ACM"),
    "amazon_google": ("product", "Amazon-Google"),
    "walmart_amazon": ("product", "Walmart-Amazon"),
    "beer": ("product", "Beer"),
    "fodors_zagats": ("restaurant", "Fodors-Zagats"),
    "febrl": ("person", "FEBRL"),
}
"""Sets of two tables by name: schema, and folder in `outputs/two_tables`."""


def main() -> None:
    """Write the lists, and run what has not been run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("overrides", nargs="*", help="of linkage_rl.train, for every run")
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=[*CONDITIONS, *TWO_TABLES],
        default=[*CONDITIONS],
        help="conditions of the real lists, or sets of two tables",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--split", choices=["valid", "test"], default="valid")
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    asked = parser.parse_args()
    lists = write_lists(FOLDER / "lists" / asked.split, asked.split)
    runs = FOLDER / "runs" / asked.split
    wanted = [(name, seed) for seed in asked.seeds for name in asked.conditions]
    with ThreadPoolExecutor(asked.jobs) as pool:
        commands = (
            command_of(name, seed, runs / name / str(seed), lists, asked.overrides)
            for name, seed in wanted
        )
        folders = (runs / name / str(seed) for name, seed in wanted)
        done = list(tqdm(pool.map(_run, commands, folders), total=len(wanted), unit="run"))
    # sets of two tables are lists of one condition
    labels = {name: "own table" if name in TWO_TABLES else name for name in asked.conditions}
    words = " ".join(f"'{label}={runs / name}/?'" for name, label in labels.items())
    failed = [f"{name} {seed}" for (name, seed), ok in zip(wanted, done, strict=True) if not ok]
    say(f"failed: {', '.join(failed) or 'none'}")
    say(f"python -m experiments.suite.no_labels --split {asked.split} {words}")


def command_of(
    name: str, seed: int, folder: Path, lists: Path, overrides: Sequence[str]
) -> list[str]:
    """The training command of a condition or of a set of two tables.

    Args:
        name: One of `CONDITIONS` or `TWO_TABLES`.
        seed: Of the run.
        folder: The run folder; one with a checkpoint is resumed.
        lists: What `write_lists` wrote.
        overrides: Those of every run, before those of the condition.
    """
    own = _two_tables_words(name) if name in TWO_TABLES else ["experiment=jp_own"]
    condition = CONDITIONS.get(name)
    begun = any((folder / CHECKPOINTS).glob("*"))
    return [
        *(sys.executable, "-m", "linkage_rl.train", *own),
        *(f"seed={seed}", "training.progress=false", *overrides),
        *(_condition_words(condition, lists) if condition else ()),
        f"resume={folder}" if begun else f"hydra.run.dir={folder}",
    ]


def _two_tables_words(name: str) -> list[str]:
    schema, folder = TWO_TABLES[name]
    return [
        *(f"schema={schema}", "lists=own", f"table.name={name}"),
        f"table.two_tables=outputs/two_tables/{folder}",
    ]


def _condition_words(condition: Condition, lists: Path) -> list[str]:
    # the preset has all lists, and a given one only takes the place of its own
    absent = [name for name in LISTS if not any(file.startswith(name) for file in condition.like)]
    like = {file.partition("_")[0]: lists / f"{file}.csv" for file in condition.like}
    words = [f"~clients.like.{name}" for name in absent] if like else ["clients.like="]
    words += [f"clients.like.{name}={file}" for name, file in like.items()]
    for split in ("train", "valid", "test") if condition.labelled else ():
        # nothing is read of test: the figures of the page are of the real lists
        part = "train" if split == "train" else "chosen"
        files = ", ".join(
            f"{dataset}: {lists / stem}_{part}.csv" for dataset, stem in condition.labelled.items()
        )
        words.append(f"clients.{split}={{{files}}}")
    return [*words, *(word.format(lists=lists) for word in condition.overrides)]


def _run(command: Sequence[str], folder: Path) -> bool:
    """Run a command unless its run is finished; whether it ended well."""
    if (folder / MANIFEST).exists():
        return True
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".log").open("w", encoding="utf-8") as log:
        return not subprocess.run(command, stdout=log, stderr=log, check=False).returncode


def write_lists(folder: Path, split: str) -> Path:
    """Write the lists of a split without labels, short ones, and labelled ones of train.

    Args:
        folder: Takes `moves.csv`, `moves_300.csv`, `moves_{train,chosen}.csv`,
            `moves_100_{train,chosen}.csv`, ... and those of payees.
        split: Of the unlabelled lists; labels are always of train and, where all are taken, of
            valid.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in LISTS:
        header, rows = _read(data_folder() / f"{name}_{split}.csv")
        kept = [at for at, column in enumerate(header) if column not in LABELS]
        bare = [[row[at] for at in kept] for row in rows]
        bare_header = [header[at] for at in kept]
        _write(folder / f"{name}.csv", bare_header, bare)
        few = np.sort(rng.permutation(len(bare))[:FEW])
        _write(folder / f"{name}_{FEW}.csv", bare_header, [bare[at] for at in few])
        labelled = {
            part: _read(data_folder() / f"{name}_{part}.csv") for part in ("train", "valid")
        }
        for part, file in (("train", "train"), ("valid", "chosen")):
            _write(folder / f"{name}_{file}.csv", *labelled[part])
        header, rows = labelled["train"]
        order = rng.permutation(len(rows))
        for count in LABELLED:
            first = round(count * VALID_SHARE)
            for file, places in (("chosen", order[:first]), ("train", order[first:count])):
                _write(folder / f"{name}_{count}_{file}.csv", header, [rows[at] for at in places])
    return folder


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


if __name__ == "__main__":
    main()
