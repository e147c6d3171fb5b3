"""From files to cases: the company table, its index, and the candidates of every client list.

A *case* is a client with its candidates, their features and the truth. Cases take minutes to
prepare for a large table, so they are kept in a cache that runs share.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from linkage_rl import tables
from linkage_rl.atomic import writing
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.candidates.versions import code_digest
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.truth import checked_truth
from linkage_rl.errors import SchemaError
from linkage_rl.locking import only_holder
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.augmentation import augment
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.readers import ClientList, open_clients, read_clients, read_companies
from linkage_rl.tables.sample import generate_clients, generate_companies
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.tables.split import SPLITS
from linkage_rl.tables.store import CompanyStore
from linkage_rl.tables.two_tables import read_two_tables
from linkage_rl.training.case_cache import CaseMaker, digest_of, stamp_of
from linkage_rl.training.own_table.drawn import DrawnDataset
from linkage_rl.training.own_table.lists import DrawnLists, drawn_lists
from linkage_rl.training.settings import ListSettings, RunSettings

_log = logging.getLogger(__name__)

LOCK: Final = "lock"
"""Held in a cache by the process that prepares there."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The index of a company table, and the cases of the client lists of a run."""

    index: CompanyIndex
    index_folder: Path
    datasets: tuple[str, ...]
    """Names of the datasets; dataset f of a case is datasets[f]."""
    cases: Mapping[str, CaseSet]
    """All cases of a split, by split name."""
    records: Mapping[str, RecordBatch]
    """The raw test clients of each dataset."""
    train_lists: CaseSet | None
    """The cases of `train` without noisy copies and drawn clients: whole lists, in which a company
    occurs as often as in practice. None unless `train` was asked for and has a list."""
    folders: Mapping[str, Sequence[tuple[str, Path]]] = field(default_factory=dict)
    """By split the dataset and the folder of each part of its cases, in their order."""
    drawn: Mapping[str, DrawnDataset] = field(default_factory=dict)
    """The datasets whose clients were drawn from the table, with what is known of them."""


def prepare(settings: RunSettings, splits: Sequence[str] = SPLITS) -> Prepared:
    """Load the table, build or refresh its index, and prepare the cases, or read the cached ones.

    Of several runs that start at once, one prepares while the others wait and then read.

    Args:
        settings: Of the run.
        splits: Splits whose cases are needed; a run that learns nothing needs none of `train`.

    Raises:
        LinkageError: A file, the database or the index has a fault, or the disk is full.
    """
    cache = Path(settings.cache)
    waiting = partial(_log.info, "waiting for another process, which prepares cases in %s", cache)
    with only_holder(cache / LOCK, waiting):
        return _prepare(settings, splits, cache)


def _prepare(settings: RunSettings, splits: Sequence[str], cache: Path) -> Prepared:
    lists = client_lists(settings)
    store, folder = open_table(settings)
    with store:
        store.check()
        index = open_index(store, folder, progress=settings.training.progress, same_code=True)
    lists = _with_checked_truth(lists, index)
    lists["augmented"] = _augmented(lists["train"], settings) if "train" in splits else {}
    made = CaseMaker(settings, cache, stamp_of(settings, folder))
    own = _drawn_lists(settings, index, made)
    known, drawn_from = (own.datasets, own.world.index) if own else ({}, index)
    datasets = (*lists["valid"], *known)
    cases, folders, train_lists = {}, {}, None
    for split in splits:
        whole = [
            (dataset, made.folder(index, clients, dataset, split))
            for dataset, clients in lists[split].items()
        ]
        noisy = [
            (dataset, made.folder(index, clients, dataset, "augmented"))
            for dataset, clients in (lists["augmented"] if split == "train" else {}).items()
        ]
        drawn = [
            (dataset, made.folder(drawn_from, clients, dataset, f"drawn-{split}"))
            for dataset, clients in (own.lists[split] if own else {}).items()
        ]
        folders[split] = [*whole, *noisy, *drawn]
        cases[split] = _joined(folders[split], datasets)
        if split == "train" and whole:
            train_lists = _joined(whole, datasets)
    records = {dataset: clients.records for dataset, clients in lists["test"].items()}
    if own:
        records |= {dataset: clients.records for dataset, clients in own.lists["test"].items()}
    return Prepared(
        index,
        folder,
        datasets,
        cases,
        records,
        train_lists,
        folders,
        known,
    )


def _lists_without_labels(settings: RunSettings) -> dict[str, tuple[str, RecordBatch]]:
    """Dataset to file and clients of the lists that drawn clients are to resemble."""
    table = settings.table
    if table.two_tables and not settings.clients.like_files:
        split = read_two_tables(Path(table.two_tables), settings.schema).lists.values()
        clients = RecordBatch.concatenate([part.records for part in split])
        return {settings.schema.name: (table.two_tables, clients)}
    return {
        dataset: (file, _read(Path(file), settings.clients).records)
        for dataset, file in settings.clients.like_files.items()
    }


def _joined(parts: Sequence[tuple[str, Path]], datasets: Sequence[str]) -> CaseSet:
    """The cases in these folders, each with the number of its dataset."""
    return join_cases(
        [CaseSet.load(part) for _, part in parts],
        [datasets.index(dataset) for dataset, _ in parts],
    )


