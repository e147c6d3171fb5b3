import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from linkage_rl.deploying.aws import connect
from linkage_rl.deploying.endpoint import MANIFESTS
from linkage_rl.deploying.executions import follow, start
from linkage_rl.errors import DeploymentError
from tests.deploy.conftest import Deploy, Ended
from tests.deploy.emulated_aws import Emulation, network
from tests.deploy.releases import ENDPOINT, REPOSITORY, SHAS, create_machine, image, release

pytestmark = pytest.mark.slow

READS = ("Describe", "Get", "List", "Head")

Act = Callable[..., Ended]


@pytest.fixture
def act(aws: Emulation, deploy: Deploy, bundle: Path) -> Act:
    """Runs an action on a stack in an emulated network; clears the recorded calls first."""
    words = [f"parameters.{key}={value}" for key, value in network().items()]

    def run(action: str, *more: str) -> Ended:
        aws.calls.clear()
        return deploy(action, *words, f"bundle={bundle}", "poll_s=0.05", *more)

    return run


def image_of_commit(number: int) -> tuple[str, str]:
    """Arguments to release the image of a commit."""
    return f"sha={SHAS[number]}", f"image={image(SHAS[number])}"


def test_a_plan_shows_all_changes_and_makes_none(aws: Emulation, act: Act) -> None:
    ended = act("plan", *image_of_commit(0))

    assert ended.code == 0, ended.err
    assert "would create linkage-rl" in ended.out
    assert "add     StateMachine (AWS::StepFunctions::StateMachine)" in ended.out
    assert f"would create endpoint {ENDPOINT} with {image(SHAS[0])}" in ended.out
    assert [call for call in aws.calls if not call.operation.startswith(READS)] == []
    assert boto3.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_release_update_rollback_and_status_in_an_empty_account(aws: Emulation, act: Act) -> None:
    first = act("apply", *image_of_commit(0))
    assert first.code == 0, first.err
    assert "stack    created linkage-rl" in first.out
    assert f"release  created: {ENDPOINT} runs {ENDPOINT}--{SHAS[0]}" in first.out

    plan = act("plan", *image_of_commit(1))
    assert f"would update endpoint {ENDPOINT}" in plan.out
    assert [call for call in aws.calls if not call.operation.startswith(READS)] == []

    second = act("apply", *image_of_commit(1))
    assert f"release  updated: {ENDPOINT} runs {ENDPOINT}--{SHAS[1]}" in second.out
    assert "CreateStack" not in aws.operations("cloudformation")

    third = act("apply", *image_of_commit(1))
    assert "release  unchanged" in third.out

    back = act("rollback")
    assert back.code == 0, back.err
    assert f"rollback {SHAS[1]} -> {SHAS[0]}" in back.out
    assert f"release  updated: {ENDPOINT} runs {ENDPOINT}--{SHAS[0]}" in back.out

    status = act("status")
    assert f"endpoint {ENDPOINT} InService" in status.out
    assert image(SHAS[0]) in status.out
    assert status.out.count("release  2") == 4


def test_a_failed_release_ends_with_the_cause_and_code_1(aws: Emulation, act: Act) -> None:
    aws.answer = lambda request: "nothing"

    ended = act("apply", *image_of_commit(0))

    assert ended.code == 1
    assert ended.err.strip().splitlines()[-1].startswith("error: the release ended as FAILED")
    assert "SmokeTestFailed" in ended.err
    assert "the endpoint was deleted" in ended.err


@pytest.mark.slow
def test_a_plan_shows_a_changed_parameter_and_keeps_the_others(aws: Emulation, act: Act) -> None:
    act("apply", "parameters.instance_count=3")

    plan = act("plan", "parameters.keep_releases=9")

    assert "set     KeepReleases: 5 -> 9" in plan.out
    assert "InstanceCount" not in plan.out


@pytest.mark.slow
def test_an_image_is_found_by_its_commit(aws: Emulation, act: Act) -> None:
    act("apply")
    pushed = boto3.client("ecr").put_image(
        repositoryName=ENDPOINT,
        imageManifest=json.dumps({"layers": []}),
        imageManifestMediaType=MANIFESTS[0],
        imageTag=SHAS[0],
    )
    digest = pushed["image"]["imageId"]["imageDigest"]

    plan = act("plan", f"sha={SHAS[0]}")

    assert f"would create endpoint {ENDPOINT} with {REPOSITORY}@{digest}" in plan.out


@pytest.mark.parametrize("media", ["manifest", "index"])
def test_an_image_in_the_oci_format_is_refused_before_a_release(
    media: str, aws: Emulation, act: Act
) -> None:
    held = f"application/vnd.oci.image.{media}.v1+json"
    boto3.client("ecr").create_repository(repositoryName=ENDPOINT)
    pushed = boto3.client("ecr").put_image(
        repositoryName=ENDPOINT,
        imageManifest=json.dumps({"layers": [], "manifests": []}),
        imageManifestMediaType=held,
        imageTag=SHAS[0],
    )
    digest = pushed["image"]["imageId"]["imageDigest"]

    ended = act("plan", f"sha={SHAS[0]}", f"image={REPOSITORY}@{digest}")

    assert ended.code == 1
    assert f"is in the registry as {held}, which SageMaker refuses" in ended.err


def test_a_region_without_codeconnections_is_told_at_plan(aws: Emulation, deploy: Deploy) -> None:
    words = ["plan", "region=ap-northeast-3", "parameters.vpc_id=vpc-1"]
    words += ["parameters.subnet_ids=[subnet-1]", "parameters.database_security_group_id=sg-1"]

    ended = deploy(*words)
    refused = deploy(*words, "parameters.source_repository=owner/name")

    assert ended.code == 0, ended.err
    assert "pipeline none, since ap-northeast-3 has no AWS CodeConnections" in ended.out
    assert "AWS::CodePipeline" not in ended.out
    assert refused.code == 2
    assert "source_repository is one of the pipeline, and ap-northeast-3 has no" in refused.err


def test_the_table_mapping_reaches_the_stack_in_ascii(aws: Emulation, act: Act) -> None:
    key = "parameters.table_mapping"
    plan = act("apply", f"{key}.table=crm.firms", f"{key}.name=会社名")

    assert plan.code == 0, plan.err
    stack = boto3.client("cloudformation").describe_stacks(StackName=ENDPOINT)["Stacks"][0]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    assert values["TableMapping"] == r'{"table":"crm.firms","name":"\u4f1a\u793e\u540d"}'


def test_the_release_action_writes_the_input_without_calling_aws(
    deploy: Deploy, bundle: Path, tmp_path: Path
) -> None:
    ended = deploy("release", *image_of_commit(0), f"bundle={bundle}", "output=release.json")

    assert ended.code == 0, ended.err
    content = json.loads((tmp_path / "release.json").read_text(encoding="utf-8"))
    assert content["sha"] == SHAS[0]
    assert content["golden"]["clients"][0] == {"client_id": "g1", "name": "株式会社青空商事"}
    assert content["golden"]["expected"][0]["company_id"] == "c1"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("plan", "parameters.table_mapping.firm_name=firm"),
            2,
            "table_mapping: expected columns of table, company_id",
        ),
        (
            ("plan", "parameters.server_variables.LINKAGE_TOKEN=hush"),
            2,
            "server_variables: expected no secret, got LINKAGE_TOKEN",
        ),
        (
            ("plan", "parameters.log_url='postgresql://ann:hush@db/log'"),
            2,
            "log_url: expected a URL without a password",
        ),
        (("fly",), 2, "expected an action of plan, apply, status, rollback, release, got 'fly'"),
        (("release", "sha=abcdef0"), 2, "needs image=REPOSITORY@sha256:DIGEST"),
        (
            ("release", "sha=abcdef0", "image=linkage_rl:latest", "bundle=bundle"),
            2,
            "image: expected REPOSITORY@sha256:DIGEST, got 'linkage_rl:latest'",
        ),
        (
            ("release", f"sha={'x' * 12}", f"image={image('a')}", "bundle=bundle"),
            2,
            "sha: expected a commit like 0123456789ab",
        ),
        (
            ("release", "sha=abcdef0", f"image={image('a')}", "bundle=nowhere"),
            1,
            "cannot read golden clients from nowhere",
        ),
        (
            ("release", "sha=abcdef0", f"image={image('a')}", "bundle=bundle", "tolerated=2"),
            2,
            "tolerated: expected 0 to 1, got 2",
        ),
        (("plan", "parameters.vpc_idd=v"), 2, "unknown key parameters.vpc_idd"),
    ],
)
def test_an_invalid_argument_is_refused_with_what_is_expected(
    words: tuple[str, ...], code: int, message: str, aws: Emulation, deploy: Deploy, bundle: Path
) -> None:
    ended = deploy(*words)

    assert ended.code == code
    assert message in ended.err


def test_a_missing_parameter_is_named_with_its_description(aws: Emulation, deploy: Deploy) -> None:
    ended = deploy("plan")

    assert ended.code == 2
    assert "parameters.vpc_id is required: Network of the company database." in ended.err


@pytest.mark.slow
def test_status_and_rollback_need_a_stack_an_endpoint_and_an_earlier_release(
    aws: Emulation, act: Act
) -> None:
    assert "expected stack linkage-rl in ap-northeast-1, found none" in act("status").err
    act("apply")
    assert f"expected endpoint {ENDPOINT} to exist, found none" in act("rollback").err
    act("apply", *image_of_commit(0))
    assert "expected an earlier release, found none" in act("rollback").err


@pytest.mark.slow
def test_a_release_during_another_one_is_not_started(aws: Emulation) -> None:
    machine = create_machine(PollSeconds="1")
    session = connect("")
    running = start(session, machine, release(SHAS[0]))

    with pytest.raises(
        DeploymentError, match="expected no release in progress, found aaaaaaaaaaaa-"
    ):
        start(session, machine, release(SHAS[1]))
    assert follow(session, running, 0.05)["outcome"] == "created"


def test_without_credentials_one_sentence_says_what_to_do(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    ended = deploy("status", "region=ap-northeast-1")

    assert ended.code == 1
    assert "log in (`aws configure`, `aws sso login`)" in ended.err
