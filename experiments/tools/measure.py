"""Clocks, memory, and subprocesses for whatever is judged by its memory."""

import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from linkage_rl.errors import LinkageError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


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


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    # ru_maxrss of a new process starts at the size of its parent; VmHWM starts at zero
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line for line in lines if line.startswith("VmHWM:")]
    kilobytes = int(found[0].split()[1]) if found else _usage(resource.RUSAGE_SELF)
    return kilobytes / 1024


def peak_of_children_mb() -> float:
    """Largest resident memory of the programs that this process started and that ended, in MB."""
    return _usage(resource.RUSAGE_CHILDREN) / 1024


def _usage(who: int) -> int:
    return resource.getrusage(who).ru_maxrss


def run_in_subprocess(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call a function in a fresh process, so that its memory is counted from zero.

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


def machine() -> dict[str, Any]:
    """What the figures were measured on: cores, processor, load, system, Python."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else platform.machine(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }
