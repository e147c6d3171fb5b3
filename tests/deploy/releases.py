"""A small release: two golden clients, the endpoint's answers to them, and a state machine."""

import base64
import json
from functools import lru_cache
from typing import Any

import boto3

from linkage_rl.bundle import Golden
from linkage_rl.deploying.release import Release, TrainingPlan
from linkage_rl.deploying.template import read_template
from linkage_rl.records import DecisionKind
from tests.deploy.emulated_aws import ACCOUNT, REGION

ENDPOINT = "linkage-rl"
BUCKET = "artifacts"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{ENDPOINT}"
SHAS = ("a" * 12, "b" * 12, "c" * 12, "d" * 12)
GOLDEN = (
    Golden("g1", {"name": "株式会社青空商事", "phone": ""}, DecisionKind.LINK, "c1", 0.99),
    Golden("g2", {"name": "鈴木組"}, DecisionKind.NO_MATCH, "", 0.9),
)
EVALUATION = f"s3://{BUCKET}/data/evaluation/"


def image(sha: str) -> str:
    """The image of a commit, by its digest."""
    return f"{REPOSITORY}@sha256:{sha[0] * 64}"


def release(sha: str = SHAS[0], **changed: Any) -> dict[str, Any]:
    """The input of a release of this commit."""
    return Release(sha, image(sha), GOLDEN, **changed).content()


def training(run: str = "1", **changed: Any) -> TrainingPlan:
    """A training job on this image."""
    channels = {"train": f"s3://{BUCKET}/data/train/"}
    return TrainingPlan(image("e"), run, EVALUATION, channels, {"seed": "1"}, **changed)


def good_answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of a working endpoint to the golden clients, as the serving image formats it."""
    assert request["mode"] == "bulk_linkage"
    linked = {"g1": "c1"}
    results = [
        {
            "client_id": client["client_id"],
            "decision": "link" if client["client_id"] in linked else "no_match",
            "company_id": linked.get(client["client_id"]),
            "confidence": 0.987654,
            "reason": "same name",
            "blockers": [],
            "company": {"name": "青空商事"} if client["client_id"] in linked else None,
        }
        for client in request["clients"]
    ]
    return {"model": {"name": ENDPOINT, "version": "1"}, "stale": False, "results": results}


def in_base64(text: str) -> str:
    """As CloudFormation's Fn::Base64."""
    return base64.b64encode(text.encode()).decode()


MAPPING = '{"table": "crm.firms", "name": "\\u4f1a\\u793e\\u540d"}'
VALUES = {
    "ArtifactBucket": BUCKET,
    "CanarySeconds": "60",
    "CaptureOn": "true",
    "CapturePercent": "10",
    "CsvColumns": "client_id,name",
    "DatabaseSslMode": "verify-full",
    "DatabaseSslRootCert": "/opt/ml/code/certificates/database.pem",
    "DatabaseTimeoutSeconds": "3",
    "EndpointName": ENDPOINT,
    "ErrorAlarm": f"{ENDPOINT}-errors",
    "InstanceCount": "2",
    "InstanceType": "ml.t2.medium",
    "KeepReleases": "2",
    "LatencyAlarm": f"{ENDPOINT}-latency",
    "LogUrl": "postgresql://logger@db/log",
    "MaxPolls": "4",
    "ModelRoleArn": f"arn:aws:iam::{ACCOUNT}:role/model",
    "OnDatabaseDown": "stale",
    "PollSeconds": "0",
    "RefreshSeconds": "300",
    "Scaled": "false",
    "SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-abcdef",
    "SecurityGroupId": "sg-1",
    "ServerVariables": in_base64('{"LINKAGE_MAX_CLIENTS": "500", "LINKAGE_TIMEOUT_S": "1"}'),
    "SubnetIds": "subnet-1,subnet-2",
    "TableMapping": in_base64(MAPPING),
    "TimeoutSeconds": "30",
    "TrainingInstanceType": "ml.m5.xlarge",
    "TrainingMetric": "expected_reward",
    "TrainingRoleArn": f"arn:aws:iam::{ACCOUNT}:role/training",
    "TrainingSeconds": "3600",
}
"""Values that the stack substitutes in the state machine."""


def definition(**changed: str) -> str:
    """The state machine with its substitutions, as CloudFormation makes them."""
    text, wanted = _definition()
    assert set(wanted) == set(VALUES)
    for name, value in {**VALUES, **changed}.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    return str(text)


@lru_cache
def _definition() -> tuple[str, dict[str, Any]]:
    machine = read_template().resources["StateMachine"]["Properties"]["DefinitionString"]
    text, wanted = machine["Fn::Sub"]
    return text, wanted


def create_machine(**changed: str) -> str:
    """Create the state machine without its stack; returns its ARN."""
    client = boto3.client("stepfunctions")
    made = client.create_state_machine(
        name=f"{ENDPOINT}-release",
        definition=definition(**changed),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
    )
    return str(made["stateMachineArn"])


def put_json(key: str, content: object) -> None:
    """Write an object of the artifact bucket."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content).encode())
