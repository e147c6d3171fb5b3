"""The clients that people are asked about, and the lists that judge what was learned from them.

A *stream* of train clients of both lists stands for the clients that a customer sends: nobody knows
their truth, except for those about which a reviewer is asked. The valid lists judge. Their cases
are prepared once under the settings of the run that learned on the own table.
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.run_on_lists import LISTS, data_folder, settings_of
from experiments.tools.click_split import asked_about
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.training.data import prepare
from linkage_rl.training.problem import view_of
from linkage_rl.training.settings import ListSettings, TableSettings

STREAM: Final = 20_000
"""Clients of the stream, of both lists in proportion to their length."""
_CITY: Final = ("city_equal", "city_missing")


@dataclass(frozen=True, eq=False)
class ClickLists:
    """Prepared cases of the stream and of the lists that judge."""

    view: View
    stream: CaseSet
    """About whom a reviewer may be asked; `CaseSet.dataset` numbers `LISTS`."""
    valid: CaseSet
    """Whose labels only judge."""

    def asked_about(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Clients of the stream to ask about, in random order, and those for the threshold."""
        return asked_about(len(self.stream), seed)


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
    return ClickLists(view_of(settings), *(CaseSet.load(place) for place in parts.values()))


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


def without_moved(cases: CaseSet) -> CaseSet:
    """The cases with the truth of a customer for whom a company in another city is another one.

    Where the right company is not among the candidates, nobody can tell whether it has moved: such
    clients keep their truth, and are missed under either convention.
    """
    features = {name: cases.features[:, cases.feature_names.index(name)] for name in _CITY}
    stayed = (features["city_equal"] > 0) | (features["city_missing"] > 0)
    keeps = cases.is_right & stayed
    case = cases.case_of_pair
    moved = np.zeros(len(cases), dtype=np.bool_)
    moved[case[cases.is_right & ~stayed]] = True
    moved[case[keeps]] = False
    return replace(cases, is_right=keeps, has_row=np.array(cases.has_row) & ~moved)