def _drawn_lists(settings: RunSettings, index: CompanyIndex, made: CaseMaker) -> DrawnLists | None:
    """Clients drawn from the table; None where the run has labels only."""
    if not settings.clients.draws:
        return None
    return drawn_lists(
        index,
        _lists_without_labels(settings),
        settings.schema,
        settings.own_table,
        lambda some, clients, dataset, purpose: CaseSet.load(
            made.folder(some, clients, dataset, purpose)
        ),
    )


def balanced(cases: CaseSet, balance: float) -> CaseSet:
    """The cases, with those of small datasets repeated so that they count beside a large one.

    A dataset of n cases is repeated (size of the largest / n) ** balance times, rounded.
    """
    sizes = np.bincount(cases.dataset)
    repeats = np.rint((sizes.max() / np.maximum(sizes, 1)) ** balance).astype(np.int64)
    if (repeats[sizes > 0] == 1).all():
        return cases
    return cases.take(np.repeat(np.arange(len(cases)), repeats[cases.dataset]))


def open_table(settings: RunSettings) -> tuple[CompanyStore, Path]:
    """The company database, loaded first if it is empty, and the folder of its index."""
    table = settings.table
    in_cache = not table.database
    if not in_cache:
        url = parse_url(table.database)
    else:
        name = digest_of(
            f"{table.source}{json.dumps(asdict(table.sample), sort_keys=True)}"
            + (f"{Path(table.two_tables).resolve()}{settings.schema}" if table.two_tables else "")
            # a sample made by other code has other companies than the client lists of today
            + ("" if table.source or table.two_tables else code_digest(tables))
        )
        path = Path(settings.cache) / f"{table.name}-{name[:12]}.sqlite"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        url = parse_url(f"sqlite:///{path}")
    store = CompanyStore(url, CANONICAL if in_cache or table.source else table.mapping)
    if in_cache or table.source:
        store.create()
        if store.count() == 0:
            _log.info("loading companies into %r", store)
            store.load(_chunks(settings))
    folder = Path(table.index) if table.index else default_index_folder(url, store.mapping)
    return store, folder


def _chunks(settings: RunSettings) -> Iterable[CompanyRows]:
    """The companies to load."""
    table = settings.table
    if table.two_tables:
        return [read_two_tables(Path(table.two_tables), settings.schema).companies]
    if table.source:
        return read_companies(Path(table.source), table.mapping)
    return generate_companies(table.sample)


def client_lists(settings: RunSettings) -> dict[str, dict[str, ClientList]]:
    """The client list of each dataset, by split and then by dataset.

    Raises:
        SchemaError: A list has no column with the truth.
    """
    if settings.clients.own and not settings.clients.valid:
        return {split: {} for split in SPLITS}
    if settings.table.two_tables:
        folder = Path(settings.table.two_tables)
        lists = read_two_tables(folder, settings.schema).lists
        return {split: {settings.schema.name: clients} for split, clients in lists.items()}
    if not settings.clients.valid and settings.clients.draws:
        return {split: {} for split in SPLITS}
    if not settings.clients.valid:
        sample = settings.table.sample
        return {split: {"sample": generate_clients(sample, split)} for split in SPLITS}
    named: dict[str, dict[str, ClientList]] = {}
    for split in SPLITS:
        files: Mapping[str, str] = getattr(settings.clients, split)
        named[split] = {
            dataset: _read(Path(file), settings.clients) for dataset, file in files.items()
        }
        for dataset, clients in named[split].items():
            if clients.truth is None:
                raise SchemaError(
                    f"client list {files[dataset]} needs the column 'company_id' with the right "
                    "company of each client, empty where there is none"
                )
    return named


def _read(path: Path, settings: ListSettings) -> ClientList:
    """A client list; the log says how it is read where it is not as most are."""
    how: dict[str, Any] = {
        "encoding": settings.encoding,
        "sheet": settings.sheet,
        "header_row": settings.header_row,
    }
    if said := str(open_clients(path, settings.mapping, **how)):
        _log.info("%s", said)
    return read_clients(path, settings.mapping, **how)


def _with_checked_truth(
    lists: Mapping[str, Mapping[str, ClientList]], index: CompanyIndex
) -> dict[str, dict[str, ClientList]]:
    """The lists without truths that mean that there is none; the log counts unknown ones.

    Raises:
        SchemaError: The truths of a list are not ids of the table.
    """
    checked: dict[str, dict[str, ClientList]] = {}
    for split, named in lists.items():
        checked[split] = {}
        for dataset, clients in named.items():
            what = f"client list {dataset} {split}"
            truth, warning = checked_truth(clients.truth or [""] * len(clients), index, what)
            if warning:
                _log.warning("%s", warning)
            checked[split][dataset] = replace(clients, truth=truth)
    return checked


def _augmented(lists: Mapping[str, ClientList], settings: RunSettings) -> dict[str, ClientList]:
    """Noisy copies of training clients, by dataset; the same for every seed of a run."""
    if not settings.clients.augmented:
        return {}
    augmented = {}
    for dataset, clients in lists.items():
        records, rows = augment(
            clients.records,
            settings.clients.augmented,
            settings.clients.augmentation,
            np.random.default_rng(len(clients)),
        )
        truth = clients.truth or [""] * len(clients)
        augmented[dataset] = ClientList(records, [truth[row] for row in rows], {})
    return augmented
