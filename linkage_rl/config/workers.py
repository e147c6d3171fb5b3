"""Work distributed over processes, with the results in the order of the items."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import TypeVar

from linkage_rl.errors import LinkageError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    act: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """What `act` returns for each item, in their order; up to `workers` are worked on at once.

    Args:
        act: Pure, and importable by a fresh process unless there is only one worker.
        items: Taken one by one, only a few ahead.
        workers: Number of processes; 1 works in this one.

    Raises:
        LinkageError: A process was killed.
    """
    if workers == 1:
        yield from map(act, items)
        return
    # spawned, not forked: the libraries in this process have threads
    spawn = multiprocessing.get_context("spawn")
    running: deque[Future[Result]] = deque()
    try:
        with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow_parent) as pool:
            for item in items:
                running.append(pool.submit(act, item))
                # one more is queued, so that no process is idle while results are written
                if len(running) > workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
    except BrokenProcessPool:
        raise LinkageError(
            "a worker process was killed, perhaps for lack of memory; use fewer workers"
        ) from None


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
