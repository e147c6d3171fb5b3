"""Files mapped into memory, checked first; what the system lacks for it is said in one sentence."""

import errno
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.files import digest_of
from linkage_rl.errors import CandidateIndexError, ResourceLimitError

_LEAST: Final = 1 << 16
"""Bytes of an array below which giving its pages back is not worth a call of the system."""
_PIECE: Final = 1 << 22
"""Bytes of an array that are passed on together."""
REBUILD: Final = "build it again with `python -m linkage_rl.companies`"
"""What to do about an index that cannot be read."""
EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Error numbers of a system without another descriptor, or without memory."""


class Opener(Protocol):
    """Maps a file of an index; how it knows that the file is whole is its own affair."""

    def __call__(self, path: Path, digest: str, /) -> mmap.mmap:
        """The bytes of a file that is not empty, read-only.

        Args:
            path: The file.
            digest: What `digest_of` gave for its content when it was written.

        Raises:
            CandidateIndexError: It is missing, damaged, or cannot be read.
            ResourceLimitError: The system has no descriptor or no memory for it.
        """


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the system refuses while `path` is read into one sentence that names it.

    Raises:
        CandidateIndexError: It is missing, or the disk or its permissions keep it.
        ResourceLimitError: There is no descriptor or no memory left.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(path) from error
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise ResourceLimitError(
                f"cannot open {path}: {error.strerror}; close what is not needed, or raise the "
                "limit (`ulimit -n` for open files)"
            ) from error
        raise CandidateIndexError(f"{path} cannot be read: {error.strerror}; {REBUILD}") from error


def damaged(path: Path) -> CandidateIndexError:
    """The error for a file that is not as it was written."""
    return CandidateIndexError(f"{path} is missing or damaged (checksum differs); {REBUILD}")


def open_verified(path: Path, digest: str) -> mmap.mmap:
    """Maps a file whose content was read once and has the checksum (about 0.2 s per GB)."""
    with reading(path), path.open("rb", buffering=0) as file:
        if digest_of(file) != digest:
            raise damaged(path)
        return map_file(file, path)


def open_unverified(path: Path, digest: str) -> mmap.mmap:
    """Maps a file without reading it."""
    with reading(path), path.open("rb", buffering=0) as file:
        return map_file(file, path)


def map_file(file: FileIO, path: Path) -> mmap.mmap:
    """The bytes of an open file; the map keeps a descriptor of its own."""
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise damaged(path) from error


def forget(*arrays: NDArray[Any]) -> None:
    """Give back the pages of mapped arrays, which no longer count as memory of this process.

    An array is as it was: whoever reads it again maps the pages that are read. Arrays that lie in
    memory are left alone.
    """
    for array in arrays:
        mapped = _map_of(array)
        if mapped is None or array.nbytes < _LEAST:
            continue
        begin = _address(array) - _address(np.frombuffer(mapped, dtype=np.uint8))
        # pages at the edges, which other arrays may be in, are as well read again
        begin, end = begin // mmap.PAGESIZE * mmap.PAGESIZE, begin + array.nbytes
        mapped.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def pieces(array: NDArray[Any]) -> Iterator[memoryview]:
    """The bytes of an array, some megabytes at a time; those of a file are given back after use."""
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for begin in range(0, len(raw), _PIECE):
        piece = raw[begin : begin + _PIECE]
        yield piece.data
        forget(piece)


def _map_of(array: NDArray[Any]) -> mmap.mmap | None:
    """The map of a file that holds the elements of an array, None where there is none."""
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
