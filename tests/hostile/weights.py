"""Hostile weights: code, numbers and sizes that no scorer has, and archives that lie."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.hostile.making import Bundle, Case

WEIGHTS: Final = "weights.npz"
_LINK: Final = "scorer/link.weight"
Parts = dict[str, NDArray[Any]]


def _arrays(change: Callable[[Parts], object]) -> Case:
    """The arrays are changed in place."""

    def case(bundle: Bundle) -> None:
        with np.load(bundle.folder / WEIGHTS) as file:
            parts = dict(file)
        change(parts)
        content = io.BytesIO()
        np.savez(content, **parts)
        _replace(bundle, content.getvalue())

    return case


def _shape(**values: object) -> Case:
    """What is said of the arrays has other values."""

    def change(parts: Parts) -> None:
        parts["shape"] = np.array(json.dumps(json.loads(str(parts["shape"])) | values))

    return _arrays(change)


def _size(**values: object) -> Case:
    """The scorer says that it has other sizes."""

    def change(parts: Parts) -> None:
        shape = json.loads(str(parts["shape"]))
        shape["scorer"] |= values
        parts["shape"] = np.array(json.dumps(shape))

    return _arrays(change)


def _link(values: object) -> Case:
    return _arrays(lambda parts: parts.update({_LINK: np.asarray(values)}))


def _bytes(change: Callable[[bytes], bytes]) -> Case:
    return lambda bundle: _replace(bundle, change((bundle.folder / WEIGHTS).read_bytes()))


def _replace(bundle: Bundle, content: bytes) -> None:
    bundle.write(WEIGHTS, content)
    bundle.seal(with_index=False)


def _member(content: bytes, name: str = f"{_LINK}.npy") -> Case:
    """One file of the archive has other bytes."""

    def change(archive: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
            for one in old.namelist():
                new.writestr(one, content if one == name else old.read(one))
        return made.getvalue()

    return _bytes(change)


def _npy(shape: str) -> bytes:
    """An array of this shape that has no content."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def _bomb(_: bytes) -> bytes:
    """100 MB of zeros in 100 KB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shape.npy", bytes(100 << 20))
    return made.getvalue()


class _Code:
    def __reduce__(self) -> Any:
        return print, ("code of a bundle was run",)


WEIGHT_CASES: Final[dict[str, Case]] = {
    "code": _bytes(lambda _: pickle.dumps(_Code())),
    "an array of objects": _link(np.array([[_Code()]], dtype=object)),
    "text as weights": _link([["0.5"] * 32]),
    "whole numbers": _link(np.zeros((1, 32), dtype=np.int64)),
    "complex numbers": _link(np.zeros((1, 32), dtype=np.complex64)),
    "not a number": _link(np.full((1, 32), np.nan, dtype=np.float32)),
    "an infinite weight": _link(np.full((1, 32), np.inf, dtype=np.float32)),
    "another shape": _link(np.zeros((2, 32), dtype=np.float32)),
    "a layer is missing": _arrays(lambda parts: parts.pop(_LINK)),
    "a layer too many": _arrays(lambda parts: parts.update({"scorer/more": parts[_LINK]})),
    "no shape": _arrays(lambda parts: parts.pop("shape")),
    "a shape that is no JSON": _arrays(lambda parts: parts.update(shape=np.array("{"))),
    "a shape that is deep": _arrays(lambda parts: parts.update(shape=np.array("[" * 200_000))),
    "a shape that is a list": _arrays(lambda parts: parts.update(shape=np.array("[]"))),
    "an unknown size": _size(depth=3),
    "a width of a billion": _size(width=10**9),
    "a width of 0": _size(width=0),
    "a width in text": _size(width="32"),
    "features below 0": _size(features=-4),
    "a temperature of 0": _size(temperature=0),
    "a temperature that is no number": _size(temperature=float("nan")),
    "a plan of another blocker": _shape(plan=[99]),
    "a plan from the end": _shape(plan=[-1]),
    "a plan in text": _shape(plan="01"),
    "an infinite plan": _shape(plan=[float("inf")]),
    "a calibration that falls": _shape(
        start_calibration='{"scores": [0, 1], "probabilities": [1, 0]}'
    ),
    "a calibration that is a number": _shape(start_calibration=5),
    "half of the archive": _bytes(lambda archive: archive[: len(archive) // 2]),
    "no archive": _bytes(lambda _: b"PK"),
    "an archive that is a bomb": _bytes(_bomb),
    "an array of terabytes": _member(_npy("(1000000000000,)")),
    "a length below 0": _member(_npy("(-1, 32)")),
    "a header that is code": _member(_npy("__import__('os')")),
    "bytes that are no array": _member(b"\0" * 100),
}
