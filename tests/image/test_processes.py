"""Start and stop of a serving container."""

import json
from pathlib import Path

import pytest

from tests.image.containers import run_container

pytestmark = pytest.mark.image

CLIENTS = json.dumps({"clients": [{"client_id": "1", "name": "株式会社山田商店"}]}).encode()
JSON = {"Content-Type": "application/json"}


def test_it_serves_as_any_user_and_stops_on_sigterm(image: str, sample_bundle: Path) -> None:
    with run_container(image, sample_bundle, options=("--user", "1000:1000")) as container:
        address = "/endpoints/linkage/invocations"
        answer = container.send(address, CLIENTS, JSON)
        code = container.stop()

        assert answer.status == 200
        assert [result["client_id"] for result in answer.json["results"]] == ["1"]
        assert code == 0
        assert container.lines()[-1]["message"] == "stopped"


def test_an_invalid_variable_ends_the_container_with_one_sentence(
    image: str, sample_bundle: Path
) -> None:
    with run_container(image, sample_bundle, wait=False, LINKAGE_MAX_CLIENTS="many") as container:
        assert container.wait(60) == 2
        (line,) = container.lines()
        assert line["message"].startswith("LINKAGE_MAX_CLIENTS: expected a whole number of 1 or")


def test_without_a_bundle_it_ends_soon_with_one_sentence(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with run_container(image, tmp_path, wait=False) as container:
        assert container.wait(15) == 2
        (line,) = [line for line in container.lines() if line["level"] != "info"]
        assert "expected a bundle in /opt/ml/model, found no manifest.json" in line["message"]
        assert "Traceback" not in container.logs()


def test_the_root_may_be_read_only(image: str, sample_bundle: Path) -> None:
    options = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    with run_container(image, sample_bundle, options=options) as container:
        assert container.send("/endpoints/linkage/invocations", CLIENTS, JSON).status == 200


def test_the_run_folder_may_be_a_mount(image: str, sample_bundle: Path) -> None:
    options = ("--tmpfs", "/run/linkage:mode=1777")
    with run_container(
        image, sample_bundle, options=options, LINKAGE_RUN_DIR="/run/linkage"
    ) as container:
        assert container.send("/endpoints/linkage/invocations", CLIENTS, JSON).status == 200
