"""Arrays that are appended to, so that a long table is held once and not in parts and whole."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """A one-dimensional array with room to spare; what it has not filled takes no memory."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._room: NDArray[Any] = np.empty(0, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, part: NDArray[Any]) -> None:
        """Copy a part to the end."""
        end = self._size + len(part)
        if end > len(self._room):
            # the system gives memory page by page as it is written, so room to spare is cheap
            wider = np.empty(max(end, len(self._room) * 3 // 2), dtype=self._room.dtype)
            wider[: self._size] = self.array()
            self._room = wider
        self._room[self._size : end] = part
        self._size = end

    def array(self) -> NDArray[Any]:
        """What was appended so far; a view."""
        return self._room[: self._size]
