"""Workers count in shared memory: for all of them, after a restart, and whatever the disk does."""

from pathlib import Path

import pytest
from prometheus_client import values

from serving.metrics import Metrics
from serving.refusals import RefusalLog, read_counts
from serving.run_folder import prepare
from serving.settings import METRICS_FOLDER, ServerSettings
from tests.serving.http_client import free_port


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder for two workers, in whose environment this process is."""
    folder = tmp_path / "run"
    prepare(ServerSettings(folder, "127.0.0.1", free_port(), 2, 6, refresher=False))
    monkeypatch.setenv(METRICS_FOLDER, str(folder / "metrics"))
    # the library chooses once for the whole process
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    return folder


def count_all(metrics: Metrics) -> None:
    """Use every kind of metric."""
    metrics.requests.labels("/ping", "200").inc()
    metrics.latency.labels("/ping").observe(0.01)
    metrics.database.observe(0.01)
    metrics.index_age.set(5)


def test_every_worker_shows_the_sum(run_folder: Path) -> None:
    first = Metrics("worker-1")
    count_all(first)
    count_all(Metrics("worker-2"))

    text = first.text().decode()

    assert 'linkage_requests_total{path="/ping",status="200"} 2.0' in text
    assert 'linkage_request_seconds_count{path="/ping"} 2.0' in text
    assert "linkage_index_age_seconds 5.0" in text


def test_a_restarted_worker_goes_on_counting(run_folder: Path) -> None:
    count_all(Metrics("worker-1"))
    again = Metrics("worker-1")
    count_all(again)

    assert 'linkage_requests_total{path="/ping",status="200"} 2.0' in again.text().decode()


def test_no_metric_is_on_the_disk(run_folder: Path) -> None:
    """A mapped file on a full disk would end its process with SIGBUS."""
    for name in ("worker-1", "worker-2"):
        metrics = Metrics(name)
        count_all(metrics)
        for number in range(2000):
            metrics.count_clients(f"model-{number}", {"link": 1}, {"ngram": 1})

    files = list((run_folder / "metrics").iterdir())
    assert len(files) == 7
    assert all(file.readlink().is_relative_to("/proc/self/fd") for file in files)
    assert 'linkage_decisions_total{decision="link",model="model-1999"} 2.0' in (
        metrics.text().decode()
    )


def test_what_nginx_refuses_is_among_the_requests(run_folder: Path) -> None:
    printed: list[str] = []
    log = RefusalLog(run_folder, printed.append)
    log.start()
    with (run_folder / "nginx.log").open("w") as nginx:
        nginx.write('{"status":413}\n{"status":413}\n{"status":400}\n{"status":9999}\nno JSON\n')
    log.close()

    assert printed == [*['{"status":413}'] * 2, '{"status":400}', '{"status":9999}', "no JSON"]
    assert read_counts(run_folder) == {400: 1, 413: 2}
    text = Metrics("worker-1").text().decode()
    assert 'linkage_requests_total{path="nginx",status="413"} 2.0' in text
    assert text.count("# TYPE linkage_requests_total counter") == 1


def test_without_a_supervisor_nothing_was_refused(tmp_path: Path) -> None:
    assert read_counts(tmp_path) == {}
