"""A candidate index on disk: one `.npy` file per array, mapped into memory when loaded.

The base segment is written once; a refresh writes only the segment of changes and the flags of rows
that are still current. The manifest is replaced last, so a reader sees the old or the new state.
"""

import re
import shutil
from collections.abc import Collection
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from linkage_rl.candidates.encode import Documents
from linkage_rl.candidates.files import (
    fault_of,
    file_digest,
    map_array,
    replace_text,
    sealed,
    unsealed,
)
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.known_pages import KnownPages
from linkage_rl.candidates.offices import OfficeTable
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import KeyIndex, Segment
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.candidates.versions import Versions
from linkage_rl.errors import CandidateIndexError, OutputError

FORMAT: Final = 4
"""Version of the folder's layout."""
READABLE: Final = (3, FORMAT)
"""Versions that can be read. An index of version 3, as older bundles hold it, can be searched; it
knows no hashes of rows, so that a refresh builds it anew."""
MANIFEST: Final = "manifest.json"
_OWN: Final = re.compile(r"(base-[0-9a-f]{16}|state-[0-9]+)(\.partial)?")
"""Names of the folders of an index."""
REBUILD: Final = "build it again with `python -m linkage_rl.companies`"
"""What to do about an index that cannot be read."""


def save_index(index: CompanyIndex, folder: Path, *, built: bool = False) -> None:
    """Write the index; a base that is in the folder already is not written again.

    Args:
        index: The index.
        folder: Where it is kept.
        built: Whether the running code built the base, even if an equal one is in the folder.

    Raises:
        OutputError: The disk is full or the folder cannot be written; an older index there is
            still complete.
    """
    base, changes = index.parts[0], index.parts[1:]
    name = f"base-{_fingerprint(base.segment)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        previous = _read_manifest(folder)
        checksums: dict[str, str] = {}
        versions = _versions_of(base.segment)
        if previous is not None and previous["base"] == name and previous["format"] == FORMAT:
            # the code that built the base may be older than the code that refreshed it
            if not built:
                versions = replace(versions, code=previous["versions"]["code"])
            checksums |= {
                file: digest
                for file, digest in previous["checksums"].items()
                if file.startswith(f"{name}/")
            }
        else:
            checksums |= _write(folder, name, _flatten(base.segment))
        state = f"state-{_next_state(folder)}"
        arrays = {"alive": base.alive} | _flatten(index.offices, "offices.")
        arrays |= _flatten(index.known, "known.")
        if base.counts is not base.segment.counts:
            arrays["counts"] = base.counts
        for part in changes:
            segment = replace(part.segment, idf=np.zeros(0, np.float32), counts=part.counts)
            arrays |= {"changes.alive": part.alive} | _flatten(segment, "changes.")
        checksums |= _write(folder, state, arrays)
        manifest = {
            "format": FORMAT,
            "base": name,
            "state": state,
            "hashing": index.known.hashing,
            "table": index.state,
            "latest_stamp": index.latest_stamp,
            "companies": len(index),
            "versions": asdict(versions),
            # sorted, so that equal indexes have equal manifests in whatever order keys were added
            "checksums": dict(sorted(checksums.items())),
        }
        replace_text(folder / MANIFEST, sealed(manifest))
        _remove_unused(folder, {name, state})
    except OSError as error:
        raise OutputError(
            f"cannot write the candidate index to {folder}: {fault_of(error)}; "
            "free space or choose another folder with index=DIR"
        ) from error


def remove_index(folder: Path) -> None:
    """Delete an index, whatever state it is in; other files of the folder are kept."""
    (folder / MANIFEST).unlink(missing_ok=True)
    _remove_unused(folder, set())


def is_of_other_program(folder: Path) -> bool:
    """Whether the folder has a manifest that is not, and never was, one of an index."""
    try:
        manifest = _read_manifest(folder)
    except CandidateIndexError:
        return not _own_names(folder)
    return manifest is not None and "state" not in manifest and not _own_names(folder)


def saved_folders(folder: Path) -> tuple[str, str]:
    """Names of the folders that hold the base and the changes of a saved index.

    Raises:
        CandidateIndexError: There is no index, or its manifest is damaged.
    """
    manifest = _manifest(folder)
    return manifest["base"], manifest["state"]


def load_index(
    folder: Path,
    verify: bool = True,
    keys: Collection[str] | None = None,
    same_code: bool = False,
) -> CompanyIndex:
    """Map a saved index into memory.

    Args:
        folder: Where `save_index` wrote it.
        verify: Whether to compare every file with its checksum (about 0.2 s per GB when cached).
        keys: Keys that will be searched, by name; None for every one of `keys.KEYS`. Keys that
            the index holds otherwise than the running code makes them are left out.
        same_code: Whether the sources of `text` and `candidates` must be exactly those that built
            the index, comments included.

    Raises:
        CandidateIndexError: The folder holds no index, a damaged one, one of another format, or
            one whose keys or n-grams were made otherwise than the running code makes them.
    """
    manifest = _manifest(folder)
    saved, current = Versions.of(manifest["versions"]), Versions.current()
    difference = current.difference(saved, keys)
    if same_code and not difference and saved.code != current.code:
        difference = "the source of linkage_rl.text or linkage_rl.candidates was edited since"
    if difference:
        raise CandidateIndexError(
            f"the index in {folder} does not fit this version of the library: {difference}; "
            f"{REBUILD}"
        )
    for file, digest in manifest["checksums"].items():
        if not (folder / file).is_file() or (verify and file_digest(folder / file) != digest):
            raise CandidateIndexError(
                f"{folder / file} is missing or damaged (checksum differs); {REBUILD}"
            )
    base = _read(folder / manifest["base"])
    state = _read(folder / manifest["state"])
    usable = current.usable_keys(saved)
    segment = _segment(base, "", usable)
    parts = [Part(segment, _own(state["alive"]), 0, state.get("counts", segment.counts))]
    if "changes.alive" in state:
        changes = replace(_segment(state, "changes.", usable), idf=segment.idf)
        alive = _own(state["changes.alive"])
        parts.append(Part(changes, alive, len(segment), changes.counts))
    offices = OfficeTable(state["offices.keys"], state["offices.shares"])
    known, stamp = _known(state, manifest), manifest.get("latest_stamp", "")
    return CompanyIndex(tuple(parts), offices, known, stamp)


