"""Work on other cores by threads, where functions leave Python's lock to numpy, torch or kernels.

Results are those of one thread: order and random draws do not depend on how many there are.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST: Final = 4
"""Threads of `spread`: each holds what it works on in memory."""
_NO_MORE: Final = object()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items in their order, each made on another thread while the one before is used.

    An error that making an item raises is raised in its place.

    >>> list(ahead(range(3)))
    [0, 1, 2]
    """
    source = iter(items)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, source, _NO_MORE)
        while (item := following.result()) is not _NO_MORE:
            following = pool.submit(next, source, _NO_MORE)
            yield item  # type: ignore[misc]


def spread(work: Callable[[Item], Result], parts: Sequence[Item]) -> Iterator[Result]:
    """What the function makes of each part, in their order, several at a time.

    An error is raised in the place of the result.

    >>> list(spread(str, [1, 2, 3]))
    ['1', '2', '3']
    """
    threads = min(_processors(), _MOST, len(parts))
    if threads < 2:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, parts)


def _processors() -> int:
    """Processors that this process may use; all of the machine where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
