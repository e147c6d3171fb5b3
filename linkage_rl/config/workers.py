"""Work distributed over processes, with the results in the order of the items."""

import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from threading import Thread
from typing import Any, Final, TypeVar

from linkage_rl.errors import LinkageError

Item = TypeVar("Item")
Result = TypeVar("Result")

FORKS: Final = sys.platform == "linux"
"""Whether a worker begins as a copy of this process, with everything that it has loaded; elsewhere
libraries of the system do not survive that, and it begins empty."""


def in_order(
    act: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """What `act` returns for each item, in their order; up to `workers` are worked on at once.

    Args:
        act: Pure. Where there are several workers and not `FORKS`, importable by a fresh process;
            where they fork, without open connections.
        items: Taken one by one, only a few ahead.
        workers: Number of processes; 1 works in this one.

    Raises:
        LinkageError: A process was killed.
    """
    if workers == 1:
        yield from map(act, items)
        return
    running: deque[Future[Result]] = deque()
    try:
        with _pool(act, workers) as pool:
            for item in items:
                with warnings.catch_warnings():
                    # of Python from 3.12 on: the other threads, those of libraries, are idle now
                    warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
                    running.append(pool.submit(_work, item))
                # one more is queued, so that no process is idle while results are written
                if len(running) > workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
    except BrokenProcessPool:
        raise LinkageError(
            "a worker process was killed, perhaps for lack of memory; use fewer workers"
        ) from None


def _pool(act: Callable[[Any], Any], workers: int) -> ProcessPoolExecutor:
    """Processes that begin at the first item; with a fork `act` is not even pickled."""
    context: BaseContext = multiprocessing.get_context("fork" if FORKS else "spawn")
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(act,))


_acts: Final[list[Callable[[Any], Any]]] = []
"""What a worker process does with an item; nothing in other processes."""


def _begin(act: Callable[[Any], Any]) -> None:
    _follow_parent()
    _acts[:] = [act]


def _work(item: Any) -> Any:
    return _acts[0](item)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
