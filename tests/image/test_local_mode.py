"""The SageMaker SDK's local mode, in its own virtual environment, with the serving image."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from experiments.tools.environments import environment_from
from linkage_rl.bundle import read_golden
from linkage_rl.exporting.archive import write_archive
from serving.parity import differences
from tests.image.containers import SETTINGS, START_S, STOP_S, Container, engine, inspect, program
from tests.serving.http_client import free_port

pytestmark = pytest.mark.local_mode

REQUIREMENTS = Path(__file__).with_name("sagemaker.txt")
NETWORK = "sagemaker-local"
"""Network of local mode; it has this name on every machine."""
LIMIT_S = 300
"""Local mode itself waits two minutes for `/ping`."""


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The interpreter of the virtual environment with the package sagemaker."""
    return environment_from(REQUIREMENTS)


@pytest.fixture
def docker_api() -> Iterator[Mapping[str, str]]:
    """Environment variables with which Docker Compose reaches the engine, also if it is podman."""
    if program() == "docker":
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="linkage-rl-podman-") as folder:
        socket = Path(folder) / "podman.sock"
        service = subprocess.Popen(
            [program(), "system", "service", "--time=0", f"unix://{socket}"],
            env=os.environ | {"CONTAINERS_CONF": str(SETTINGS)},
        )
        try:
            deadline = time.monotonic() + START_S
            while not socket.exists():
                assert service.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield {"DOCKER_HOST": f"unix://{socket}"}
        finally:
            service.terminate()
            service.wait(STOP_S)


@pytest.fixture
def left_behind(image: str) -> Iterator[Callable[[], list[str]]]:
    """Returns containers that local mode has left; at the end they and its network are removed."""
    before = _of_local_mode(image)
    networks = _networks()

    def left() -> list[str]:
        return [name for name in _of_local_mode(image) if name not in before]

    yield left
    for name in left():
        engine("rm", "--force", name)
    if NETWORK in _networks() and NETWORK not in networks:
        engine("network", "rm", NETWORK)


def test_local_mode_creates_invokes_and_deletes_an_endpoint(
    image: str,
    sample_bundle: Path,
    sdk: Path,
    docker_api: Mapping[str, str],
    left_behind: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    golden = read_golden(sample_bundle)
    clients = [{"client_id": client.client_id, **client.fields} for client in golden]
    request, answer = tmp_path / "request.json", tmp_path / "answer.json"
    request.write_text(json.dumps({"mode": "bulk_linkage", "clients": clients}))
    model = tmp_path / "model" / "model.tar.gz"
    model.parent.mkdir()
    write_archive(sample_bundle, model)

    words = [image, model, request, answer, "--port", free_port()]
    ended = subprocess.run(
        [sdk, "-m", "examples.local_endpoint", *map(str, words)],
        env=os.environ | docker_api,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert differences(golden, json.loads(answer.read_bytes())["results"]) == []
    # local mode stops the container of a deleted endpoint and does not remove it
    (container,) = left_behind()
    Container(container, url="").wait(STOP_S)
    engine("rm", container)
    assert left_behind() == []


def _of_local_mode(image: str) -> list[str]:
    made_of = inspect("image", image)["Id"]
    chosen = ["--filter", "name=-algo-1-", "--filter", f"ancestor={made_of}"]
    return engine("ps", "--all", *chosen, "--format", "{{.Names}}").split()


def _networks() -> list[str]:
    return engine("network", "ls", "--format", "{{.Name}}").split()
