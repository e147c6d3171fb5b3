"""Prometheus metrics, summed over all workers.

Under the supervisor every worker keeps its values in shared memory (`serving.shared_memory`), where
those of a worker that died stay, and its successor goes on counting.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.log_metrics import LogMetrics, totals_of
from serving.refusals import read_counts
from serving.settings import METRICS_FOLDER

_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the buckets of durations."""


NGINX: Final = "nginx"
"""Path, in the counter of requests, of those that nginx refused."""


_Labelled = TypeVar("_Labelled", Counter, Histogram)


class Metrics:
    """Metrics of one worker."""

    def __init__(self, process: str = "") -> None:
        """Start counting where an earlier process of this name stopped.

        Args:
            process: Name of the worker, which no other running worker has; '' without supervisor.
        """
        if process and os.environ.get(METRICS_FOLDER):
            values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
                lambda: process
            )
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "linkage_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self.latency = Histogram(
            "linkage_request_seconds",
            "Time from the headers of a request to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.decisions = Counter(
            "linkage_decisions", "Clients by decision.", ["model", "decision"], registry=registry
        )
        self.blockers = Counter(
            "linkage_blockers_run", "Blockers run.", ["model", "blocker"], registry=registry
        )
        self.database = Histogram(
            "linkage_database_seconds",
            "Time that reading companies back took, for each request that needed it.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.stale = Counter(
            "linkage_stale_answers", "Answers given without the database.", registry=registry
        )
        self.log = LogMetrics(registry)
        self._children: dict[tuple[object, ...], Any] = {}
        self.index_age = Gauge(
            "linkage_index_age_seconds",
            "Time since the index was last in sync with the database.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self.index_companies = Gauge(
            "linkage_index_companies",
            "Companies in the index.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Args:
            path: Its route.
            status: Of its answer.
            seconds: From its headers to its answer.
        """
        self._child(self.requests, path, str(status)).inc()
        self._child(self.latency, path).observe(seconds)

    def count_clients(
        self, model: str, decisions: Mapping[str, int], blockers: Mapping[str, int]
    ) -> None:
        """Count the clients of one request.

        Args:
            model: Name of the model.
            decisions: Kind of decision to number of clients.
            blockers: Name of a blocker to number of clients for which it was run.
        """
        for decision, count in decisions.items():
            self._child(self.decisions, model, decision).inc(count)
        for blocker, count in blockers.items():
            self._child(self.blockers, model, blocker).inc(count)

    def _child(self, metric: _Labelled, *labels: str) -> _Labelled:
        """`metric.labels(*labels)`, which takes longer than counting does."""
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def log_totals(self) -> dict[str, int]:
        """What became of the decisions of all workers, see `log_metrics.totals_of`."""
        return totals_of(self._of_all_workers().collect())

    def text(self) -> bytes:
        """The metrics of all workers in Prometheus' text format."""
        registry = self._of_all_workers()
        rate = CollectorRegistry()
        rate.register(_LinkageRate(registry.collect))
        return generate_latest(registry) + generate_latest(rate)

    def _of_all_workers(self) -> CollectorRegistry:
        folder = os.environ.get(METRICS_FOLDER)
        if not folder:
            return self._registry
        registry = CollectorRegistry()
        registry.register(_AllProcesses(Path(folder)))
        return registry


class _AllProcesses(Collector):
    """The metrics of all workers, and the requests that nginx refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workers = multiprocess.MultiProcessCollector(  # type: ignore[no-untyped-call]
            None, str(folder)
        )

    def collect(self) -> Iterable[Metric]:
        """The metrics, with those of nginx among the requests."""
        metrics = {metric.name: metric for metric in self._workers.collect()}  # type: ignore[no-untyped-call]
        if refused := read_counts(self._folder.parent):
            requests = metrics.setdefault(
                "linkage_requests", CounterMetricFamily("linkage_requests", "Requests answered.")
            )
            for status, count in refused.items():
                labels = {"path": NGINX, "status": str(status)}
                requests.add_sample("linkage_requests_total", labels, count)
        return metrics.values()


class _LinkageRate(Collector):
    """Linked clients over all clients, by model, since the server started."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """The gauge, computed from the counter of decisions."""
        linked: dict[str, float] = {}
        total: dict[str, float] = {}
        for model, decision, count in self._decisions():
            total[model] = total.get(model, 0) + count
            linked[model] = linked.get(model, 0) + count * (decision == "link")
        gauge = GaugeMetricFamily(
            "linkage_rate", "Linked clients over all clients since the start.", labels=["model"]
        )
        for model, count in total.items():
            if count:
                gauge.add_metric([model], linked[model] / count)
        yield gauge

    def _decisions(self) -> Iterable[tuple[str, str, float]]:
        """Model, kind of decision and number of clients."""
        for metric in self._collect():
            if metric.name == "linkage_decisions":
                for sample in metric.samples:
                    if sample.name.endswith("_total"):
                        yield sample.labels["model"], sample.labels["decision"], sample.value
