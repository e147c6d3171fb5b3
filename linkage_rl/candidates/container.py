"""One file of many arrays, mapped once: a table of what it holds, then the arrays as they are.

The file begins with `MAGIC` and the length of the table (8 bytes, little-endian). The table is
JSON: for each array its name, element type, shape, and the place at which it begins, counted from
the end of the table. Every array begins at a multiple of `ALIGNMENT` bytes of the file; arrays of
equal bytes, such as ids that are corporate numbers, lie there once. No element type is a Python
object, so nothing of a file is ever run.
"""

import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from linkage_rl.candidates.files import write_all
from linkage_rl.candidates.mapping import damaged, pieces

MAGIC: Final = b"linkidx6"
ALIGNMENT: Final = 64
"""Bytes; a cache line, so that no kernel reads across two for one element."""
_PREFIX: Final = len(MAGIC) + 8
_LONGEST_TABLE: Final = 1 << 20
_MALFORMED: Final = (
    *(ValueError, TypeError, KeyError, RecursionError, OverflowError),
    # NumPy reads some texts of element types as Python
    SyntaxError,
    MemoryError,
)
"""Errors of a table with values of another kind."""
_LONGEST_KIND: Final = 40
"""Characters of the text of an element type; NumPy reads some of such texts in quadratic time."""
_MOST_FIELDS: Final = 40
_KINDS: Final = "biuf"
"""Element types by the letter of `numpy.dtype.kind`: truth values, whole and other numbers."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write arrays to one file, down to the disk; returns the checksum of the file.

    Raises:
        OSError: The disk is full, or the file cannot be written.
    """
    digest = xxhash.xxh3_128()
    with path.open("wb", buffering=0) as file:
        for block in _blocks(arrays):
            digest.update(block)
            write_all(file, block)
        os.fsync(file.fileno())
    return digest.hexdigest()


def read_arrays(mapped: mmap.mmap, path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a mapped file, as read-only views of it.

    Args:
        mapped: The bytes of the file, as one of `mapping.Opener` gives them.
        path: The file, which errors name.

    Raises:
        CandidateIndexError: It is no such file, or its table points outside of it.
    """
    content = np.frombuffer(mapped, dtype=np.uint8)
    arrays: dict[str, NDArray[Any]] = {}
    try:
        table, begin = _table(content)
        for name, entry in table.items():
            offset = entry["offset"]
            if not offset >= 0:
                raise ValueError(f"array {name!r} begins before the first one")
            arrays[name] = view_of(content, begin + offset, _dtype(entry["dtype"]), entry["shape"])
    except _MALFORMED as error:
        raise damaged(path) from error
    return arrays


def _blocks(arrays: Mapping[str, NDArray[Any]]) -> Iterator[memoryview]:
    """The bytes of the file, one piece after the other."""
    table: dict[str, Any] = {}
    places: dict[str, int] = {}
    written: list[NDArray[Any]] = []
    offset = 0
    for name, array in arrays.items():
        _check(array.dtype)
        content = _digest(array)
        if content not in places:
            places[content] = offset
            written.append(array)
            offset += _aligned(array.nbytes)
        table[name] = {
            "dtype": np.lib.format.dtype_to_descr(array.dtype),
            "shape": array.shape,
            "offset": places[content],
        }
    text = json.dumps(table).encode()
    # JSON may end in spaces, which bring the first array to its alignment
    text = text.ljust(_aligned(_PREFIX + len(text)) - _PREFIX)
    yield memoryview(MAGIC + len(text).to_bytes(8, "little") + text)
    for array in written:
        yield from pieces(array)
        yield memoryview(bytes(_aligned(array.nbytes) - array.nbytes))


def _digest(array: NDArray[Any]) -> str:
    """Checksum of the bytes of an array."""
    digest = xxhash.xxh3_128()
    for piece in pieces(array):
        digest.update(piece)
    return digest.hexdigest()


def _table(content: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    """The table of a file, and where its first array begins."""
    head = content[:_PREFIX].tobytes()
    length = int.from_bytes(head[len(MAGIC) :], "little")
    begin = _PREFIX + length
    if not head.startswith(MAGIC) or length > _LONGEST_TABLE or begin > len(content):
        raise ValueError("it does not begin as such a file does")
    table = json.loads(content[_PREFIX:begin].tobytes())
    if not isinstance(table, dict) or begin % ALIGNMENT:
        raise ValueError("its table is not one of arrays")
    return table, begin


def view_of(
    content: NDArray[np.uint8], begin: int, dtype: np.dtype[Any], shape: Sequence[int]
) -> NDArray[Any]:
    """An array that begins at a byte of a file.

    Raises:
        ValueError: It would end beyond the file, or is not one of plain numbers.
    """
    end = begin + math.prod(shape) * _check(dtype).itemsize
    if any(type(size) is not int or size < 0 for size in (begin, *shape)):
        raise ValueError("its place or shape is no natural number")
    if end > len(content) or begin % ALIGNMENT:
        raise ValueError("it does not lie within its file, or between two elements")
    view: NDArray[Any] = content[begin:end].view(dtype).reshape(tuple(shape))
    return view


def _dtype(described: Any) -> np.dtype[Any]:
    """The element type that an entry of the table describes."""
    if isinstance(described, str):
        return np.dtype(_short(described))
    if len(described) > _MOST_FIELDS:
        raise ValueError(f"expected at most {_MOST_FIELDS} fields, got {len(described)}")
    # JSON has no tuples, by which NumPy tells a field from a list of fields
    fields = [(_short(name), _short(kind), *map(tuple, shape)) for name, kind, *shape in described]
    return np.dtype(fields)


def _short(text: Any) -> str:
    """The text itself; ValueError for a long one, or for what is none."""
    if not isinstance(text, str) or len(text) > _LONGEST_KIND:
        raise ValueError(f"expected a text of at most {_LONGEST_KIND} characters")
    return text


def shown_kind(dtype: np.dtype[Any]) -> str:
    """An element type in a message, which stays short."""
    text = str(dtype)
    return text if len(text) <= _LONGEST_KIND else f"{text[:_LONGEST_KIND]}..."


def _check(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The element type itself; ValueError for one that is not of plain numbers."""
    parts = [dtype] if dtype.names is None else [dtype[name].base for name in dtype.names]
    if dtype.itemsize == 0 or any(part.kind not in _KINDS for part in parts):
        raise ValueError(f"expected arrays of plain numbers, got one of {shown_kind(dtype)}")
    return dtype


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
