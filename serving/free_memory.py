"""Gives the system back what the work on long lists has left in this process."""

import ctypes
import gc
from collections.abc import Callable
from typing import Final


def _trim() -> Callable[[int], int] | None:
    """`malloc_trim` of glibc; None in a system with another C library."""
    try:
        found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except OSError:
        return None
    return found


_TRIM: Final = _trim()


def free_memory() -> None:
    """Free what nothing refers to, which takes some milliseconds, more after very long lists.

    The memory of arrays that were freed stays with the process otherwise, up to a third of what it
    has of its own.
    """
    gc.collect()
    if _TRIM is not None:
        _TRIM(0)
