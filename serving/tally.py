"""Counts of a few answered requests, which are added to the metrics of a worker together."""

import asyncio

from serving.logs import RequestLog
from serving.metrics import Metrics

_Counts = dict[str, int]


class Tally:
    """Clients of the requests that one event loop has just answered.

    A count in shared memory takes as long for one client as for many, and the requests of a batch
    are answered one right after the other.
    """

    def __init__(self, metrics: Metrics) -> None:
        """Nothing is to be counted yet.

        Args:
            metrics: Where it will be.
        """
        self._metrics = metrics
        self._of_models: dict[str, tuple[_Counts, _Counts]] = {}
        """Model to kinds of decisions and blockers, with their numbers of clients."""

    def add(self, log: RequestLog) -> None:
        """Have the clients of a request counted before the event loop goes on to other work."""
        if not log.decisions:
            return
        if not self._of_models:
            asyncio.get_running_loop().call_soon(self.count)
        decisions, blockers = self._of_models.setdefault(log.model, ({}, {}))
        _add(decisions, log.decisions)
        _add(blockers, log.blockers)

    def count(self) -> None:
        """Count what was added."""
        of_models, self._of_models = self._of_models, {}
        for model, (decisions, blockers) in of_models.items():
            self._metrics.count_clients(model, decisions, blockers)


def _add(counts: _Counts, more: _Counts) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number
