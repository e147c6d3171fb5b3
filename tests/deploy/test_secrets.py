"""No secret appears in anything that a deployment writes, prints or sends."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from linkage_rl.deploying.template import read_template
from tests.deploy.conftest import Deploy
from tests.deploy.emulated_aws import Emulation, network
from tests.deploy.releases import SHAS, image

PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "planted-aws-key",
    "AWS_SESSION_TOKEN": "planted-session",
    "DATABASE_URL": "postgresql://reader:planted-url@db/companies",
    "DB_PASS": "planted-pass",
}
IN_AWS = "planted-in-the-secret"


@pytest.fixture
def secret(aws: Emulation, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ARN of a secret with a password; the environment has more of them."""
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    login = {"host": "db", "dbname": "companies", "username": "reader", "password": IN_AWS}
    created = boto3.client("secretsmanager").create_secret(
        Name="db", SecretString=json.dumps(login)
    )
    return str(created["ARN"])


def everything_in_aws() -> Iterator[str]:
    """All that was sent to AWS and can be read from it."""
    s3 = boto3.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for one in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            yield s3.get_object(Bucket=bucket["Name"], Key=one["Key"])["Body"].read().decode()
    cloudformation = boto3.client("cloudformation")
    yield json.dumps(cloudformation.describe_stacks(), default=str)
    yield json.dumps(cloudformation.get_template(StackName="linkage-rl"), default=str)
    sagemaker = boto3.client("sagemaker")
    for model in sagemaker.list_models()["Models"]:
        yield json.dumps(sagemaker.describe_model(ModelName=model["ModelName"]), default=str)
    states = boto3.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        yield json.dumps(states.describe_state_machine(stateMachineArn=arn), default=str)
        for one in states.list_executions(stateMachineArn=arn)["executions"]:
            found = states.get_execution_history(executionArn=one["executionArn"])
            yield json.dumps(found, default=str)


@pytest.mark.slow
def test_planted_secrets_are_in_no_template_plan_log_release_or_history(
    aws: Emulation, secret: str, deploy: Deploy, bundle: Path, tmp_path: Path
) -> None:
    words = [f"parameters.{key}={value}" for key, value in network().items()]
    words += [f"bundle={bundle}", f"sha={SHAS[0]}", f"image={image(SHAS[0])}", "poll_s=0.05"]
    words += [f"parameters.database_secret_arn={secret}"]

    ended = [deploy(action, *words) for action in ("plan", "apply", "status", "release")]
    aws.answer = lambda request: "broken"
    ended.append(deploy("apply", *words[:-4], f"sha={SHAS[1]}", f"image={image(SHAS[1])}"))

    assert [one.code for one in ended[:4]] == [0, 0, 0, 0], ended[1].err
    texts = [one.out + one.err for one in ended]
    texts += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    texts += everything_in_aws()
    calls = [call for call in aws.calls if call.operation != "CreateSecret"]
    texts.append(repr(calls))
    assert secret in "".join(texts)
    for planted in (*PLANTED.values(), IN_AWS, "planted-url"):
        assert not any(planted in text for text in texts), planted


def test_the_template_generates_the_password_and_has_no_parameter_for_one() -> None:
    template = read_template()

    assert not any("assword" in name for name in template.parameters)
    secret = template.resources["DatabaseSecret"]["Properties"]
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"]["GenerateStringKey"] == "password"
    assert "resolve:secretsmanager" not in template.text


def test_the_log_of_the_state_machine_holds_no_inputs() -> None:
    machine = read_template().resources["StateMachine"]["Properties"]

    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
