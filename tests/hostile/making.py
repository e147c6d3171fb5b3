"""Makes hostile bundles of a good one: a part is changed, and every checksum made right again."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.container import read_arrays, write_arrays
from linkage_rl.candidates.files import file_digest, sealed
from linkage_rl.candidates.mapping import open_unverified

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Bundle:
    """A copy of the good bundle, whose unchanged files are links to those of the original."""

    folder: Path

    @classmethod
    def of(cls, good: Path, folder: Path) -> "Bundle":
        """Copy the good one."""
        shutil.copytree(good, folder, copy_function=os.link)
        return cls(folder)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file; checksums are made right by `seal`."""
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / name).write_bytes(content)

    def write_json(self, name: str, content: object) -> None:
        """Replace a file by JSON."""
        self.write(name, json.dumps(content).encode())

    def json(self, name: str) -> dict[str, Any]:
        """The content of a JSON file."""
        content: dict[str, Any] = json.loads((self.folder / name).read_text())
        return content

    def index_file(self, kind: str) -> Path:
        """The file of arrays of the base, or of the state."""
        return next((self.folder / "index").glob(f"{kind}-*.arrays"))

    def change_arrays(self, change: Callable[[Arrays], object]) -> None:
        """Change any arrays of the index; one that becomes None is left out."""
        for kind in ("base", "state"):
            path = self.index_file(kind)
            before = read_arrays(open_unverified(path, ""), path)
            after = dict(before)
            change(_Writable(after))
            if any(after.get(name) is not array for name, array in before.items()):
                path.unlink()
                write_arrays(path, after)

    def change_manifest(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest of the bundle and seal it."""
        self.seal()
        self._seal("manifest.json", change)

    def change_index_manifest(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest of the index and seal both."""
        self._seal("index/manifest.json", change)
        self.seal(with_index=False)

    def seal(self, with_index: bool = True) -> None:
        """Make every checksum right again."""
        for name in ("index/manifest.json", "manifest.json")[0 if with_index else 1 :]:
            beside = (self.folder / name).parent

            def right(manifest: dict[str, Any], beside: Path = beside) -> None:
                manifest["checksums"] = {
                    file: file_digest(beside / file) if (beside / file).is_file() else digest
                    for file, digest in manifest["checksums"].items()
                }

            self._seal(name, right)

    def _seal(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        manifest = self.json(name)
        manifest.pop("seal", None)
        change(manifest)
        self.write(name, sealed(manifest).encode())


class _Writable(dict[str, NDArray[Any]]):
    """Arrays of one file; changes to names that the other file has are passed over."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._target = arrays

    def __setitem__(self, name: str, array: NDArray[Any]) -> None:
        self._target[name] = array

    def pop(self, name: str, default: Any = None) -> Any:
        """Leave an array out."""
        return self._target.pop(name, default)


Case = Callable[[Bundle], None]
Cases = Mapping[str, Case]


def array_case(name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Case:
    """A bundle in which one array is another one."""

    def apply(arrays: Arrays) -> None:
        if name in arrays:
            arrays[name] = change(np.array(arrays[name]))

    def case(bundle: Bundle) -> None:
        bundle.change_arrays(apply)
        bundle.seal()

    return case


def without_array(name: str) -> Case:
    """A bundle that lacks an array."""

    def case(bundle: Bundle) -> None:
        bundle.change_arrays(lambda arrays: arrays.pop(name))
        bundle.seal()

    return case


def says(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Changes a manifest: it says this of that key."""
    return lambda manifest: manifest.update({key: value})


def lacks(key: str) -> Callable[[dict[str, Any]], object]:
    """Changes a manifest: it does not have that key."""
    return lambda manifest: manifest.pop(key)


def with_checksum(path: str) -> Callable[[dict[str, Any]], object]:
    """Changes a manifest: it names that path."""
    return lambda manifest: manifest["checksums"].update({path: "0" * 32})


def without_checksum(path: str) -> Callable[[dict[str, Any]], object]:
    """Changes a manifest: it does not name that path."""
    return lambda manifest: manifest["checksums"].pop(path)


def manifest_case(change: Callable[[dict[str, Any]], object]) -> Case:
    """A bundle whose manifest says something else."""
    return lambda bundle: bundle.change_manifest(change)


def index_manifest_case(change: Callable[[dict[str, Any]], object]) -> Case:
    """A bundle whose index says something else of itself."""
    return lambda bundle: bundle.change_index_manifest(change)


def file_case(name: str, content: bytes) -> Case:
    """A bundle with another file, whose checksum is right."""

    def case(bundle: Bundle) -> None:
        bundle.write(name, content)
        bundle.seal(with_index=name.startswith("index/"))

    return case
