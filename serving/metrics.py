"""What Prometheus may ask of the server, summed over all workers."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that names the folder in which the workers of a server add up."""
_SECONDS: Final = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Meters:
    """Counters of one worker."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._own = own
        self.requests = Counter(
            "linkage_requests", "Requests answered.", ["path", "status"], registry=own
        )
        self.latency = Histogram(
            "linkage_request_seconds",
            "Time from the whole request to the answer.",
            ["path"],
            buckets=_SECONDS,
            registry=own,
        )
        self.decisions = Counter(
            "linkage_decisions", "Clients by decision.", ["model", "decision"], registry=own
        )
        self.blockers = Counter(
            "linkage_blockers_run", "Blockers run.", ["model", "blocker"], registry=own
        )
        self.database = Histogram(
            "linkage_database_seconds",
            "Time that reading companies back took, for each request that needed it.",
            buckets=_SECONDS,
            registry=own,
        )
        self.stale = Counter(
            "linkage_stale_answers", "Answers given without the database.", registry=own
        )
        self.index_age = Gauge(
            "linkage_index_age_seconds",
            "Time since the index was last level with the database.",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self.index_companies = Gauge(
            "linkage_index_companies",
            "Companies in the index.",
            registry=own,
            multiprocess_mode="mostrecent",
        )

    def decided(
        self, model: str, decisions: Mapping[str, int], blockers: Mapping[str, int]
    ) -> None:
        """Count the clients of one request."""
        for decision, count in decisions.items():
            self.decisions.labels(model, decision).inc(count)
        for blocker, count in blockers.items():
            self.blockers.labels(model, blocker).inc(count)

    def text(self) -> bytes:
        """All workers' figures in Prometheus' text format."""
        registry = CollectorRegistry()
        if os.environ.get(SHARED_FOLDER):
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry = self._own
        rate = CollectorRegistry()
        rate.register(_LinkageRate(registry.collect))
        return generate_latest(registry) + generate_latest(rate)


class _LinkageRate(Collector):
    """Linked clients over all clients, by model, since the server started."""

    def __init__(self, counted: Callable[[], Iterable[Metric]]) -> None:
        self._counted = counted

    def collect(self) -> Iterable[Metric]:
        """The one gauge."""
        linked: dict[str, float] = {}
        total: dict[str, float] = {}
        for metric in self._counted():
            if metric.name != "linkage_decisions":
                continue
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    model, decision = sample.labels["model"], sample.labels["decision"]
                    total[model] = total.get(model, 0) + sample.value
                    linked[model] = linked.get(model, 0) + sample.value * (decision == "link")
        gauge = GaugeMetricFamily(
            "linkage_rate", "Linked clients over all clients since the start.", labels=["model"]
        )
        for model, count in total.items():
            if count:
                gauge.add_metric([model], linked[model] / count)
        yield gauge
