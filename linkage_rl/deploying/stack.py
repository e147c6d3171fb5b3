"""The CloudFormation stack: its state, what an update would change, and the update itself."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tqdm.auto import tqdm

from linkage_rl.deploying.aws import Aws, AwsError
from linkage_rl.deploying.changes import Change, changes
from linkage_rl.deploying.parameters import key_of
from linkage_rl.deploying.template import Template
from linkage_rl.errors import ConfigError, DeploymentError

_UPDATABLE: Final = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
)
"""States in which a stack can be updated."""


@dataclass(frozen=True)
class Stack:
    """An existing stack."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    def output(self, name: str) -> str:
        """One of the outputs of the template.

        Raises:
            DeploymentError: The stack has no such output.
        """
        if name not in self.outputs:
            raise DeploymentError(
                f"stack {self.name} ({self.status}) has no output {name}, only "
                f"{sorted(self.outputs)}; run the apply action first"
            )
        return self.outputs[name]


def find_stack(aws: Aws, name: str) -> Stack | None:
    """The stack of this name, if there is one."""
    try:
        found = aws.call("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
    except AwsError as error:
        if "does not exist" in error.sentence:
            return None
        raise
    return Stack(
        name,
        str(found["StackStatus"]),
        {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", ())},
        {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", ())},
    )


def require_stack(aws: Aws, name: str) -> Stack:
    """The stack of this name.

    Raises:
        DeploymentError: There is none.
    """
    stack = find_stack(aws, name)
    if stack is None:
        raise DeploymentError(
            f"expected stack {name} in {aws.region}, found none; run the apply action first"
        )
    return stack


def parameter_values(
    template: Template, given: Mapping[str, str], stack: Stack | None
) -> dict[str, str]:
    """Every parameter of the template with its value in the planned stack.

    Raises:
        ConfigError: A parameter without a default has no value.
    """
    old = stack.parameters if stack else {}
    found: dict[str, str] = {}
    for name, schema in template.parameters.items():
        value = given.get(name, old.get(name, schema.get("Default")))
        if value is None:
            raise ConfigError(
                f"parameters.{key_of(name)} is required: {schema['Description']} "
                f"Give parameters.{key_of(name)}=..."
            )
        found[name] = str(value)
    return found


def planned_changes(
    aws: Aws, name: str, template: Template, given: Mapping[str, str]
) -> list[Change]:
    """What `apply_stack` would change."""
    stack = find_stack(aws, name)
    parameters = parameter_values(template, given, stack)
    if stack is None:
        return changes(template, parameters, None, {})
    held = aws.call("cloudformation", "get_template", StackName=name)["TemplateBody"]
    return changes(template, parameters, Template.parse(held).content, stack.parameters)


def apply_stack(
    aws: Aws, name: str, template: Template, given: Mapping[str, str], poll_s: float
) -> tuple[Stack, str]:
    """Create the stack, or update it if anything differs, and wait until that has ended.

    Returns:
        The stack, and 'created', 'updated' or 'unchanged'.

    Raises:
        DeploymentError: The stack cannot be updated now, or the update failed.
    """
    stack = find_stack(aws, name)
    parameters = parameter_values(template, given, stack)
    if stack and stack.status not in _UPDATABLE:
        raise DeploymentError(
            f"expected stack {name} to be updatable, got {stack.status}; wait for it, or, after a "
            "failed creation, delete it with `aws cloudformation delete-stack`"
        )
    request: dict[str, Any] = {
        "StackName": name,
        "TemplateURL": _upload(aws, name, template),
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    }
    last_event = _newest_event(aws, name) if stack else ""
    operation = "update_stack" if stack else "create_stack"
    try:
        aws.call("cloudformation", operation, **request)
    except AwsError as error:
        if stack and "No updates are to be performed" in error.sentence:
            return stack, "unchanged"
        raise
    _follow(aws, name, last_event, len(template.resources), poll_s)
    return require_stack(aws, name), "updated" if stack else "created"


def _upload(aws: Aws, name: str, template: Template) -> str:
    """URL of the uploaded template, which is too long for a request."""
    bucket = f"{name}-templates-{aws.account}-{aws.region}".lower()
    try:
        aws.call("s3", "head_bucket", Bucket=bucket, ExpectedBucketOwner=aws.account)
    except AwsError as error:
        if error.code != "404":
            raise
        location = {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
        aws.call("s3", "create_bucket", Bucket=bucket, **_unless_default(aws.region, location))
        private = dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"),
            True,
        )
        aws.call(
            "s3",
            "put_public_access_block",
            Bucket=bucket,
            PublicAccessBlockConfiguration=private,
        )
    key = f"{template.digest}.json"
    aws.call("s3", "put_object", Bucket=bucket, Key=key, Body=template.text.encode())
    return f"https://{bucket}.s3.{aws.region}.amazonaws.com/{key}"


def _unless_default(region: str, location: dict[str, Any]) -> dict[str, Any]:
    # S3 refuses the name of its default region
    return {} if region == "us-east-1" else location


def _follow(aws: Aws, name: str, last_event: str, resources: int, poll_s: float) -> None:
    """Show the progress of the stack's resources until all are done."""
    shown: set[str] = set()
    with tqdm(total=resources, desc=f"stack {name}", unit="resource", disable=None) as bar:
        while True:
            for event in reversed(list(_events_since(aws, name, last_event))):
                if event["EventId"] not in shown:
                    shown.add(event["EventId"])
                    bar.set_postfix_str(f"{event['LogicalResourceId']} {event['ResourceStatus']}")
                    bar.update(str(event["ResourceStatus"]).endswith("_COMPLETE"))
            status = require_stack(aws, name).status
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(poll_s)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            for event in _events_since(aws, name, last_event)
            if str(event["ResourceStatus"]).endswith("_FAILED")
        ]
        raise DeploymentError(
            f"stack {name} ended as {status}: {'; '.join(reversed(reasons))}; "
            "fix the first of these and apply again"
        )


def _newest_event(aws: Aws, name: str) -> str:
    return next((str(event["EventId"]) for event in _events_since(aws, name, "")), "")


def _events_since(aws: Aws, name: str, last_event: str) -> Iterator[dict[str, Any]]:
    """Events after `last_event`, newest first."""
    for event in aws.call("cloudformation", "describe_stack_events", StackName=name)["StackEvents"]:
        if event["EventId"] == last_event:
            return
        yield event
