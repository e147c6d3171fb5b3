"""Clocks, and processes of their own for whatever is judged by its memory."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final, ParamSpec, Self, TypeVar

import numpy as np

from linkage_rl.errors import LinkageError

FIRST: Final = 20
"""Candidates that every search names for a client."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")


class Clock:
    """Seconds spent inside its `with` blocks, summed over all of them."""

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.cpu_s = 0.0
        """Processor time of all threads of this process."""
        self._begin = (0.0, 0.0)

    def __enter__(self) -> Self:
        self._begin = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *error: object) -> None:
        self.wall_s += time.perf_counter() - self._begin[0]
        self.cpu_s += time.process_time() - self._begin[1]


@dataclass(frozen=True)
class Built:
    """What it took to make an index of the company file."""

    companies: int
    making: Clock
    """From the file to the index in memory."""
    saving: Clock
    peak_mb: float
    """Largest resident memory while making it, interpreter and libraries included."""

    @property
    def per_second(self) -> float:
        """Companies indexed per wall second."""
        return self.companies / self.making.wall_s


@dataclass(frozen=True)
class Searched:
    """What a search found for clients whose company stands in the table."""

    clients: int
    clock: Clock
    company: float
    """Share of the clients whose company is among the `FIRST`, in [0, 1]."""
    name: float
    """Share of the clients whose company's core name is among the `FIRST`, in [0, 1]."""

    @property
    def per_client_us(self) -> float:
        """Wall microseconds per client."""
        return 1e6 * self.clock.wall_s / self.clients


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    # ru_maxrss of a new process starts at the size of its parent; VmHWM starts anew
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line for line in lines if line.startswith("VmHWM:")]
    kilobytes = int(found[0].split()[1]) if found else _peak_of_usage()
    return kilobytes / 1024


def _peak_of_usage() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def alone(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call a function in a fresh process, so that its memory is its own.

    Raises:
        LinkageError: The process was killed.
    """
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            return pool.submit(function, *args, **kwargs).result()
    except BrokenProcessPool:
        raise LinkageError(
            f"the process of {function.__name__} was killed, perhaps for lack of memory; "
            "measure a smaller table"
        ) from None


def latencies_ms(act: Callable[[Item], object], items: Sequence[Item]) -> tuple[float, float]:
    """Median and 99th percentile of the wall milliseconds that one call takes."""
    took = []
    for item in items:
        begin = time.perf_counter()
        act(item)
        took.append(1e3 * (time.perf_counter() - begin))
    median, tail = np.percentile(took, (50, 99)).tolist()
    return median, tail
