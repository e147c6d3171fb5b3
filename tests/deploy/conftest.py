"""Emulated AWS for all tests of deployment."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from linkage_rl.deploy import main
from tests.deploy.emulated_aws import REGION, Emulation, emulate, execute
from tests.deploy.registry import engine, push, registry  # noqa: F401 - fixtures
from tests.deploy.releases import BUCKET, GOLDEN, create_machine, good_answer

Released = Callable[..., dict[str, Any]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulation]:
    """Emulated AWS, with endpoints that answer correctly."""
    yield from emulate(monkeypatch, good_answer)


@pytest.fixture
def run_release(aws: Emulation) -> Released:
    """Runs a release in the state machine; returns the description of the execution."""
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    numbers = count()
    machines: list[str] = []

    def run(content: dict[str, Any], **values: str) -> dict[str, Any]:
        if not machines:
            machines.append(create_machine(**values))
        aws.calls.clear()
        return execute(machines[0], content, f"execution-{next(numbers)}")

    return run


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str


Deploy = Callable[..., Ended]


@pytest.fixture
def deploy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Deploy]:
    """Runs the command in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    root, own = logging.getLogger(), logging.getLogger("linkage_rl")
    before = (list(root.handlers), root.level, own.level)

    def command(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["deploy", *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ended(code, *capfd.readouterr())

    yield command
    for handler in set(root.handlers) - set(before[0]):
        handler.close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder with golden clients, the only part of a bundle that a release reads."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    lines = [json.dumps(asdict(client), ensure_ascii=False) for client in GOLDEN]
    (folder / "golden.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder
