"""The loaded models, the same in every worker; models of the same index share it in memory."""

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

from linkage_rl.bundle import check_golden, load_bundle, read_golden, read_settings
from linkage_rl.candidates.copies import PrivateCopies
from linkage_rl.candidates.files import replace_text
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import BundleError, LinkageError
from serving.errors import (
    NO_ROOM,
    ModelLoadedError,
    ModelMemoryError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)
from serving.live_index import COPIES
from serving.model import Model
from serving.model_entry import ModelEntry, entry_of, memory_of, read_entry
from serving.trial import Trials, content_of, refusal_of

_NAME: Final = re.compile(r"(?!\.+\Z)[\w.\-]{1,200}", re.ASCII)
"""Model names are short enough to be file names, with an extension added, and none is `..`: nginx
takes `/models/..` for `/`, which the port of the clients answers."""
_LAST_USE: Final = ".used"
"""Extension of the file whose modification time says when a model was last used."""
_ENTRY: Final = ".json"
"""Extension of the file that holds the entry of a model."""
_MARKED_EVERY_S: Final = 1.0
"""How long a model that was marked as used, and is the last one, is not marked again."""
_MEGABYTE: Final = 1 << 20


@dataclass(frozen=True)
class _Held:
    """A model in memory, and the state of its entry in the list when it was read."""

    model: Model
    path: str
    identity: tuple[int, int]


