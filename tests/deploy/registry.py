"""An image registry on this machine, and the script that pushes to it."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20

Push = Callable[..., subprocess.CompletedProcess[str]]


def find_program(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"expected {program}, found none; apt-get install {package}", pytrace=False)
    return path


@pytest.fixture
def push(tmp_path: Path) -> Push:
    """Runs the script with these variables; fakes in `tmp_path/bin` precede the real programs."""
    kept = {key: os.environ[key] for key in ("HOME", "PATH", "LANG") if key in os.environ}
    kept["PATH"] = f"{tmp_path / 'bin'}:{kept['PATH']}"

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scripts" / "build_and_push.sh"],
            env=kept | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """HOST:PORT of an empty registry on this machine."""
    program = find_program("docker-registry", "docker-registry")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nhttp: {{addr: '127.0.0.1:{port}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'storage'}}}}}\n"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        server = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(f"http://127.0.0.1:{port}/v2/"):
            assert server.poll() is None, (tmp_path / "registry.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"localhost:{port}"
    finally:
        server.terminate()
        server.wait(timeout=START_TIMEOUT_S)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture
def engine() -> tuple[str, dict[str, str]]:
    """The engine that the script chooses, and the environment variables that it needs."""
    docker = shutil.which("docker")
    if (
        docker
        and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
    ):
        return docker, {}
    settings = ROOT / "serving" / "containers.conf"
    return find_program("podman", "podman"), {"CONTAINERS_CONF": str(settings)}
