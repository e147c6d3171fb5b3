"""What all workers know of a loaded model: its folder, and how much memory it takes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from linkage_rl.bundle_files import check_files
from serving.trial import manifest_bytes


@dataclass(frozen=True)
class ModelEntry:
    """A loaded model as all workers know it."""

    name: str
    url: str
    """Folder of its bundle."""
    bytes: int
    """Size of its policy and settings."""
    index: str
    """Digest of its index; '' where it has none."""
    index_bytes: int
    """Size of its index."""


def memory_of(entries: Iterable[ModelEntry]) -> int:
    """Bytes that these models take together; a shared index counts once."""
    models = list(entries)
    indexes = {entry.index: entry.index_bytes for entry in models}
    return sum(entry.bytes for entry in models) + sum(indexes.values())


def entry_of(name: str, folder: Path) -> ModelEntry:
    """The entry of a bundle that is not loaded yet.

    Raises:
        BundleError: The folder holds a link, or a manifest that is too large.
    """
    check_files(folder)
    manifest = folder / "index" / "manifest.json"
    digest = sha256(manifest_bytes(manifest)).hexdigest() if manifest.is_file() else ""
    arrays = (folder / "index").rglob("*") if digest else ()
    return ModelEntry(name, str(folder), _size(folder.glob("*")), digest, _size(arrays))


def read_entry(path: Path) -> ModelEntry:
    """The entry in a file of the list."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return ModelEntry(**content)


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())
