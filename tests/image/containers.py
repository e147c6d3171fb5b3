"""Images and containers for tests: docker where one answers, else podman."""

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

from tests.serving.http_client import HttpResponse, send, free_port

START_S = 60
"""Until `/ping` must have answered 200."""
STOP_S = 10
NAME = os.environ.get("IMAGE", "linkage_rl")
"""Of the images; another one keeps two checkouts on one machine apart."""
SETTINGS = Path("serving/containers.conf").resolve()


@dataclass(frozen=True)
class Container:
    """A serving container that runs."""

    id: str
    url: str

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The answer to one request, whatever its status."""
        return send(f"{self.url}{path}", body, headers)

    def logs(self) -> str:
        """Everything that it wrote."""
        return engine("logs", self.id, both=True)

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, one JSON object per line."""
        return [json.loads(line) for line in self.logs().splitlines()]

    def shell(self, command: str) -> str:
        """The output of a shell command inside."""
        return engine("exec", self.id, "sh", "-c", command)

    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        state = inspect("container", self.id)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def wait(self, timeout_s: float) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + timeout_s
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {timeout_s} s:\n{self.logs()}")
            time.sleep(0.1)
        return code

    def stop(self) -> int:
        """SIGTERM it; the exit code, which must come within `STOP_S`."""
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
    """Run an image on a free port of the loopback, and remove the container in the end.

    Args:
        image: Its name.
        model: Bundle folder, mounted read-only as SageMaker does; None takes what is in the image.
        wait: Whether to wait until `/ping` answers 200.
        command: What the entry point is told.
        options: More options for `run`, such as mounts.
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
    """The output of one command in a container without a network."""
    return engine("run", "--rm", "--network", "none", "--entrypoint", "", *options, image, *words)


def engine(*words: str, both: bool = False) -> str:
    """The output of a command of the container engine; with `both`, the error stream's, too."""
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
    """What the engine knows of an image or a container."""
    return json.loads(engine(kind, "inspect", name))[0]


def build(target: str, *words: str, name: str = NAME) -> "subprocess.CompletedProcess[str]":
    """Run `scripts/image.sh`, whatever comes of it."""
    return subprocess.run(
        ["scripts/image.sh", target, *words],
        env=os.environ | {"IMAGE": name},
        capture_output=True,
        text=True,
        check=False,
    )


def forget(name: str) -> None:
    """Take this name, with all its tags, from the images."""
    tags = engine("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    found = [tag for tag in tags if tag.removeprefix("localhost/").startswith(f"{name}:")]
    engine("rmi", *found)


@cache
def program() -> str:
    """The engine that the project's scripts take: docker or podman."""
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
            # nothing listens yet, or no more
            if container.exit_code() is not None:
                raise AssertionError(f"the container ended:\n{container.logs()}") from None
        time.sleep(0.1)
    raise AssertionError(f"/ping is not 200 after {START_S} s:\n{container.logs()}")
