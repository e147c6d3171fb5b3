"""`scripts/build_and_push.sh` with a real registry, and with a fake AWS command line."""

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.registry import ROOT, Push, find_program

SHA = "0123456789ab"


def fake_program(folder: Path, name: str, script: str) -> None:
    """Create a program that logs its arguments, then runs the script."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    log = folder / f"{name}.log"
    path.write_text(f'#!/bin/bash\necho "$@" >> {log}\n{script}\n')
    path.chmod(0o755)


DOCKER = """
if [ "$1" = --version ]; then echo "Docker version 28"; fi
if [ "$1" = login ]; then cat > "$(dirname "$0")/../password"; fi
"""
AWS = """
state="$(dirname "$0")/../pushed"
case "$2" in
describe-repositories) [ -e "$(dirname "$0")/../repository" ] ;;
create-repository) touch "$(dirname "$0")/../repository" ;;
get-login-password) echo planted-password ;;
describe-images)
    # called once before the push and once after it
    if ! [ -e "$state" ]; then touch "$state"; exit 254; fi
    printf 'sha256:abc\t%s\n' "$(cat "$(dirname "$0")/../format")" ;;
esac
"""
V2S2 = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
AT_AWS = {"AWS_ACCOUNT_ID": "123456789012", "AWS_REGION": "ap-northeast-1", "TAG": SHA}


@pytest.fixture
def at_aws(tmp_path: Path) -> Path:
    fake_program(tmp_path, "docker", DOCKER)
    fake_program(tmp_path, "aws", AWS)
    (tmp_path / "format").write_text(V2S2)
    return tmp_path


def test_the_first_push_creates_the_repository_and_prints_the_digest(
    at_aws: Path, push: Push
) -> None:
    ended = push(**AT_AWS, IMAGE="linkage_rl:small")

    registry = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{registry}/linkage-rl@sha256:abc\n"
    calls = (at_aws / "aws.log").read_text()
    assert "create-repository" in calls
    assert "--image-tag-mutability IMMUTABLE" in calls
    assert f"push {registry}/linkage-rl:{SHA}" in (at_aws / "docker.log").read_text()


def test_the_password_is_passed_by_standard_input_and_never_shown(at_aws: Path, push: Push) -> None:
    ended = push(**AT_AWS, IMAGE="linkage_rl:small")

    assert (at_aws / "password").read_text() == "planted-password\n"
    written = ended.stdout + ended.stderr
    written += (at_aws / "docker.log").read_text() + (at_aws / "aws.log").read_text()
    assert "planted-password" not in written


def test_an_existing_image_is_neither_built_nor_pushed_again(at_aws: Path, push: Push) -> None:
    (at_aws / "repository").touch()
    (at_aws / "pushed").touch()

    ended = push(**AT_AWS)

    assert ended.stdout.endswith("@sha256:abc\n")
    assert (at_aws / "docker.log").read_text() == "info\n--version\n"
    assert "create-repository" not in (at_aws / "aws.log").read_text()


@pytest.mark.parametrize("manifest", [OCI, OCI_INDEX])
@pytest.mark.parametrize("before", [True, False])
def test_an_image_that_sagemaker_refuses_is_not_released(
    before: bool, manifest: str, at_aws: Path, push: Push
) -> None:
    (at_aws / "format").write_text(manifest)
    if before:
        (at_aws / "pushed").touch()

    ended = push(**AT_AWS, IMAGE="linkage_rl:small")

    assert ended.returncode == 1
    assert f"is in the registry as {manifest}, which SageMaker refuses" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("manifest", ["None", ""])
def test_an_image_whose_format_the_registry_does_not_name_is_released_with_a_warning(
    manifest: str, at_aws: Path, push: Push
) -> None:
    (at_aws / "format").write_text(manifest)

    ended = push(**AT_AWS, IMAGE="linkage_rl:small")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("/linkage-rl@sha256:abc\n")
    assert "warning: the registry does not say in which format it holds" in ended.stderr


def test_the_registry_of_a_chinese_region_has_a_domain_of_its_own(at_aws: Path, push: Push) -> None:
    ended = push(**AT_AWS | {"AWS_REGION": "cn-north-1"}, IMAGE="linkage_rl:small")

    registry = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert ended.stdout == f"{registry}/linkage-rl@sha256:abc\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"TAG": "latest"}, "expected a commit as TAG, such as 0123456789ab, got 'latest'"),
        ({"AWS_ACCOUNT_ID": "12"}, "expected the 12 digits of the account in AWS_ACCOUNT_ID"),
        ({"AWS_REGION": ""}, "expected a region in AWS_REGION, got none"),
        ({"TARGET": "tea"}, "expected TARGET=serve or TARGET=train, got 'tea'"),
    ],
)
def test_an_invalid_variable_is_named(
    changed: dict[str, str], message: str, at_aws: Path, push: Push
) -> None:
    ended = push(**(AT_AWS | changed))

    assert ended.returncode == 1
    assert message in ended.stderr


@pytest.mark.slow
def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    scripts = sorted((ROOT / "scripts").glob("*.sh"))

    checked = subprocess.run(
        [find_program("shellcheck", "shellcheck"), "--external-sources", *scripts],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert checked.stdout == ""


@pytest.fixture
def small_image(engine: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[str]:
    """An image of one file, or the one that LINKAGE_TEST_IMAGE names."""
    if given := os.environ.get("LINKAGE_TEST_IMAGE"):
        yield given
        return
    program, environment = engine
    (tmp_path / "hello").write_text("hello")
    archive = tmp_path / "image.tar"
    subprocess.run(["tar", "-cf", archive, "-C", tmp_path, "hello"], check=True)
    name = f"localhost/linkage_rl_test:{os.getpid()}"
    environ = {**os.environ, **environment}
    subprocess.run([program, "import", archive, name], check=True, env=environ, capture_output=True)
    yield name
    subprocess.run([program, "rmi", "--force", name], check=True, env=environ, capture_output=True)


def stored_format(registry: str, tag: str) -> str:
    """Media type of a manifest in the registry, whichever it is."""
    accepted = ", ".join([V2S2, OCI, OCI_INDEX])
    url = f"http://{registry}/v2/linkage-rl/manifests/{tag}"
    request = urllib.request.Request(url, headers={"Accept": accepted})
    with urllib.request.urlopen(request) as reply:
        return str(reply.headers["Content-Type"])


@pytest.mark.slow
def test_an_image_that_another_tool_pushed_in_the_oci_format_is_refused(
    registry: str, engine: tuple[str, dict[str, str]], small_image: str, push: Push
) -> None:
    program, environment = engine
    if program.endswith("docker"):
        pytest.skip("docker pushes in its own format")
    words = ["push", "--tls-verify=false", "--format", "oci", small_image]
    environ = {**os.environ, **environment}
    subprocess.run(
        [program, *words, f"{registry}/linkage-rl:{SHA}"],
        env=environ,
        check=True,
        capture_output=True,
    )

    ended = push(REGISTRY=registry, TAG=SHA, IMAGE=small_image, **environment)

    assert stored_format(registry, SHA) == OCI
    assert ended.returncode == 1
    assert f"is in the registry as {OCI}, which SageMaker refuses" in ended.stderr


@pytest.mark.slow
def test_an_image_is_pushed_once_and_can_be_pulled_by_its_digest(
    registry: str, engine: tuple[str, dict[str, str]], small_image: str, push: Push
) -> None:
    program, environment = engine
    variables = {"REGISTRY": registry, "TAG": SHA, "IMAGE": small_image, **environment}

    first = push(**variables)
    again = push(**variables)

    assert first.returncode == 0, first.stderr
    pushed = first.stdout.strip()
    assert re.fullmatch(rf"{registry}/linkage-rl@sha256:[0-9a-f]{{64}}", pushed)
    assert again.stdout == first.stdout
    assert "already exists and is not changed" in again.stderr
    with urllib.request.urlopen(f"http://{registry}/v2/linkage-rl/tags/list") as reply:
        assert json.load(reply)["tags"] == [SHA]
    assert stored_format(registry, SHA) == V2S2
    plain = [] if program.endswith("docker") else ["--tls-verify=false"]
    environ = {**os.environ, **environment}
    pulled = subprocess.run(
        [program, "pull", *plain, pushed], env=environ, capture_output=True, text=True, check=False
    )
    assert pulled.returncode == 0, pulled.stderr
    tagged = f"{registry}/linkage-rl:{SHA}"
    for name in (tagged, pushed):
        subprocess.run([program, "rmi", name], env=environ, capture_output=True, check=False)
