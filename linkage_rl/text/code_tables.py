"""Tables with an entry for every code point, of which hardly any page takes memory.

A table says something of a few thousand characters. It lies in memory of its own that is zero until
it is written to, so that only the pages of those characters exist; for this to help, the entry of
any other character is 0. What characters become is therefore kept as what is added to each.
"""

import mmap
from contextlib import suppress
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
"""Code points of a text, shape (characters,), or what each code point becomes, shape (SIZE,)."""
Shifts = NDArray[np.uint32]
"""What is added to each code point, modulo 2^32; 0 for a character that stays. Shape (SIZE,)."""
Flags = NDArray[np.uint8]
"""1 for the code points of a kind, else 0; shape (SIZE,)."""

DROP: Final = 0x110000
"""Code of a character that is dropped; one above the last code point."""
SIZE: Final = DROP + 1

_OWN: Final[dict[str, Any]] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_ANONYMOUS") else {}
)
"""Of memory that is not shared: reading a page of it that was never written takes none."""

Table = TypeVar("Table", bound=NDArray[Any])


def sparse(values: Table) -> Table:
    """A copy, writable, that takes memory only where there is something but 0.

    >>> sparse(np.array([0, 7, 0], dtype=np.uint8)).tolist()
    [0, 7, 0]
    """
    room = mmap.mmap(-1, values.nbytes, **_OWN)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        # one entry would otherwise take two megabytes where the system prefers large pages
        # systems without such pages refuse the advice
        with suppress(OSError):
            room.madvise(mmap.MADV_NOHUGEPAGE)
    copy = np.frombuffer(room, dtype=values.dtype)
    written = np.flatnonzero(values)
    copy[written] = values[written]
    return copy  # type: ignore[return-value]


def shifts_of(codes: Codes) -> Shifts:
    """The table that makes these codes of all code points."""
    shifts: Shifts = codes - _every_code()
    return sparse(shifts)


def codes_of(shifts: Shifts) -> Codes:
    """The inverse of `shifts_of`: what each code point becomes."""
    codes: Codes = shifts + _every_code()
    return codes


def code_of(char: str, shifts: Shifts) -> int:
    """What one character becomes."""
    return (ord(char) + int(shifts[ord(char)])) & 0xFFFFFFFF


def flags_of(chars: str) -> Flags:
    """1 for each of these characters."""
    flags = sparse(np.zeros(SIZE, dtype=np.uint8))
    flags[[ord(char) for char in chars]] = 1
    return flags


def flags_between(*bounds: tuple[int, int]) -> Flags:
    """1 for the code points from the first to before the second of each of these pairs."""
    flags = sparse(np.zeros(SIZE, dtype=np.uint8))
    for start, stop in bounds:
        flags[start:stop] = 1
    return flags


def table_of(changes: dict[str, str]) -> Shifts:
    """A table for folded text: identity, but for these characters; '' drops one.

    >>> chr(codes_of(table_of({"髙": "高"}))[ord("髙")])
    '高'
    """
    codes = _every_code()
    for char, new in changes.items():
        codes[ord(char)] = ord(new) if new else DROP
    return shifts_of(codes)


def _every_code() -> Codes:
    return np.arange(SIZE, dtype=np.uint32)
