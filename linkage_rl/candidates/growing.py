"""Arrays that are appended to, so that a long table is never in memory twice."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """A one-dimensional array with spare capacity, which takes no memory until it is filled."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._buffer: NDArray[Any] = np.empty(0, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, part: NDArray[Any]) -> None:
        """Copy a part to the end."""
        end = self._size + len(part)
        if end > len(self._buffer):
            # the system commits memory page by page as it is written, so capacity is cheap
            wider = np.empty(max(end, len(self._buffer) * 3 // 2), dtype=self._buffer.dtype)
            wider[: self._size] = self.array()
            self._buffer = wider
        self._buffer[self._size : end] = part
        self._size = end

    def array(self) -> NDArray[Any]:
        """What was appended so far; a view."""
        return self._buffer[: self._size]
