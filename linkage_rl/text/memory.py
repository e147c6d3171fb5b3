"""Results that are remembered by their text, in a bounded number of bytes."""

import sys
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_BYTES: Final = 16 << 20
"""Of the keys and values that are remembered of one function."""
_ENTRY: Final = 120
"""Bytes that an entry takes in a dict, beside its key and value."""


class Remembered(dict[Key, Value], Generic[Key, Value]):
    """The results of a function: `remembered[key]` computes what is not there.

    Every second result is forgotten when all take more than `MAX_BYTES`, however long the keys are:
    of a list that is read again and again, and is a little longer, most are still there. A key that
    is there is found as fast as in any dict. Threads may share it: a result that two of them
    compute at once is computed twice.
    """

    def __init__(self, function: Callable[[Key], Value], max_bytes: int = MAX_BYTES) -> None:
        """Remember nothing yet.

        Args:
            function: Computes the value of a key; gives the same for the same key.
            max_bytes: Of all keys and values together.
        """
        super().__init__()
        self._function = function
        self._max_bytes = max_bytes
        self.bytes = 0
        """What keys and values take now."""

    def __missing__(self, key: Key) -> Value:
        value = self._function(key)
        size = _ENTRY + size_of(key) + size_of(value)
        if size <= self._max_bytes:
            while self.bytes + size > self._max_bytes and self:
                self._forget_half()
            self[key] = value
            self.bytes += size
        return value

    def _forget_half(self) -> None:
        for key in list(self)[::2]:
            self.pop(key, None)
        # counted anew, as other threads may have changed both meanwhile
        kept = self.copy().items()
        self.bytes = sum(_ENTRY + size_of(key) + size_of(value) for key, value in kept)


def size_of(value: object) -> int:
    """Bytes of a text, or of a tuple or set with all that is in it."""
    size = sys.getsizeof(value)
    if isinstance(value, (tuple, frozenset)):
        size += sum(map(size_of, value))
    return size
