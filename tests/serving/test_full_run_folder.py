"""A run folder that is full: requests are answered, models are refused, workers start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.http_client import free_port, send
from tests.serving.supervised_server import TIMEOUT_S, Server

pytestmark = pytest.mark.slow
"""It needs nginx, and starts real workers."""

START_S = 90
"""Real workers import the libraries and load the bundle, on a busy machine slowly."""
JSON = {"Content-Type": "application/json"}
CLIENTS = '{"clients": [{"client_id": "k1", "name": "青空商事"}]}'.encode()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(small_disk: Path, bundle: Path) -> Iterator[Server]:
    """The real server on that disk."""
    port, output = free_port(), small_disk.parent / "output"
    variables = {
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "LINKAGE_BIND": "127.0.0.1",
        "LINKAGE_RUN_DIR": str(small_disk),
        "LINKAGE_MODEL_DIR": str(bundle),
        "LINKAGE_WORKERS": "2",
    }
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.supervisor"],
            env=os.environ | variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    started = Server(process, f"http://127.0.0.1:{port}", small_disk, output)
    try:
        started.wait_until_ready(START_S)
        yield started
    finally:
        assert started.stop() == 0


def fill(folder: Path) -> None:
    """Write until there is no room for another byte."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_a_full_run_folder_ends_nothing(server: Server, bundle: Path) -> None:
    """Metrics were mapped files once, and a full disk killed their workers (SIGBUS)."""
    fill(server.run_folder)
    before = server.pid("worker-1")
    loading = f'{{"model_name": "b", "url": "{bundle}"}}'.encode()

    refused = server.send("/models", loading, JSON)
    for number in range(30):
        # every path and status is a new metric
        server.send(f"/models/x{number}")
        server.send("/invocations", b"{", JSON)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT_S
    while server.pid("worker-1") == before and time.monotonic() < deadline:
        time.sleep(0.05)
    server.wait_until_ready(START_S)
    answers = [server.send("/invocations", CLIENTS, JSON) for _ in range(20)]

    assert refused.status == 507
    assert "No space left on device" in refused.json["error"]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].json["results"][0]["decision"] == "link"
    metrics = send(f"{server.url}/metrics").body.decode()
    assert 'linkage_requests_total{path="/invocations",status="400"} 30.0' in metrics
    deaths = [line for line in server.lines() if line.get("message") == "a process died"]
    assert [line["exit_code"] for line in deaths] == [-signal.SIGKILL]
