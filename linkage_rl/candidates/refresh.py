"""Keeps the saved index of a company database up to date: builds, loads and refreshes it."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sqlalchemy import URL
from tqdm.auto import tqdm

from linkage_rl.candidates.compared import is_untouched, noting
from linkage_rl.candidates.files import fault_of, replace_text, sync_folder
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.locking import index_lock
from linkage_rl.candidates.lost_columns import refuse_lost_columns
from linkage_rl.candidates.manifest import MANIFEST, read_manifest
from linkage_rl.candidates.mapping import REBUILD
from linkage_rl.candidates.storage import (
    is_of_other_program,
    load_index,
    save_index,
)
from linkage_rl.errors import CandidateIndexError, OutputError
from linkage_rl.tables.pages import CompanyPage
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.store import CompanyStore

_log = logging.getLogger(__name__)


def default_index_folder(url: URL, mapping: ColumnMapping = CANONICAL) -> Path:
    """Where the index of a company table is kept by default.

    Beside an SQLite file; for a server below `LINKAGE_RL_CACHE` (or `~/.cache/linkage_rl`), in a
    folder named by a hash of the address without its password. Another table, or other columns of
    it, have another index.
    """
    columns = "" if mapping == CANONICAL else repr(mapping)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return Path(
            f"{url.database}.{_name(columns)}.index" if columns else f"{url.database}.index"
        )
    name = _name(url.set(password=None).render_as_string() + columns)
    cache = os.environ.get("LINKAGE_RL_CACHE") or Path.home() / ".cache" / "linkage_rl"
    return Path(cache) / f"index-{name}"


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_index(
    store: CompanyStore,
    folder: Path,
    refresh: bool = True,
    progress: bool = True,
    same_code: bool = False,
    seed: Path | None = None,
) -> CompanyIndex:
    """The index of a database: loaded and refreshed, or built where none can be used.

    Only one program at a time builds or refreshes the index in a folder; the others wait.

    Args:
        store: The company database.
        folder: Where the index is kept.
        refresh: Whether to look for changes of the table.
        progress: Whether to show a bar while building.
        same_code: Whether an index is built again after any edit of the code that makes it; else
            only where its keys or n-grams differ from those of the running code.
        seed: Folder of an index of the same table at an earlier time, to start from where `folder`
            holds none.

    Raises:
        SchemaError: The table lacks a column that the index was built with.
        OutputError: The folder cannot be written, or belongs to another program.
    """
    _refuse_other_program(folder)
    if not refresh and (index := _loaded(folder, same_code)) is not None:
        refuse_lost_columns(index, store)
        return index
    with index_lock(folder):
        if seed is not None and (seed / MANIFEST).is_file():
            _seeded(folder, seed)
        index = _loaded(folder, same_code)
        if index is None:
            return _build(store, folder, progress)
        refuse_lost_columns(index, store)
        return _refreshed(index, store, folder, progress) if refresh else index


def _refuse_other_program(folder: Path) -> None:
    if is_of_other_program(folder):
        raise OutputError(
            f"expected a candidate index or no {MANIFEST} in {folder}, got the {MANIFEST} of "
            "another program; choose another folder with index=DIR"
        )


def _loaded(folder: Path, same_code: bool) -> CompanyIndex | None:
    """The saved index; None where there is none that can be used, with a warning for a bad one."""
    try:
        return load_index(folder, same_code=same_code)
    except CandidateIndexError as error:
        if (folder / MANIFEST).exists():
            problem = str(error).removesuffix(f"; {REBUILD}")
            _log.warning("building the index again: %s", problem)
        return None


def _seeded(folder: Path, known: Path) -> None:
    """Start from another index; a warning where it is one of an earlier version, or damaged."""
    try:
        seed_index(folder, known)
    except CandidateIndexError as error:
        problem = str(error).removesuffix(f"; {REBUILD}")
        _log.warning("building the index instead of starting from another one: %s", problem)


def _refreshed(
    index: CompanyIndex, store: CompanyStore, folder: Path, progress: bool
) -> CompanyIndex:
    if is_untouched(index, store, folder):
        return index
    return noting(store, folder, lambda: _compared(index, store, folder, progress))


def _compared(
    index: CompanyIndex, store: CompanyStore, folder: Path, progress: bool
) -> CompanyIndex:
    fresh, report = index.refresh(store, show=_shown(store) if progress else iter, folder=folder)
    if report.rebuilt:
        _log.info("index built again: %s", report.rebuilt)
        return _saved(fresh, folder)
    if fresh is not index:
        _log.info("index refreshed: %d companies changed, %d gone", report.changed, report.removed)
        report.stamps.report()
        save_index(fresh, folder)
    return fresh


def seed_index(folder: Path, known: Path) -> None:
    """Start an index folder from another one, which is only read: its files are linked to.

    Args:
        folder: The new folder; one that holds an index already is left unchanged.
        known: The index of the same table at an earlier time.

    Raises:
        CandidateIndexError: `known` holds no index.
        OutputError: The folder cannot be written.
    """
    if (folder / MANIFEST).is_file():
        return
    manifest = read_manifest(known)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (manifest.base, manifest.state):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to((known / name).resolve())
        sync_folder(folder)
        replace_text(folder / MANIFEST, (known / MANIFEST).read_text(encoding="utf-8"))
        sync_folder(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write the candidate index to {folder}: {fault_of(error)}; "
            "free space or choose another folder"
        ) from error


def build_index(store: CompanyStore, folder: Path, progress: bool = True) -> CompanyIndex:
    """Index the table from scratch and save it; an unreadable index in the folder is replaced.

    If another program has been building it meanwhile, its result is refreshed instead.

    Raises:
        OutputError: The folder cannot be written, or belongs to another program.
    """
    _refuse_other_program(folder)
    with index_lock(folder) as waited:
        index = _loaded(folder, same_code=False) if waited else None
        if index is None:
            return _build(store, folder, progress)
        refuse_lost_columns(index, store)
        return _refreshed(index, store, folder, progress)


def _build(store: CompanyStore, folder: Path, progress: bool) -> CompanyIndex:
    show = _shown(store) if progress else iter
    return noting(store, folder, lambda: _saved(CompanyIndex.of_table(store, show, folder), folder))


def _saved(built: CompanyIndex, folder: Path) -> CompanyIndex:
    """The index over its saved files, which it can share; those of the build are given back."""
    save_index(built, folder, built=True)
    return load_index(folder, verify=False)


def _shown(store: CompanyStore) -> Callable[[Iterable[CompanyPage]], Iterator[CompanyPage]]:
    """Shows a bar for the pages of a store while they are indexed."""

    def shown(pages: Iterable[CompanyPage]) -> Iterator[CompanyPage]:
        total = store.open_count()
        with tqdm(total=total, desc="indexing companies", unit="row", unit_scale=True) as bar:
            for page in pages:
                yield page
                bar.update(len(page.hashes))

    return shown
