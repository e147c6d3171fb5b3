"""The image in a release: pushed, pulled, and tested by the state machine."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from linkage_rl.bundle import read_golden
from linkage_rl.deploying.release import Release
from tests.deploy.emulated_aws import REGION, emulate, execute
from tests.deploy.registry import Push
from tests.deploy.releases import BUCKET, ENDPOINT, create_machine
from tests.deploy.releases import image as image_of
from tests.image.containers import run_container

pytestmark = pytest.mark.image
SHA = "0123456789ab"


def test_the_smoke_test_of_a_release_passes_with_a_real_container(
    image: str, sample_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = tuple(read_golden(sample_bundle))
    requests: list[dict[str, Any]] = []
    with run_container(image, sample_bundle) as container:

        def answer(request: dict[str, Any]) -> dict[str, Any]:
            requests.append(request)
            headers = {"Content-Type": "application/json"}
            reply = container.send("/invocations", json.dumps(request).encode(), headers)
            assert reply.status == 200
            found: dict[str, Any] = json.loads(reply.body)
            return found

        for _ in emulate(monkeypatch, answer):
            boto3.client("s3").create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            content = Release(SHA, image_of(SHA), golden[:20]).content()
            machine = create_machine()
            ended = execute(machine, content, "correct")
            content["golden"]["expected"][0]["decision"] = "review"
            wrong = execute(machine, content | {"sha": "b" * 12}, "wrong")

    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["outcome"] == "created"
    assert [client["client_id"] for client in requests[0]["clients"]] == [
        client.client_id for client in golden[:20]
    ]
    assert wrong["status"] == "FAILED"


def test_the_pushed_image_can_be_pulled_by_its_digest_and_run(
    image: str,
    sample_bundle: Path,
    registry: str,
    engine: tuple[str, dict[str, str]],
    push: Push,
) -> None:
    program, environment = engine
    pushed = push(REGISTRY=registry, TAG=SHA, IMAGE=image, **environment)
    assert pushed.returncode == 0, pushed.stderr
    name = pushed.stdout.strip()
    assert name.startswith(f"{registry}/{ENDPOINT}@sha256:")
    environ = {**os.environ, **environment}
    plain = [] if program.endswith("docker") else ["--tls-verify=false"]
    for words in (["rmi", f"{registry}/{ENDPOINT}:{SHA}"], ["pull", *plain, name]):
        subprocess.run([program, *words], env=environ, capture_output=True, check=True)

    with run_container(name, sample_bundle) as container:
        assert container.send("/ping").status == 200

    subprocess.run([program, "rmi", name], env=environ, capture_output=True, check=False)


def test_the_history_of_the_image_contains_no_secret(
    image: str, engine: tuple[str, dict[str, str]]
) -> None:
    program, environment = engine
    history = subprocess.run(
        [program, "history", "--no-trunc", image],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "DB_HOST" in history
    assert "DB_PASS" not in history
    assert "DATABASE_URL" not in history
