"""Indexes as they were before version 5: a folder per segment, with a `.npy` file per array."""

import mmap
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.container import view_of
from linkage_rl.candidates.mapping import Opener, damaged

_MALFORMED: Final = (ValueError, TypeError, SyntaxError, RecursionError, OverflowError, MemoryError)
"""Errors of NumPy for a header that it did not write."""


def read_folder(
    folder: Path, files: Mapping[str, str], open_file: Opener
) -> dict[str, NDArray[Any]]:
    """The arrays of such files as read-only views of their maps, by name.

    Args:
        folder: The folder of the index.
        files: The files, relative to it, with their checksums.
        open_file: Maps a file.

    Raises:
        CandidateIndexError: A file is missing, damaged, or holds no array of plain numbers.
        ResourceLimitError: The system has no descriptor or no memory left.
    """
    return {
        (folder / file).stem: _array(open_file(folder / file, digest), folder / file)
        for file, digest in files.items()
    }


def _array(mapped: mmap.mmap, path: Path) -> NDArray[Any]:
    try:
        version = np.lib.format.read_magic(mapped)
        if version != (1, 0):
            raise ValueError("it has another version than NumPy writes for plain arrays")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(mapped)
        if fortran and len(shape) > 1:
            raise ValueError("its rows do not lie one after the other")
        return view_of(np.frombuffer(mapped, np.uint8), mapped.tell(), dtype, shape)
    # of whatever kind the header is
    except (*_MALFORMED, tokenize.TokenError) as error:
        raise damaged(path) from error
