"""Which models are loaded, in every worker alike; the index is shared where it is the same."""

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from linkage_rl.bundle import Settings as BundleSettings
from linkage_rl.bundle import check_golden, load_bundle, read_golden, read_settings
from linkage_rl.candidates.files import replace_text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import LinkageError
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource
from serving.errors import (
    ModelLoadedError,
    ModelMemoryError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)

_NAME: Final = re.compile(r"[\w.\-]{1,200}", re.ASCII)
"""Names that are also names of files, with an ending."""
_USED: Final = ".used"
"""Ending of the file whose time says when a model was last asked."""
_MEGABYTE: Final = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A model as all workers know it."""

    name: str
    url: str
    """Folder of its bundle."""
    bytes: int
    """Of its policy and settings."""
    index: str
    """Digest of its index; '' where it has none."""
    index_bytes: int
    """Of its index, which models of the same one share."""


@dataclass(frozen=True)
class Model:
    """A bundle ready to answer."""

    name: str
    version: str
    linker: Linker
    settings: BundleSettings

    def on(self, index: CompanyIndex, source: CompanySource) -> Linker:
        """Its linker on a state of the table, reading companies back from a source."""
        return replace(self.linker, index=index, source=source)

    @property
    def labels(self) -> dict[str, str]:
        """Name and version."""
        return {"name": self.name, "version": self.version}


class ModelLibrary:
    """The models of one worker, kept in step with the other workers by a folder of entries.

    A model that another worker has loaded is loaded here when it is first asked for. Threads share
    a library.
    """

    def __init__(
        self,
        folder: Path,
        memory_mb: int,
        live_index: Callable[[], CompanyIndex | None] = lambda: None,
    ) -> None:
        """Begin with the models that the folder names; none is loaded yet.

        Args:
            folder: Where the workers share their list of models.
            memory_mb: From which sum of models on `load` refuses another one.
            live_index: The index of the live table, for bundles that have none of their own.
        """
        self._folder = folder
        self._memory = memory_mb * _MEGABYTE
        self._live_index = live_index
        self._lock = threading.RLock()
        self._models: dict[str, tuple[str, Model]] = {}
        self._indexes: dict[str, CompanyIndex] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> Model:
        """The model of this name, which counts as used now.

        Raises:
            UnknownModelError: None is loaded.
            RequestError: Its bundle is no longer whole.
        """
        if (held := self.held(name)) is not None:
            return held
        with self._lock:
            path = self._path(name)
            try:
                identity, entry = _identity(path), _read(path)
            except OSError:
                raise UnknownModelError(
                    f"expected a loaded model, got {name[:80]!r}; load it with POST /models"
                ) from None
            model = self._open(entry)
            self._models[name] = (identity, model)
            self._forget_indexes()
            return model

    def held(self, name: str) -> Model | None:
        """The model of this name where this worker has it in memory; it counts as used now."""
        identity, model = self._models.get(name, ("", None))
        path = self._path(name)
        try:
            if model is None or _identity(path) != identity:
                return None
            _note_use(path)
        except OSError:
            return None
        return model

    def begin_with(self, name: str, url: str) -> Model:
        """Load the model that a server starts with, or take it from the worker that did.

        Raises:
            RequestError: There is no sound bundle in the folder.
        """
        with self._lock, self._locked():
            if not self._path(name).exists():
                return self._add(self._measured(name, Path(url)))
        return self.get(name)

    def load(self, name: str, url: str) -> Model:
        """Load a model and let the other workers know.

        Raises:
            ModelLoadedError: One of this name is loaded.
            ModelMemoryError: There is no room; the caller unloads another one and tries again.
            RequestError: The name is malformed, or there is no sound bundle in the folder.
        """
        if not _NAME.fullmatch(name):
            raise RequestError(
                "expected a model name of at most 200 letters, digits, '.', '_' and '-', got "
                f"{name[:80]!r}"
            )
        with self._lock, self._locked():
            if self._path(name).exists():
                raise ModelLoadedError(f"model {name!r} is loaded; unload it with DELETE first")
            try:
                entry = self._measured(name, Path(url))
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "no path"
                raise RequestError(f"model {name!r} cannot be loaded: {reason}") from None
            self._require_room(entry)
            return self._add(entry)

    def unload(self, name: str) -> None:
        """Forget a model here, and in the other workers as soon as they are asked for it.

        Raises:
            UnknownModelError: None of this name is loaded.
        """
        with self._lock, self._locked():
            try:
                self._path(name).unlink()
            except OSError:
                raise UnknownModelError(f"expected a loaded model, got {name[:80]!r}") from None
            self._models.pop(name, None)
            self._forget_indexes()

    def entries(self) -> list[Entry]:
        """All loaded models, the one that was not used for the longest time first."""
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append((path.with_suffix(_USED).stat().st_mtime_ns, _read(path)))
            except OSError:
                continue
        return [entry for _, entry in sorted(found, key=lambda item: item[0])]

    def find(self, name: str) -> Entry:
        """The entry of a loaded model; this is not a use.

        Raises:
            UnknownModelError: None of this name is loaded.
        """
        try:
            return _read(self._path(name))
        except OSError:
            raise UnknownModelError(f"expected a loaded model, got {name[:80]!r}") from None

    def drop_unloaded(self) -> None:
        """Free the models that another worker was told to unload."""
        with self._lock:
            for name in [name for name in self._models if not self._path(name).exists()]:
                del self._models[name]
            self._forget_indexes()

    def _add(self, entry: Entry) -> Model:
        model, path = self._open(entry), self._path(entry.name)
        path.with_suffix(_USED).touch()
        _note_use(path)
        replace_text(path, json.dumps(asdict(entry)))
        self._models[entry.name] = (_identity(path), model)
        return model

    def _open(self, entry: Entry) -> Model:
        folder = Path(entry.url)
        shared = self._indexes.get(entry.index) if entry.index else self._live_index()
        try:
            settings = read_settings(folder)
            if not entry.index and shared is None:
                raise UnavailableError(
                    f"model {entry.name!r} has no index of its own and that of the database is "
                    "not built yet; try again in a minute"
                )
            linker = load_bundle(folder, shared)
            if entry.index and shared is not None:
                check_golden(linker, read_golden(folder))
            version = sha256((folder / "manifest.json").read_bytes()).hexdigest()[:12]
        except (LinkageError, OSError) as error:
            raise RequestError(f"model {entry.name!r} cannot be loaded: {error}") from None
        if entry.index:
            self._indexes[entry.index] = linker.index
        return Model(entry.name, version, linker, settings)

    def _forget_indexes(self) -> None:
        """Let go of indexes that no model of this worker uses."""
        used = {id(model.linker.index) for _, model in self._models.values()}
        self._indexes = {key: index for key, index in self._indexes.items() if id(index) in used}

    def _measured(self, name: str, folder: Path) -> Entry:
        manifest = folder / "index" / "manifest.json"
        digest = sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else ""
        arrays = (folder / "index").rglob("*.npy") if digest else ()
        return Entry(name, str(folder), _size(folder.glob("*")), digest, _size(arrays))

    def _require_room(self, entry: Entry) -> None:
        held = self.entries()
        total = memory_of([*held, entry])
        if total > self._memory:
            eldest = f"; {held[0].name!r} was used least recently" if held else ""
            raise ModelMemoryError(
                f"expected models of at most {self._memory // _MEGABYTE} MB, got "
                f"{total / _MEGABYTE:.0f} MB with {entry.name!r}; unload one{eldest}"
            )

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One worker at a time changes the list."""
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def memory_of(entries: Iterable[Entry]) -> int:
    """Bytes that these models take together; each index counts once."""
    known = list(entries)
    indexes = {entry.index: entry.index_bytes for entry in known}
    return sum(entry.bytes for entry in known) + sum(indexes.values())


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _read(path: Path) -> Entry:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Entry(**content)


def _identity(path: Path) -> str:
    """Differs between two files, also where one took the place of the other."""
    found = path.stat()
    return f"{found.st_ino}-{found.st_mtime_ns}"


def _note_use(path: Path) -> None:
    # the time by itself would be that of the kernel's last tick
    now = time.time_ns()
    os.utime(path.with_suffix(_USED), ns=(now, now))
