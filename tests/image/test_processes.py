"""Start and stop of a serving container."""

import json
from pathlib import Path

import pytest

from tests.image.containers import run_container

pytestmark = pytest.mark.image

CLIENTS = json.dumps({"clients": [{"client_id": "1", "name": "株式会社山田商店"}]}).encode()
JSON = {"Content-Type": "application/json"}


def test_it_serves_and_stops_on_sigterm(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle) as container:
        address = "/endpoints/linkage/invocations"
        answer = container.send(address, CLIENTS, JSON)
        code = container.stop()

        assert answer.status == 200
        assert [result["client_id"] for result in answer.json["results"]] == ["1"]
        assert code == 0
        assert container.lines()[-1]["message"] == "stopped"


def test_workers_that_cannot_start_end_the_container(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle, wait=False, LINKAGE_MAX_CLIENTS="many") as container:
        assert container.wait(60) == 1
        assert "died 6 times within 60 s" in container.logs()
        assert "LINKAGE_MAX_CLIENTS: expected a whole number of 1 or more" in container.logs()


def test_it_runs_as_any_user(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle, options=("--user", "1000:1000")) as container:
        assert container.send("/ping").status == 200
        assert container.stop() == 0
