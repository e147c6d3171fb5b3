"""Images and containers for tests, with docker if it runs, else with podman."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.serving.http_client import HttpResponse, free_port, send

START_S = 60
"""Seconds until `/ping` must answer 200."""
STOP_S = 10
NAME = os.environ.get("IMAGE", "linkage_rl")
"""Name of the images; a different one separates two checkouts on one machine."""
SETTINGS = Path("serving/containers.conf").resolve()


@dataclass(frozen=True)
class Container:
    """A running container."""

    id: str
    url: str

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The answer to one request, whatever its status."""
        return send(f"{self.url}{path}", body, headers)

    def logs(self) -> str:
        """All that it has written."""
        return engine("logs", self.id, both=True)

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, one JSON object per line."""
        return [json.loads(line) for line in self.logs().splitlines()]

    def shell(self, command: str) -> str:
        """Run a shell command in the container; returns its output."""
        return engine("exec", self.id, "sh", "-c", command)

    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        state = inspect("container", self.id)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends; returns its exit code."""
        deadline = time.monotonic() + timeout_s
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {timeout_s} s:\n{self.logs()}")
            time.sleep(0.1)
        return code

    def stop(self) -> int:
        """Send SIGTERM; returns the exit code, which must come within `STOP_S`."""
        engine("kill", "--signal", "TERM", self.id)
        return self.wait(STOP_S)


@contextmanager
def run_container(
    image: str,
    model: Path | None = None,
    *,
    wait: bool = True,
    command: str = "serve",
    options: tuple[str, ...] = (),
    **variables: str,
) -> Iterator[Container]:
    """Run an image on a free port of the loopback interface; removes the container on exit.

    Args:
        image: Name of the image.
        model: Bundle folder, mounted read-only as by SageMaker; None uses the bundle in the image.
        wait: Whether to wait until `/ping` answers 200.
        command: Argument of the entry point.
        options: Further options of `run`, such as mounts.
        variables: Environment of the container.
    """
    port = free_port()
    words = ["--network", "host", "--memory", "4g", "--cpus", "2", *options]
    if model is not None:
        words += ["--volume", f"{model.resolve()}:/opt/ml/model:ro"]
    own = {"SAGEMAKER_BIND_TO_PORT": str(port), "LINKAGE_BIND": "127.0.0.1"}
    for name, value in (own | variables).items():
        words += ["--env", f"{name}={value}"]
    started = engine("run", "--detach", *words, image, command).strip()
    container = Container(started, f"http://127.0.0.1:{port}")
    try:
        if wait:
            _wait_for_ping(container)
        yield container
    finally:
        engine("rm", "--force", started)


def run_once(image: str, *words: str, options: tuple[str, ...] = ()) -> str:
    """Run one command in a container without a network; returns its output."""
    return engine("run", "--rm", "--network", "none", "--entrypoint", "", *options, image, *words)


def engine(*words: str, both: bool = False) -> str:
    """Run a command of the container engine; returns its output, with `both` also of stderr."""
    ended = subprocess.run(
        [program(), *words],
        env=os.environ | {"CONTAINERS_CONF": str(SETTINGS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise AssertionError(f"{' '.join(words[:2])} ended with: {ended.stderr or ended.stdout}")
    return ended.stdout


def inspect(kind: str, name: str) -> Any:
    """The engine's description of an image or a container.

    Podman reads `/proc/PID/cgroup` of a container that it believes to run; where the process ends
    in between, it fails with "no such process". Such a call is made again, at most five times.
    """
    for _ in range(5):
        try:
            return json.loads(engine(kind, "inspect", name))[0]
        except AssertionError as error:
            if "no such process" not in str(error):
                raise
            time.sleep(0.1)
    return json.loads(engine(kind, "inspect", name))[0]


def build(
    target: str, *words: str, name: str = NAME, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run `scripts/image.sh`, which may fail, with further environment variables."""
    return subprocess.run(
        ["scripts/image.sh", target, *words],
        env=os.environ | {"IMAGE": name} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def untag(name: str) -> None:
    """Remove this name, with all its tags, from the images."""
    tags = engine("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    found = [tag for tag in tags if tag.removeprefix("localhost/").startswith(f"{name}:")]
    engine("rmi", *found)


@cache
def program() -> str:
    """The engine that the project's scripts choose: docker or podman."""
    found = subprocess.run(
        ["bash", "-c", '. scripts/engine.sh && echo "$engine"'],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise AssertionError(found.stderr)
    return found.stdout.strip()


def _wait_for_ping(container: Container) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if container.send("/ping").status == 200:
                return
        except OSError:
            # nothing is listening: not yet, or no longer
            if container.exit_code() is not None:
                raise AssertionError(f"the container ended:\n{container.logs()}") from None
        time.sleep(0.1)
    raise AssertionError(f"/ping is not 200 after {START_S} s:\n{container.logs()}")
