"""The clients that people are asked about, and the lists that judge what was learned from them.

A *stream* of train clients of both lists stands for the clients that a customer sends: nobody knows
their truth, except for those about which a reviewer is asked. The valid lists judge. Their cases
are prepared once under the settings of the run that learned on the own table.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.run_on_lists import LISTS, data_folder, settings_of
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.training.data import prepare
from linkage_rl.training.problem import view_of
from linkage_rl.training.settings import ListSettings, TableSettings

STREAM: Final = 20_000
"""Clients of the stream, of both lists in proportion to their length."""
UNLABELLED: Final = 2_000
"""Clients of the stream that nobody is asked about; they choose the threshold."""
MOVED: Final = "moved"
"""Part of the `drift` of a client that has moved, in the lists of `moves`."""


@dataclass(frozen=True, eq=False)
class ClickLists:
    """Prepared cases of the stream and of the lists that judge."""

    view: View
    stream: CaseSet
    """About whom a reviewer may be asked; `CaseSet.dataset` numbers `LISTS`."""
    valid: CaseSet
    """Whose labels only judge."""
    moved: dict[str, NDArray[np.bool_]]
    """By part, 'stream' and 'valid': whether each client has moved, shape (N,)."""

    def asked_about(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """A random split of the stream: clients to ask about, and those for the threshold."""
        order = np.random.default_rng(seed).permutation(len(self.stream))
        return order[UNLABELLED:], order[:UNLABELLED]


def open_lists(run: Path, folder: Path, table: TableSettings | None = None) -> ClickLists:
    """Read the cases, or prepare and keep them.

    Args:
        run: Training run whose table, blockers and slots are used.
        folder: Takes the lists and the cases; delete it to prepare them anew.
        table: In place of the run's own, as for a run that learned on another table.

    Raises:
        LinkageError: The run, the table or a list has a fault.
    """
    settings = settings_of(run)
    parts = {part: folder / "cases" / part for part in ("stream", "valid")}
    if not all((place / "cases.json").exists() for place in parts.values()):
        streams = {name: str(path) for name, path in zip(LISTS, write_streams(folder), strict=True)}
        valid = {name: str(data_folder() / f"{name}_valid.csv") for name in LISTS}
        clients = ListSettings(train=streams, valid=valid, test=valid)
        asked = replace(settings, clients=clients, table=table or settings.table)
        made = prepare(asked, ("train", "valid")).cases
        made["train"].save(parts["stream"])
        made["valid"].save(parts["valid"])
    stream, judged = (CaseSet.load(place) for place in parts.values())
    moved = {
        part: has_moved(cases, [data_folder() / f"{name}_{split}.csv" for name in LISTS])
        for part, cases, split in (("stream", stream, "train"), ("valid", judged, "valid"))
    }
    return ClickLists(view_of(settings), stream, judged, moved)


def write_streams(folder: Path, clients: int = STREAM) -> list[Path]:
    """Write random train clients, the files in the order of `LISTS`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, read = np.random.default_rng(0), [_read(name) for name in LISTS]
    total = sum(len(rows) for _, rows in read)
    written = []
    for name, (header, rows) in zip(LISTS, read, strict=True):
        drawn = np.sort(rng.permutation(len(rows))[: round(clients * len(rows) / total)])
        written.append(folder / f"{name}_stream.csv")
        with written[-1].open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([header, *(rows[at] for at in drawn)])
    return written


def _read(name: str) -> tuple[list[str], list[list[str]]]:
    with (data_folder() / f"{name}_train.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def has_moved(cases: CaseSet, files: Sequence[Path]) -> NDArray[np.bool_]:
    """Whether each client has moved, as the column `drift` of its list says, shape (N,).

    Args:
        cases: Their `dataset` numbers the files.
        files: The lists; one without the column says of nobody that they have moved.
    """
    moved: set[tuple[int, str]] = set()
    for place, file in enumerate(files):
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if MOVED in row.get("drift", ""):
                    moved.add((place, row["client_id"]))
    ids = cases.clients.take(np.arange(len(cases)))
    return np.array(
        [key in moved for key in zip(cases.dataset.tolist(), ids, strict=True)], dtype=np.bool_
    )


def without_moved(cases: CaseSet, moved: NDArray[np.bool_]) -> CaseSet:
    """The cases with the truth of a customer for whom a company that has moved is another one."""
    pairs = moved[cases.case_of_pair]
    return replace(
        cases, is_right=cases.is_right & ~pairs, has_row=np.array(cases.has_row) & ~moved
    )
