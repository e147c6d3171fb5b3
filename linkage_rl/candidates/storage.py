"""A candidate index on disk: one file of arrays per segment, mapped into memory when loaded.

The base segment is written once; a refresh writes only the segment of changes, the rows that are
still current, and what follows from both. Arrays are on the disk before the manifest names them,
and it is replaced last, so a reader sees the old or the new state, even after a power cut.
"""

import shutil
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.container import read_arrays, write_arrays
from linkage_rl.candidates.files import (
    fault_of,
    file_digest,
    make_folder,
    replace_text,
    sealed,
    sync_folder,
)
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.known_pages import KnownPages
from linkage_rl.candidates.layout import DERIVED, fingerprint, named_arrays, segment_of
from linkage_rl.candidates.manifest import (
    ARRAYS,
    FORMAT,
    MANIFEST,
    OWN,
    IndexManifest,
    manifest_content,
    read_manifest,
)
from linkage_rl.candidates.mapping import (
    REBUILD,
    Opener,
    damaged,
    open_unverified,
    open_verified,
)
from linkage_rl.candidates.offices import OfficeTable
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import Segment
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.candidates.validation import find_fault
from linkage_rl.candidates.versions import Versions
from linkage_rl.errors import CandidateIndexError, OutputError

_ATTEMPTS: Final = 10
"""At loading an index whose manifest another process replaces each time."""


def save_index(index: CompanyIndex, folder: Path, *, built: bool = False) -> None:
    """Write the index; a base that is in the folder already, and whole, is not written again.

    Args:
        index: The index.
        folder: Where it is kept.
        built: Whether the running code built the base, even if an equal one is in the folder.

    Raises:
        OutputError: The disk is full or the folder cannot be written; an older index there is
            still complete.
    """
    segment = index.base
    name = f"base-{fingerprint(segment)}{ARRAYS}"
    try:
        make_folder(folder)
        previous = _previous(folder)
        versions = _versions_of(segment)
        if previous is not None and _is_whole(folder, previous, name):
            # the code that built the base may be older than the code that refreshed it
            if not built:
                versions = replace(versions, code=previous.versions.code)
            checksums = {name: previous.checksums[name]}
        else:
            arrays = named_arrays(segment)
            kept = {key: array for key, array in arrays.items() if key not in DERIVED}
            checksums = {name: _write(folder, name, kept)}
        state = f"state-{_next_state(folder)}{ARRAYS}"
        checksums[state] = _write(folder, state, _state_arrays(index))
        # its arrays and their names are on the disk before the manifest names them
        sync_folder(folder)
        manifest = {
            "format": FORMAT,
            "base": name,
            "state": state,
            "hashing": index.known.hashing,
            "table": index.state,
            "latest_stamp": index.latest_stamp,
            "companies": len(index),
            "versions": asdict(versions),
            "checksums": checksums,
        }
        replace_text(folder / MANIFEST, sealed(manifest))
        sync_folder(folder)
        _remove_unused(folder, {name, state})
    except OSError as error:
        raise OutputError(
            f"cannot write the candidate index to {folder}: {fault_of(error)}; "
            "free space or choose another folder with index=DIR"
        ) from error


def is_of_other_program(folder: Path) -> bool:
    """Whether the folder has a manifest that is not, and never was, one of an index.

    Raises:
        CandidateIndexError: The folder may not be read.
    """
    try:
        manifest = manifest_content(folder)
    except CandidateIndexError:
        manifest = {}
    if manifest is None or "state" in manifest:
        return False
    try:
        return not _own_names(folder)
    except OSError as error:
        raise CandidateIndexError(
            f"cannot read the folder {folder} of the candidate index: {fault_of(error)}; "
            "check its permissions, or choose another folder with index=DIR"
        ) from error


