"""Reads the roles of the template, and evaluates as IAM does whether they allow a call."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from linkage_rl.deploying.template import read_template
from tests.deploy.emulated_aws import ACCOUNT, REGION
from tests.deploy.releases import BUCKET, ENDPOINT

ARN = f"{REGION}:{ACCOUNT}"
KNOWN = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "EndpointName": ENDPOINT,
    "VpcId": "vpc-1",
    "Repository.Arn": f"arn:aws:ecr:{ARN}:repository/{ENDPOINT}",
    "ArtifactBucket.Arn": f"arn:aws:s3:::{BUCKET}",
    "DatabaseSecret": f"arn:aws:secretsmanager:{ARN}:secret:{ENDPOINT}/database-a",
    "ModelSecurityGroup.GroupId": "sg-1",
    "ModelRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/model",
    "TrainingRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/training",
    "ErrorAlarm.Arn": f"arn:aws:cloudwatch:{ARN}:alarm:{ENDPOINT}-errors",
    "LatencyAlarm.Arn": f"arn:aws:cloudwatch:{ARN}:alarm:{ENDPOINT}-latency",
    "BuildLog.Arn": f"arn:aws:logs:{ARN}:log-group:/aws/codebuild/{ENDPOINT}-build:*",
    "Build.Arn": f"arn:aws:codebuild:{ARN}:project/{ENDPOINT}-build",
    "Connection": f"arn:aws:codeconnections:{ARN}:connection/1",
    "StateMachine": f"arn:aws:states:{ARN}:stateMachine:{ENDPOINT}-release",
    "StateMachine.Name": f"{ENDPOINT}-release",
}
"""Values of the references in the template."""


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policies."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]

    def allows(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether this statement allows the call."""
        return (
            action in self.actions
            and any(fnmatchcase(resource, one) for one in self.resources)
            and all(
                any(fnmatchcase(context.get(key, ""), one) for one in _listed(wanted))
                for test in self.condition.values()
                for key, wanted in test.items()
            )
        )


def roles() -> dict[str, list[Statement]]:
    """Name of each role to its statements."""
    return {
        name: [_statement(one) for one in _statements(resource["Properties"])]
        for name, resource in read_template().resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def _statements(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for policy in properties["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def _statement(content: Mapping[str, Any]) -> Statement:
    assert content["Effect"] == "Allow"
    return Statement(
        tuple(_listed(content["Action"])),
        tuple(resolved(one) for one in _listed(content["Resource"])),
        {
            test: {key: [resolved(one) for one in _listed(value)] for key, value in wanted.items()}
            for test, wanted in content.get("Condition", {}).items()
        },
    )


def resolved(node: Any) -> str:
    """A value of the template as text, with references resolved."""
    if isinstance(node, str):
        return node
    ((function, argument),) = node.items()
    if function == "Ref":
        return KNOWN[argument]
    if function == "Fn::GetAtt":
        return KNOWN[".".join(argument)]
    if function == "Fn::If":
        return resolved(argument[1])
    assert function == "Fn::Sub"
    return re.sub(r"\$\{([\w.:]+)\}", lambda found: KNOWN[found[1]], argument)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
