"""The processes of a serving container: start, death, stop."""

import json
import socket
import time
from pathlib import Path

import pytest

from tests.image.containers import run_container

pytestmark = pytest.mark.image

CLIENTS = json.dumps({"clients": [{"client_id": "1", "name": "株式会社山田商店"}]}).encode()
JSON = {"Content-Type": "application/json"}


def test_it_serves_and_ends_at_sigterm(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle) as container:
        address = "/endpoints/linkage/invocations"
        answer = container.ask(address, CLIENTS, JSON)
        code = container.stop()

        assert answer.status == 200
        assert [result["client_id"] for result in answer.json["results"]] == ["1"]
        assert code == 0
        assert container.lines()[-1]["message"] == "stopped"


def test_a_killed_worker_is_started_again_unnoticed(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle) as container:
        first = _started(container.lines(), "worker-1")[-1]
        container.shell(f"kill -9 {first}")
        statuses = []
        deadline = time.monotonic() + 20
        while len(_started(container.lines(), "worker-1")) < 2 and time.monotonic() < deadline:
            statuses.append(container.ask("/invocations", CLIENTS, JSON).status)

        assert len(_started(container.lines(), "worker-1")) == 2
        assert {*statuses} == {200}


def test_workers_that_cannot_start_end_the_container(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle, wait=False, LINKAGE_MAX_CLIENTS="many") as container:
        assert container.wait(60) == 1
        assert "died 6 times within 60 s" in container.logs()
        assert "LINKAGE_MAX_CLIENTS: expected a whole number of 1 or more" in container.logs()


def test_it_runs_for_any_user(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle, options=("--user", "1000:1000")) as container:
        assert container.ask("/ping").status == 200
        assert container.stop() == 0


def test_slow_clients_are_cut_off(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle) as container:
        host, port = container.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
            )
            begin = time.monotonic()
            connection.recv(1000)

        assert 8 < time.monotonic() - begin < 15


def _started(lines: list[dict[str, object]], name: str) -> list[object]:
    started = [line for line in lines if line["message"] == "started"]
    return [line["pid"] for line in started if line["process"] == name]
