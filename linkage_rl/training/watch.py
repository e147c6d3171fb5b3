"""Says what a run is doing, and how long and how much memory each stage took."""

import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


class Stopwatch:
    """Wall seconds of each stage of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage and report it when it ends."""
        begin = time.perf_counter()
        _log.info("%s ...", stage)
        yield
        self.seconds[stage] = time.perf_counter() - begin
        _log.info("%s: %.1f s, peak %d MB", stage, self.seconds[stage], self.peak_memory_mb)

    @property
    def peak_memory_mb(self) -> int:
        """Largest resident memory of this process so far, in MB."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
