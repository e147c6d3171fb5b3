"""Releases are executions of the state machine: starts and follows one, lists earlier ones."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tqdm.auto import tqdm

from linkage_rl.deploying.aws import Aws
from linkage_rl.errors import DeploymentError

MAX_INPUT_BYTES: Final = 262_144
"""Bytes that Step Functions accepts as input."""


@dataclass(frozen=True)
class PastRelease:
    """An execution of the state machine, finished or not."""

    arn: str
    status: str
    started: str
    content: Mapping[str, Any]
    """Its input."""
    result: Mapping[str, Any]
    """Its output; empty unless it succeeded."""

    def __str__(self) -> str:
        outcome = self.result.get("outcome", self.status.lower())
        return f"{self.started}  {self.content.get('sha', '?'):<12}  {outcome}"


def start(aws: Aws, machine: str, content: Mapping[str, Any]) -> str:
    """Start a release and return the ARN of its execution.

    Raises:
        DeploymentError: Another release is in progress, or the input is too long.
    """
    running = aws.call(
        "stepfunctions", "list_executions", stateMachineArn=machine, statusFilter="RUNNING"
    )["executions"]
    if running:
        raise DeploymentError(
            f"expected no release in progress, found {running[0]['name']}; watch it with the "
            "status action, or stop it with `aws stepfunctions stop-execution`"
        )
    text = json.dumps(content, ensure_ascii=False)
    if len(text.encode()) > MAX_INPUT_BYTES:
        raise DeploymentError(
            f"expected an input of {MAX_INPUT_BYTES:,} bytes at most, got {len(text.encode()):,}; "
            "take fewer golden clients, as in golden=10"
        )
    name = f"{content['sha']}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    response = aws.call(
        "stepfunctions", "start_execution", stateMachineArn=machine, name=name, input=text
    )
    return str(response["executionArn"])


def follow(aws: Aws, arn: str, poll_s: float) -> dict[str, Any]:
    """Show the progress of a release until it ends; returns the output of the execution.

    Raises:
        DeploymentError: It failed, for the cause that the state machine gives.
    """
    with tqdm(desc="release", unit="step", disable=None) as bar:
        while True:
            found = aws.call("stepfunctions", "describe_execution", executionArn=arn)
            steps = list(_states(aws, arn))
            bar.set_postfix_str(steps[-1] if steps else "starting")
            bar.update(len(steps) - bar.n)
            if found["status"] != "RUNNING":
                break
            time.sleep(poll_s)
    if found["status"] != "SUCCEEDED":
        raise DeploymentError(
            f"the release ended as {found['status']} in {steps[-1] if steps else 'its start'}: "
            f"{found.get('error', 'no error named')}: {found.get('cause', 'no cause given')}"
        )
    result: dict[str, Any] = json.loads(found["output"])
    return result


def releases(aws: Aws, machine: str, limit: int, status: str = "") -> Iterator[PastRelease]:
    """Earlier releases, newest first; Step Functions keeps them for 90 days.

    Args:
        aws: Account and region.
        machine: ARN of the state machine.
        limit: Largest number of releases.
        status: Only executions of this status; '' for all.
    """
    status_filter = {"statusFilter": status} if status else {}
    listed = aws.call(
        "stepfunctions",
        "list_executions",
        stateMachineArn=machine,
        maxResults=limit,
        **status_filter,
    )
    for execution in listed["executions"][:limit]:
        arn = str(execution["executionArn"])
        found = aws.call("stepfunctions", "describe_execution", executionArn=arn)
        yield PastRelease(
            arn,
            str(found["status"]),
            f"{found['startDate']:%Y-%m-%d %H:%M}",
            json.loads(found.get("input", "{}")),
            json.loads(found.get("output") or "{}"),
        )


def _states(aws: Aws, arn: str) -> Iterator[str]:
    """Names of the states entered so far, in order."""
    token: dict[str, str] = {}
    while True:
        page = aws.call(
            "stepfunctions",
            "get_execution_history",
            executionArn=arn,
            includeExecutionData=False,
            **token,
        )
        for event in page["events"]:
            if "stateEnteredEventDetails" in event:
                yield str(event["stateEnteredEventDetails"]["name"])
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
