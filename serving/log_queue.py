"""Decisions that wait to be logged, in one worker; every one of them is accounted for.

Those that were made together, for one long list or a batch of small requests, are taken or dropped
together.
"""

import threading
import time
from collections import deque
from typing import Final

from serving.log_metrics import QUEUE_FULL, STOPPED, LogMetrics
from serving.log_rows import LoggedDecisions

BATCH: Final = 500
"""Decisions that are written together."""
PATIENCE_S: Final = 0.25
"""How long fewer decisions wait for others, with which they are written."""


class LogQueue:
    """A queue that one thread empties, and that never makes others wait."""

    def __init__(self, metrics: LogMetrics, limit: int) -> None:
        """An empty queue.

        Args:
            metrics: Where decisions are counted.
            limit: Decisions that may wait; others are taken while fewer do.
        """
        self._metrics = metrics
        self._limit = limit
        self._changed = threading.Condition()
        self._batches: deque[LoggedDecisions] = deque()
        self._waiting = 0
        self._deadline: float | None = None
        self._has_ended = False

    def offer(self, batch: LoggedDecisions) -> None:
        """Take decisions that were made together, or drop them where too many wait."""
        with self._changed:
            self._metrics.add(len(batch))
            if self._deadline is not None:
                self._metrics.drop(STOPPED, len(batch))
            elif self._waiting >= self._limit:
                self._metrics.drop(QUEUE_FULL, len(batch))
            else:
                self._batches.append(batch)
                self._waiting += len(batch)
                # the thread that waits for a batch need not look at every one
                if len(self._batches) == 1 or self._has_enough():
                    self._changed.notify()

    def take(self) -> list[LoggedDecisions]:
        """Wait for about `BATCH` decisions; none once the queue is closed and empty."""
        taken: list[LoggedDecisions] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self.is_closing)
            self._changed.wait_for(self._has_enough, PATIENCE_S)
            while self._batches and size < BATCH and not self.is_over:
                taken.append(self._batches.popleft())
                size += len(taken[-1])
        return taken

    def finish(self, count: int, dropped: str = "") -> None:
        """So many decisions that were taken are written, or dropped for a reason."""
        with self._changed:
            if self._has_ended:
                # they are among those that `end` has dropped
                return
            self._waiting -= count
            if dropped:
                self._metrics.drop(dropped, count)
            else:
                self._metrics.write(count)

    def pause(self, seconds: float) -> None:
        """Wait; less once the queue is closed."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.is_closing, timeout=seconds):
                return
        time.sleep(min(seconds, PATIENCE_S))

    def _has_enough(self) -> bool:
        return self._waiting >= BATCH or self.is_closing

    @property
    def is_closing(self) -> bool:
        """Whether nothing is taken any more."""
        return self._deadline is not None

    @property
    def is_over(self) -> bool:
        """Whether there is no time left to write what waits."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def close(self, timeout_s: float) -> None:
        """Take nothing any more; what waits may be written for so long."""
        with self._changed:
            self._deadline = time.monotonic() + timeout_s
            self._changed.notify_all()

    def end(self) -> int:
        """Drop what still waits; returns how many decisions these are."""
        with self._changed:
            self._has_ended = True
            lost, self._waiting = self._waiting, 0
            self._batches.clear()
            self._metrics.drop(STOPPED, lost)
        return lost