def load_index(
    folder: Path,
    verify: bool = True,
    keys: Collection[str] | None = None,
    same_code: bool = False,
    open_file: Opener | None = None,
) -> CompanyIndex:
    """Map a saved index into memory.

    Args:
        folder: Where `save_index` wrote it.
        verify: Whether to compare every file with its checksum (about 0.2 s per GB when cached).
        keys: Keys that will be searched, by name; None for every one of `keys.KEYS`. Keys that
            the index holds otherwise than the running code makes them are left out.
        same_code: Whether the sources of `text` and `candidates` must be exactly those that built
            the index, comments included.
        open_file: Maps the files in place of `verify`, such as `copies.PrivateCopies`.

    Raises:
        CandidateIndexError: The folder holds no index, a damaged one, one of another format, or
            one whose keys or n-grams were made otherwise than the running code makes them.
        ResourceLimitError: The system has no descriptor or no memory left.
    """
    opener = open_file or (open_verified if verify else open_unverified)
    for _ in range(_ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            return _load(folder, manifest, keys, same_code, opener)
        except CandidateIndexError as error:
            fault = error
            # a refresh deletes the files of the manifest before its own
            if read_manifest(folder) == manifest:
                break
    raise fault


def _load(
    folder: Path,
    manifest: IndexManifest,
    keys: Collection[str] | None,
    same_code: bool,
    opener: Opener,
) -> CompanyIndex:
    """The index that a manifest describes."""
    saved, current = manifest.versions, Versions.current()
    difference = current.difference(saved, keys)
    if same_code and not difference and saved.code != current.code:
        difference = "the source of linkage_rl.text or linkage_rl.candidates was edited since"
    if difference:
        raise CandidateIndexError(
            f"the index in {folder} does not fit this version of the library: {difference}; "
            f"{REBUILD}"
        )
    # first the state, which a refresh deletes, while the base takes its time
    state = _read(folder, manifest, manifest.state, opener)
    base = _read(folder, manifest, manifest.base, opener)
    try:
        index = _index_of(base, state, manifest, current.usable_keys(saved))
    except KeyError as error:
        raise damaged(folder / manifest.state) from error
    if fault := find_fault(index, keys):
        raise CandidateIndexError(f"the index in {folder} is damaged: {fault}; {REBUILD}")
    return index


def _index_of(
    base: dict[str, NDArray[Any]],
    state: dict[str, NDArray[Any]],
    manifest: IndexManifest,
    keys: Collection[str],
) -> CompanyIndex:
    """The index of these arrays, with those of its keys that are named."""
    derived = {name: state[name] for name in DERIVED}
    segment = segment_of(base | derived, keys)
    parts = [Part(segment, _own(state["alive"]), 0, state.get("counts", segment.counts))]
    if "changes.alive" in state:
        changes = segment_of(state | {"changes.idf": segment.idf}, keys, "changes.")
        alive = _own(state["changes.alive"])
        parts.append(Part(changes, alive, len(segment), changes.counts))
    offices = OfficeTable(state["offices.keys"], state["offices.shares"])
    known = _known(state, manifest)
    return CompanyIndex(tuple(parts), offices, known, manifest.latest_stamp)


def _state_arrays(index: CompanyIndex) -> dict[str, NDArray[Any]]:
    """Everything but the base segment."""
    base, changes = index.parts[0], index.parts[1:]
    arrays = {name: getattr(base.segment, name) for name in DERIVED}
    arrays |= {"alive": base.alive} | named_arrays(index.offices, "offices.")
    arrays |= named_arrays(index.known, "known.")
    if base.counts is not base.segment.counts:
        arrays["counts"] = base.counts
    for part in changes:
        segment = named_arrays(replace(part.segment, counts=part.counts), "changes.")
        # the weights are those of the base
        del segment["changes.idf"]
        arrays |= {"changes.alive": part.alive} | segment
    return arrays


def _known(state: dict[str, NDArray[Any]], manifest: IndexManifest) -> KnownPages:
    if "known.ends" not in state:
        return KnownPages.none()
    return KnownPages(
        manifest.hashing,
        state["known.companies"],
        state["known.hashes"],
        state["known.ends"],
        StringColumn(state["known.bounds.offsets"], state["known.bounds.blob"]),
    )


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """A copy in memory: kernels want it writable, and a refresh replaces its file."""
    return np.array(array)


def _versions_of(segment: Segment) -> Versions:
    """Those of the running code, for the keys that the segment holds."""
    current = Versions.current()
    held = {name: version for name, version in current.keys.items() if name in segment.keys}
    return replace(current, keys=held)


def _read(
    folder: Path, manifest: IndexManifest, name: str, open_file: Opener
) -> dict[str, NDArray[Any]]:
    """The arrays of the base or of the state."""
    return read_arrays(open_file(folder / name, manifest.checksums[name]), folder / name)


def _write(folder: Path, name: str, arrays: dict[str, NDArray[Any]]) -> str:
    """Write arrays below a temporary name, move them into place, return their checksum."""
    target, partial = folder / name, folder / f"{name}.partial"
    try:
        # sorted, so that equal indexes have equal files in whatever order keys were added
        digest = write_arrays(partial, dict(sorted(arrays.items())))
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return digest


def _previous(folder: Path) -> IndexManifest | None:
    """The manifest of the index that is in the folder, None where there is none of any use."""
    try:
        return read_manifest(folder)
    except CandidateIndexError:
        return None


def _is_whole(folder: Path, manifest: IndexManifest, base: str) -> bool:
    """Whether the index has this base, in a file that is still as it was written."""
    path = folder / base
    if manifest.base != base or not path.is_file():
        return False
    try:
        return file_digest(path) == manifest.checksums[base]
    except OSError:
        return False


def _next_state(folder: Path) -> int:
    numbers = [name.split(".")[0].split("-")[1] for name in _own_names(folder) if name[0] == "s"]
    return max(map(int, numbers), default=0) + 1


def _remove_unused(folder: Path, used: set[str]) -> None:
    """Delete old states; a process that has them mapped keeps reading its own open files."""
    for name in _own_names(folder) - used:
        _remove(folder / name)


def _own_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if OWN.fullmatch(path.name)}


def _remove(path: Path) -> None:
    """Delete a file of arrays, or a folder of them; of one that is linked to, the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
