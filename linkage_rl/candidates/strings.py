"""Texts as one UTF-8 blob with offsets: memory-mapped, gathered without a Python loop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _text
from linkage_rl.candidates.growing import GrowingArray, checked_offsets, kept_in

_MOST_CODED: Final = 1 << 16
"""Distinct texts that 16 bits number."""
_MOST_KEPT: Final = 4 << 20
"""Characters of distinct texts that are kept to number others."""
_PIECE: Final = 1 << 16
"""Texts that are copied together."""


@dataclass(frozen=True)
class StringColumn:
    """N texts without newlines, never changed, and cheap to map from disk."""

    offsets: NDArray[np.uint32]
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
        offsets = np.zeros(len(texts) + 1, dtype=np.uint32)
        offsets[1:] = checked_offsets(ends - np.arange(len(ends)))
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
        ends = np.cumsum(self.offsets[index + 1] - self.offsets[index], dtype=np.int64)
        offsets = np.zeros(len(index) + 1, dtype=np.uint32)
        offsets[1:] = checked_offsets(ends)
        return StringColumn(offsets, raw[raw != 10])

    def lengths(self) -> NDArray[np.integer]:
        """Bytes of each text, shape (N,)."""
        lengths: NDArray[np.integer] = np.diff(self.offsets)
        return lengths

    @property
    def has_text(self) -> bool:
        """Whether any text is not empty."""
        return len(self.blob) > 0

    def kept_in(self, folder: Path | None) -> "StringColumn":
        """The same in files of the folder if one is given."""
        return StringColumn(kept_in(folder, self.offsets), kept_in(folder, self.blob))


@dataclass(frozen=True)
class CodedColumn:
    """N texts of which few differ, such as cities: each distinct one once, and numbers of them."""

    codes: NDArray[np.unsignedinteger]
    """Place of text i in `texts`, in 8 or 16 bits; shape (N,)."""
    texts: StringColumn

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.integer]) -> list[str]:
        """The texts at these positions, in this order."""
        if len(rows) and rows.min() < 0:
            raise IndexError(f"expected rows of 0 or more, got {rows.min()}")
        return self.texts.take(self.codes[rows])

    def lengths(self) -> NDArray[np.integer]:
        """Bytes of each text, shape (N,)."""
        lengths: NDArray[np.integer] = self.texts.lengths()[self.codes]
        return lengths

    @property
    def has_text(self) -> bool:
        """Whether any text is not empty."""
        return self.texts.has_text


TextColumn = StringColumn | CodedColumn
"""N texts, in the form that takes less room."""


class GrowingStrings:
    """A column to which others are appended."""

    def __init__(self, folder: Path | None = None) -> None:
        """No texts yet; `folder` is that of `GrowingArray`."""
        self._offsets = GrowingArray(np.uint32, folder)
        self._offsets.append(np.zeros(1, dtype=np.uint32))
        self._blob = GrowingArray(np.uint8, folder)

    def append(self, column: StringColumn) -> None:
        """Add the texts of a column at the end."""
        ends = column.offsets[1:].astype(np.int64) + len(self._blob)
        self._offsets.append(checked_offsets(ends))
        self._blob.append(column.blob)

    def column(self) -> StringColumn:
        """All texts appended so far."""
        return StringColumn(self._offsets.array(), self._blob.array())


class GrowingTexts:
    """Texts to which others are appended, numbered for as long as few of them differ."""

    def __init__(self, folder: Path | None = None) -> None:
        """No texts yet; `folder` is that of `GrowingArray`."""
        self._folder = folder
        self._numbers: dict[str, int] = {}
        self._size = 0
        self._codes = GrowingArray(np.uint16, folder)
        self._plain: GrowingStrings | None = None

    def append(self, texts: Sequence[str]) -> None:
        """Add texts at the end."""
        if self._plain is None:
            numbers, known = self._numbers, len(self._numbers)
            codes = [numbers.setdefault(text, len(numbers)) for text in texts]
            self._size += sum(map(len, islice(numbers, known, None)))
            if len(numbers) <= _MOST_CODED and self._size <= _MOST_KEPT:
                self._codes.append(np.array(codes, dtype=np.uint16))
                return
            self._plain = self._spelled_out()
        self._plain.append(StringColumn.from_texts(texts))

    def column(self) -> TextColumn:
        """All texts appended so far; nothing can be appended afterwards."""
        if self._plain is None and 2 * len(self._numbers) > len(self._codes):
            self._plain = self._spelled_out()
        if self._plain is not None:
            return self._plain.column()
        codes = self._codes.array()
        if len(self._numbers) <= 1 << 8:
            codes = kept_in(self._folder, codes.astype(np.uint8))
        return CodedColumn(codes, StringColumn.from_texts([*self._numbers]))

    def _spelled_out(self) -> GrowingStrings:
        """The texts whose numbers were kept so far."""
        distinct, codes = StringColumn.from_texts([*self._numbers]), self._codes.array()
        plain = GrowingStrings(self._folder)
        for begin in range(0, len(codes), _PIECE):
            plain.append(distinct.select(codes[begin : begin + _PIECE]))
        self._numbers, self._codes = {}, GrowingArray(np.uint16)
        return plain