def _known(state: dict[str, NDArray[Any]], manifest: dict[str, Any]) -> KnownPages:
    if manifest["format"] != FORMAT:
        return KnownPages.none()
    return KnownPages(
        manifest["hashing"],
        state["known.companies"],
        state["known.hashes"],
        state["known.ends"],
        StringColumn(state["known.bounds.offsets"], state["known.bounds.blob"]),
    )


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """A copy in memory: kernels want it writable, and a refresh replaces its file."""
    return np.array(array)


def _flatten(value: object, prefix: str = "") -> dict[str, NDArray[Any]]:
    """Arrays of a dataclass and of what it holds, by dotted name."""
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(value):  # type: ignore[arg-type]
        held = getattr(value, field.name)
        if isinstance(held, np.ndarray):
            arrays[prefix + field.name] = held
        elif isinstance(held, dict):
            for key, item in held.items():
                arrays |= _flatten(item, f"{prefix}{field.name}.{key}.")
        elif is_dataclass(held):
            arrays |= _flatten(held, f"{prefix}{field.name}.")
    return arrays


def _segment(arrays: dict[str, NDArray[Any]], prefix: str, keys: Collection[str]) -> Segment:
    """The inverse of `_flatten` for a segment, with those of its keys that are named."""

    def strings(name: str) -> StringColumn:
        return StringColumn(arrays[f"{name}.offsets"], arrays[f"{name}.blob"])

    def names_below(field: str) -> list[str]:
        start = f"{prefix}{field}."
        return sorted({key[len(start) :].split(".")[0] for key in arrays if key.startswith(start)})

    documents = f"{prefix}documents."
    core, kana, latin = (strings(f"{documents}{name}") for name in ("core", "kana", "latin"))
    return Segment(
        rows=arrays[f"{prefix}rows"],
        ids=strings(f"{prefix}ids"),
        documents=Documents(
            core,
            kana,
            latin,
            arrays[f"{documents}gram_offsets"],
            arrays[f"{documents}grams"],
        ),
        document_row_ends=arrays[f"{prefix}document_row_ends"],
        document_rows=arrays[f"{prefix}document_rows"],
        document_norms=arrays[f"{prefix}document_norms"],
        gram_starts=arrays[f"{prefix}gram_starts"],
        postings=arrays[f"{prefix}postings"],
        counts=arrays[f"{prefix}counts"],
        keys={
            name: KeyIndex(arrays[f"{prefix}keys.{name}.keys"], arrays[f"{prefix}keys.{name}.rows"])
            for name in names_below("keys")
            if name in keys
        },
        idf=arrays[f"{prefix}idf"],
        snapshot={name: strings(f"{prefix}snapshot.{name}") for name in names_below("snapshot")},
    )


def _versions_of(segment: Segment) -> Versions:
    """Those of the running code, for the keys that the segment holds."""
    current = Versions.current()
    held = {name: version for name, version in current.keys.items() if name in segment.keys}
    return replace(current, keys=held)


def _fingerprint(segment: Segment) -> str:
    """Changes with any array, so that a base is kept only where it is the same throughout."""
    digest = xxhash.xxh3_64()
    # sorted, since the keys of a built segment and of a loaded one come in different orders
    for name, array in sorted(_flatten(segment).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def _write(folder: Path, name: str, arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Write arrays below a temporary name, move them into place, return their checksums."""
    target, partial = folder / name, folder / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        for key, array in arrays.items():
            np.save(partial / f"{key}.npy", array)
        checksums = {f"{name}/{key}.npy": file_digest(partial / f"{key}.npy") for key in arrays}
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _remove(target)
    partial.replace(target)
    return checksums


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a folder."""
    return {path.stem: map_array(path) for path in folder.glob("*.npy")}


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = _read_manifest(folder)
    if manifest is None:
        raise CandidateIndexError(
            f"expected a candidate index in {folder}, found no {MANIFEST}; "
            "build one with `python -m linkage_rl.companies`"
        )
    if manifest["format"] not in READABLE:
        raise CandidateIndexError(
            f"expected an index of format {FORMAT} in {folder}, got {manifest['format']}; {REBUILD}"
        )
    return manifest


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return unsealed((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise CandidateIndexError(
            f"{folder / MANIFEST} cannot be read: {error}; {REBUILD}"
        ) from error


def _next_state(folder: Path) -> int:
    names = [name for name in _own_names(folder) if name.startswith("state-")]
    return max((int(name.split("-")[1]) for name in names if "." not in name), default=0) + 1


def _remove_unused(folder: Path, used: set[str]) -> None:
    """Delete old states; a process that has them mapped keeps reading its own open files."""
    for name in _own_names(folder) - used:
        _remove(folder / name)


def _own_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if _OWN.fullmatch(path.name)}


def _remove(folder: Path) -> None:
    """Delete a folder of arrays; of one that `refresh.seed_index` linked to, the link alone."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
