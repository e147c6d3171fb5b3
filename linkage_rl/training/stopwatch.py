"""Logs the stages of a run, with the time and the memory that each took."""

import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Stopwatch:
    """Measures the wall time of each stage of a run, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage; log its name when it begins and its time when it ends."""
        begin = time.perf_counter()
        _log.info("%s ...", stage)
        yield
        self.seconds[stage] = time.perf_counter() - begin
        _log.info("%s: %.1f s, peak %d MB", stage, self.seconds[stage], self.peak_memory_mb)

    @property
    def peak_memory_mb(self) -> int:
        """Largest resident memory of this process so far, in MB."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
