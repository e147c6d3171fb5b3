"""Texts as one UTF-8 blob with offsets: memory-mapped, gathered without a Python loop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _text
from linkage_rl.candidates.growing import GrowingArray, kept_in


@dataclass(frozen=True)
class StringColumn:
    """N texts without newlines, never changed, and cheap to map from disk."""

    offsets: NDArray[np.int64]
    """Text i is `blob[offsets[i]:offsets[i + 1]]`; shape (N + 1,)."""
    blob: NDArray[np.uint8]
    """UTF-8 of all texts, one after the other."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "StringColumn":
        """Pack texts; a newline inside becomes a space, a lone surrogate a question mark.

        >>> StringColumn.from_texts(["五洋建設", "", "JFE"]).take(np.array([2, 0]))
        ['JFE', '五洋建設']
        """
        joined = "\n".join(texts)
        if joined.count("\n") != max(len(texts) - 1, 0):
            joined = "\n".join(text.replace("\n", " ") for text in texts)
        raw = np.frombuffer(joined.encode("utf-8", "replace"), dtype=np.uint8)
        breaks = np.flatnonzero(raw == 10)
        ends = np.append(breaks, len(raw)) if len(texts) else breaks
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        offsets[1:] = ends - np.arange(len(ends))
        return cls(offsets, np.delete(raw, breaks))

    @classmethod
    def concatenate(cls, columns: Iterable["StringColumn"]) -> "StringColumn":
        """The texts of all columns, one column after the other."""
        joined = GrowingStrings()
        for column in columns:
            joined.append(column)
        return joined.column()

    def take(self, rows: NDArray[np.integer]) -> list[str]:
        """The texts at these positions, in this order."""
        return _text.gather_texts(
            self.offsets, self.blob, np.ascontiguousarray(rows, dtype=np.int64)
        )

    def select(self, rows: NDArray[np.integer]) -> "StringColumn":
        """The column of the texts at these positions, in this order."""
        index = np.ascontiguousarray(rows, dtype=np.int64)
        raw = np.frombuffer(_text.gather_bytes(self.offsets, self.blob, index), dtype=np.uint8)
        offsets = np.zeros(len(index) + 1, dtype=np.int64)
        np.cumsum(self.offsets[index + 1] - self.offsets[index], out=offsets[1:])
        return StringColumn(offsets, raw[raw != 10])

    def kept_in(self, folder: Path | None) -> "StringColumn":
        """The same in files of the folder if one is given."""
        return StringColumn(kept_in(folder, self.offsets), kept_in(folder, self.blob))


class GrowingStrings:
    """A column to which others are appended."""

    def __init__(self, folder: Path | None = None) -> None:
        """No texts yet; `folder` is that of `GrowingArray`."""
        self._offsets = GrowingArray(np.int64, folder)
        self._offsets.append(np.zeros(1, dtype=np.int64))
        self._blob = GrowingArray(np.uint8, folder)

    def append(self, column: StringColumn) -> None:
        """Add the texts of a column at the end."""
        self._offsets.append(column.offsets[1:] + len(self._blob))
        self._blob.append(column.blob)

    def column(self) -> StringColumn:
        """All texts appended so far."""
        return StringColumn(self._offsets.array(), self._blob.array())
