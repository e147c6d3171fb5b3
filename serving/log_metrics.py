"""Counts what becomes of the decisions that are to be logged.

Every one of them is written, dropped for a reason, or still waiting. A worker that is killed leaves
its counters behind, and its successor finds in them how many decisions waited at that moment.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Metric

QUEUE_FULL: Final = "queue_full"
"""Too many decisions waited already."""
REFUSED: Final = "refused"
"""The log does not take this one."""
STOPPED: Final = "stopped"
"""The server stopped before it was written."""
KILLED: Final = "killed"
"""Its worker was killed before it was written."""
_REASONS: Final = (QUEUE_FULL, REFUSED, STOPPED, KILLED)
_NAMES: Final = {
    "linkage_log_decisions_total": "decisions",
    "linkage_log_written_total": "written",
    "linkage_log_dropped_total": "dropped",
}


class LogMetrics:
    """Counters of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "linkage_log_decisions", "Decisions to be logged.", registry=registry
        )
        self._written = Counter("linkage_log_written", "Decisions logged.", registry=registry)
        self._dropped = Counter(
            "linkage_log_dropped", "Decisions lost to the log.", ["reason"], registry=registry
        )
        for reason in _REASONS:
            # a counter without values is not shown
            self._dropped.labels(reason)

    def add(self, count: int) -> None:
        """Count decisions that are to be logged."""
        self._decisions.inc(count)

    def write(self, count: int) -> None:
        """Count decisions that are in the log now."""
        self._written.inc(count)

    def drop(self, reason: str, count: int) -> None:
        """Count decisions that will never be."""
        self._dropped.labels(reason).inc(count)

    def totals(self) -> dict[str, int]:
        """`totals_of` this worker."""
        counters = (self._decisions, self._written, self._dropped)
        return totals_of(metric for one in counters for metric in one.collect())


def totals_of(metrics: Iterable[Metric]) -> dict[str, int]:
    """Decisions that were `written` and `dropped`, and those still `waiting`."""
    found = dict.fromkeys(_NAMES.values(), 0)
    for metric in metrics:
        for sample in metric.samples:
            if (name := _NAMES.get(sample.name)) is not None:
                found[name] += int(sample.value)
    waiting = found.pop("decisions") - found["written"] - found["dropped"]
    return found | {"waiting": waiting}
