"""Arrays that are appended to, so that a long table is never in memory twice, or not at all.

An array that is given a folder lies in a file there as soon as it is long. The file has no name and
is gone with the array; the system keeps of it in memory what it has room for.
"""

import mmap
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from linkage_rl.candidates.files import fault_of, make_folder, write_all
from linkage_rl.errors import CandidateIndexError, OutputError

_HELD: Final = 1 << 20
"""Bytes of an array that are held in memory before they are written to its file."""


MAX_OFFSET: Final = 2**32 - 1
"""Largest place in an array that others point into: they do so by 32 bits."""


def checked_offsets(ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Offsets, ascending, as they are kept: in 32 bits.

    Raises:
        CandidateIndexError: There is more than these can point into.
    """
    if len(ends) and ends[-1] > MAX_OFFSET:
        raise CandidateIndexError(
            f"expected columns of at most {MAX_OFFSET:,} bytes or n-grams in one index, got "
            f"{int(ends[-1]):,}; split the table, such as by region"
        )
    return ends.astype(np.uint32)


class GrowingArray:
    """A one-dimensional array with spare capacity, which takes no memory until it is filled."""

    def __init__(self, dtype: DTypeLike, folder: Path | None = None) -> None:
        """An empty array.

        Args:
            dtype: Type of its elements.
            folder: Where its file lies; None keeps it in memory.
        """
        self._buffer: NDArray[Any] = np.empty(0, dtype=dtype)
        self._filled = 0
        self._folder = folder
        self._file: FileIO | None = None
        self._written = 0

    def __len__(self) -> int:
        return self._written + self._filled

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, part: NDArray[Any]) -> None:
        """Copy a part to the end.

        Raises:
            OutputError: The disk is full, or the folder cannot be written.
        """
        end = self._filled + len(part)
        if self._folder is not None and end * self._buffer.itemsize > _HELD:
            self._write(self._buffer[: self._filled], self._folder)
            self._write(part, self._folder)
            self._filled = 0
            return
        if end > len(self._buffer):
            # the system commits memory page by page as it is written, so capacity is cheap
            wider = np.empty(max(end, len(self._buffer) * 3 // 2), dtype=self._buffer.dtype)
            wider[: self._filled] = self._buffer[: self._filled]
            self._buffer = wider
        self._buffer[self._filled : end] = part
        self._filled = end

    def array(self) -> NDArray[Any]:
        """What was appended so far: a view, or a map of the file that can be written to."""
        if self._file is None or self._folder is None:
            return self._buffer[: self._filled]
        self._write(self._buffer[: self._filled], self._folder)
        self._filled = 0
        mapped = mmap.mmap(self._file.fileno(), 0)
        return np.frombuffer(mapped, dtype=self._buffer.dtype)

    def _write(self, part: NDArray[Any], folder: Path) -> None:
        raw = np.ascontiguousarray(part, dtype=self._buffer.dtype).reshape(-1).view(np.uint8)
        try:
            if self._file is None:
                make_folder(folder)
                # closed with the array
                self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
            write_all(self._file, raw.data)
        except OSError as error:
            raise OutputError(
                f"cannot write the candidate index to {folder}: {fault_of(error)}; "
                "free space or choose another folder with index=DIR"
            ) from error
        self._written += len(part)


def kept_in(folder: Path | None, array: NDArray[Any]) -> NDArray[Any]:
    """The array, from memory moved to a file of the folder if one is given and it is long."""
    if folder is None:
        return array
    growing = GrowingArray(array.dtype, folder)
    growing.append(array.reshape(-1))
    return growing.array().reshape(array.shape)