class ModelLibrary:
    """The models of one worker, kept in sync with the other workers by a folder of entries.

    A model that another worker has loaded is loaded here at its first request. Thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        memory_mb: int,
        live_index: Callable[[], CompanyIndex | None] = lambda: None,
        trial_timeout_s: float | None = None,
    ) -> None:
        """Start with the models that the folder lists; none is in memory yet.

        Args:
            folder: Where the workers share their list of models.
            memory_mb: Size of all models together beyond which `load` refuses another one.
            live_index: Returns the index of the live table, for bundles without their own.
            trial_timeout_s: How long a bundle may take to load in a process of its own, which is
                done once for every content before a worker loads it; None loads it at once.
        """
        self._folder = folder
        self._memory = memory_mb * _MEGABYTE
        self._live_index = live_index
        self._trials = Trials(folder / "tried", trial_timeout_s)
        self._lock = threading.RLock()
        self._models: dict[str, _Held] = {}
        self._last_used = ""
        self._marked_at = 0.0
        self._indexes: dict[str, CompanyIndex] = {}
        self._open_file = PrivateCopies(folder.parent / COPIES)
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> Model:
        """The model of this name; marks it as used.

        Raises:
            UnknownModelError: None is loaded.
            UnavailableError: Its bundle has become unreadable.
            ModelMemoryError: There is no room for it.
        """
        try:
            return self._get(name)
        except (UnknownModelError, ModelMemoryError):
            raise
        except RequestError as error:
            # nothing that the caller of a loaded model could change
            raise UnavailableError(str(error)) from None

    def _get(self, name: str) -> Model:
        if (model := self.in_memory(name)) is not None:
            return model
        path = self._path(name)
        try:
            identity, entry = _identity(str(path)), read_entry(path)
        except OSError as error:
            raise _absent(name, error, "; load it with POST /models") from None
        # its folder may hold another bundle by now
        self._try(entry)
        with self._lock:
            if (model := self.in_memory(name)) is not None:
                return model
            model = self._open(entry)
            self._models[name] = _Held(model, str(path), identity)
            self._drop_unused_indexes()
            return model

    def in_memory(self, name: str) -> Model | None:
        """The model of this name if this worker has it in memory; marks it as used."""
        held = self._models.get(name)
        if held is None:
            return None
        now = time.monotonic()
        try:
            if _identity(held.path) != held.identity:
                return None
            if self._last_used != held.path or now >= self._marked_at + _MARKED_EVERY_S:
                _mark_used(held.path)
                self._last_used, self._marked_at = held.path, now
        except OSError:
            return None
        return held.model

    def load_default(self, name: str, url: str) -> Model:
        """Load the model that a server starts with, unless another worker already did.

        Raises:
            RequestError: There is no valid bundle in the folder.
        """
        with self._lock, self._locked():
            if not self._path(name).exists():
                return self._add(entry_of(name, Path(url)))
        return self._get(name)

    def load(self, name: str, url: str, check: Callable[[], None] = lambda: None) -> Model:
        """Load a model, for all workers.

        Args:
            name: Its name.
            url: The folder of its bundle.
            check: Raises an error if nobody waits for it any more; nothing is loaded then.

        Raises:
            ModelLoadedError: One of this name is loaded.
            ModelMemoryError: There is no memory left; unload another model first.
            RequestError: The name is malformed, or there is no valid bundle in the folder.
        """
        if not _NAME.fullmatch(name):
            raise RequestError(
                "expected a model name of at most 200 letters, digits, '.', '_' and '-', not only "
                f"dots, got {name[:80]!r}"
            )
        self._check_free(name)
        try:
            entry = entry_of(name, Path(url))
        except ValueError:
            raise RequestError(f"model {name!r} cannot be loaded: no valid path") from None
        except (OSError, BundleError) as error:
            raise _refusal(name, error) from None
        self._check_memory(entry)
        # without the locks: others are answered, and loaded, meanwhile
        self._try(entry)
        with self._lock, self._locked():
            check()
            self._check_free(name)
            self._check_memory(entry)
            return self._add(entry)

    def unload(self, name: str) -> None:
        """Unload a model, in the other workers at their next request for it.

        Raises:
            UnknownModelError: None of this name is loaded.
        """
        with self._lock, self._locked():
            try:
                self._path(name).unlink()
                self._path(name).with_suffix(_LAST_USE).unlink(missing_ok=True)
            except OSError as error:
                raise _absent(name, error) from None
            self._models.pop(name, None)
            self._drop_unused_indexes()

    def entries(self) -> list[ModelEntry]:
        """All loaded models, the least recently used one first."""
        found = []
        for path in self._folder.glob(f"*{_ENTRY}"):
            try:
                found.append((path.with_suffix(_LAST_USE).stat().st_mtime_ns, read_entry(path)))
            except FileNotFoundError:
                # unloaded meanwhile
                continue
        return [entry for _, entry in sorted(found, key=lambda item: item[0])]

    def find(self, name: str) -> ModelEntry:
        """The entry of a loaded model; does not mark it as used.

        Raises:
            UnknownModelError: None of this name is loaded.
        """
        try:
            return read_entry(self._path(name))
        except OSError as error:
            raise _absent(name, error) from None

    def drop_unloaded(self) -> None:
        """Free the models that were unloaded through another worker, unless one is being loaded."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            for name in [name for name in self._models if not self._path(name).exists()]:
                del self._models[name]
            self._drop_unused_indexes()
        finally:
            self._lock.release()

    def _check_free(self, name: str) -> None:
        if self._path(name).exists():
            raise ModelLoadedError(f"model {name!r} is loaded; unload it with DELETE first")

    def _try(self, entry: ModelEntry) -> None:
        """Load a bundle elsewhere first, unless this content was loaded before."""
        # an index that is in memory was tried with another model
        new_index = bool(entry.index) and entry.index not in self._indexes
        size = entry.bytes + (entry.index_bytes if new_index else 0)
        try:
            self._trials.run(Path(entry.url), size, new_index)
        except RequestError as error:
            raise type(error)(f"model {entry.name!r} cannot be loaded: {error}") from None

    def _add(self, entry: ModelEntry) -> Model:
        try:
            # the folder may have changed since its trial
            content = content_of(Path(entry.url))
        except (OSError, BundleError) as error:
            raise _refusal(entry.name, error) from None
        model, path = self._open(entry), self._path(entry.name)
        path.with_suffix(_LAST_USE).touch()
        _mark_used(str(path))
        self._last_used = ""
        replace_text(path, json.dumps(asdict(entry)))
        self._trials.record(content)
        self._models[entry.name] = _Held(model, str(path), _identity(str(path)))
        return model

    def _open(self, entry: ModelEntry) -> Model:
        folder = Path(entry.url)
        shared = self._indexes.get(entry.index) if entry.index else self._live_index()
        try:
            settings = read_settings(folder)
            if not entry.index and shared is None:
                raise UnavailableError(
                    f"model {entry.name!r} has no index of its own and that of the database is "
                    "not built yet; try again in a minute"
                )
            linker = load_bundle(folder, shared, open_file=self._open_file)
            if entry.index and shared is not None:
                check_golden(linker, read_golden(folder))
            fingerprint = sha256((folder / "manifest.json").read_bytes()).hexdigest()
        except (LinkageError, OSError) as error:
            refused = _refusal(entry.name, error)
            if not isinstance(refused, ModelMemoryError):
                self._trials.refuse(folder, str(error))
            raise refused from None
        if entry.index:
            self._indexes[entry.index] = linker.index
        return Model(entry.name, fingerprint, linker, settings)

    def _drop_unused_indexes(self) -> None:
        """Free the indexes that no model of this worker uses."""
        used = {id(held.model.linker.index) for held in self._models.values()}
        self._indexes = {key: index for key, index in self._indexes.items() if id(index) in used}
        self._open_file.drop_unused()

    def _check_memory(self, entry: ModelEntry) -> None:
        loaded = self.entries()
        total = memory_of([*loaded, entry])
        if total > self._memory:
            hint = f"; {loaded[0].name!r} was used least recently" if loaded else ""
            raise ModelMemoryError(
                f"expected models of at most {self._memory // _MEGABYTE} MB, got "
                f"{total / _MEGABYTE:.0f} MB with {entry.name!r}; unload one{hint}"
            )

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}{_ENTRY}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lets only one worker at a time change the list."""
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _refusal(name: str, error: Exception) -> RequestError:
    refused = refusal_of(error)
    return type(refused)(f"model {name!r} cannot be loaded: {refused}")


def _absent(name: str, error: OSError, remedy: str = "") -> Exception:
    """The error for an entry that cannot be read: there is none, or there is no room to read it."""
    if error.errno in NO_ROOM:
        return error
    return UnknownModelError(f"expected a loaded model, got {name[:80]!r}{remedy}")


def _identity(path: str) -> tuple[int, int]:
    """Differs between a file and one that has replaced it."""
    found = os.stat(path)  # noqa: PTH116 - asked for every request
    return found.st_ino, found.st_mtime_ns


def _mark_used(path: str) -> None:
    # an explicit time, since the kernel's own is only as precise as its last tick
    now = time.time_ns()
    os.utime(path.removesuffix(_ENTRY) + _LAST_USE, ns=(now, now))
