"""AWS emulated by moto, extended by what moto lacks: endpoint updates, invocations, denied calls.

Every request of boto3 is validated against the service model, so that a misspelt parameter fails
even where the client of the state machine does not validate it.
"""

import io
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.cloudformation.parsing import get_model_map
from moto.sagemaker.models import sagemaker_backends
from moto.stepfunctions.models import stepfunctions_backends

from tests.deploy.two_antlrs import load_interpreter

REGION, ACCOUNT = "ap-northeast-1", "123456789012"
POLL_S = "1"
NO_WAIT = '"poll_s.$":"States.StringToJson(\'0\')'
TWO_DOLLARS = "<two dollars>"
"""moto's Fn::Sub treats `$$` as an escaped `$`; that of CloudFormation does not."""
NOT_CONDITIONAL = "AWS::EC2::VPCEndpoint"
"""moto creates these in an update even if their condition is false."""

Answer = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Call:
    """A request of boto3."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass
class Emulation:
    """How the emulated AWS behaves, and the calls it got."""

    answer: Answer
    """Returns what the endpoint answers to a body; an exception is raised instead."""
    outcomes: list[str] = field(default_factory=list)
    """Outcomes of the next changes of the endpoint: succeeds, fails, rolled back, or stuck."""
    denied: set[str] = field(default_factory=set)
    """Operations that are denied."""
    calls: list[Call] = field(default_factory=list)
    trainings: dict[str, list[str]] = field(default_factory=dict)
    """Name of a training job to its successive states."""
    _endpoints: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def operations(self, service: str = "sagemaker") -> list[str]:
        """Operations called of a service, in order."""
        return [call.operation for call in self.calls if call.service == service]

    def reply(self, call: Call, real: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The response to one request."""
        self.calls.append(call)
        if call.operation in self.denied:
            raise client_error(
                call.operation,
                "AccessDeniedException",
                f"not authorized to perform {call.operation}",
            )
        override = getattr(self, f"_{call.operation.lower()}", None)
        return override(call.parameters, real) if override else real()

    def _createmodel(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        if request["ModelName"] in _backend()._models:
            sentence = "Cannot create already existing model"
            raise client_error("CreateModel", "ValidationException", sentence)
        answer: dict[str, Any] = real()
        return answer

    def _createendpointconfig(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        if request["EndpointConfigName"] in _backend().endpoint_configs:
            sentence = "Cannot create already existing endpoint configuration"
            raise client_error("CreateEndpointConfig", "ValidationException", sentence)
        answer: dict[str, Any] = real()
        return answer

    def _createendpoint(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        answer: dict[str, Any] = real()
        self._change(request["EndpointName"], "Creating", "none", request["EndpointConfigName"])
        return answer

    def _updateendpoint(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        endpoint = _backend().endpoints[name]
        if config not in _backend().endpoint_configs:
            raise client_error("UpdateEndpoint", "ValidationException", f"Could not find {config}.")
        self._change(name, "Updating", endpoint.endpoint_config_name, config)
        return {"EndpointArn": endpoint.arn}

    def _change(self, name: str, in_progress: str, old: str, new: str) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else "succeeds"
        ends = {
            "succeeds": ("InService", new),
            "fails": ("Failed", new),
            "rolled back": ("InService", old),
            "stuck": (in_progress, old),
        }
        shown_old = new if in_progress == "Creating" else old
        self._endpoints[name] = [(in_progress, shown_old), ends[outcome]]

    def _describeendpoint(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        answer: dict[str, Any] = real()
        pending = self._endpoints.get(request["EndpointName"], [])
        if pending:
            status, config = pending.pop(0) if len(pending) > 1 else pending[0]
            answer |= {"EndpointStatus": status, "EndpointConfigName": config}
            _backend().endpoints[request["EndpointName"]].endpoint_config_name = config
            if status == "Failed":
                answer["FailureReason"] = "the container did not pass its health check"
        return answer

    def _invokeendpoint(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        result = self.answer(json.loads(request["Body"]))
        if isinstance(result, Exception):
            raise result
        body = (
            result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        ).encode()
        return {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentType": "application/json",
            "InvokedProductionVariant": "AllTraffic",
        }

    def _createtrainingjob(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        name = request["TrainingJobName"]
        if name in self.trainings:
            raise client_error("CreateTrainingJob", "ResourceInUse", "Training job already exists")
        self.trainings[name] = ["InProgress", "Completed"]
        return {"TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"}

    def _describetrainingjob(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        pending = self.trainings[request["TrainingJobName"]]
        status = pending.pop(0) if len(pending) > 1 else pending[0]
        reason = {"FailureReason": "lr: expected a number"} if status == "Failed" else {}
        return {"TrainingJobStatus": status, **reason}

    def _createstack(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        return _with_known_resources(request, real)

    def _updatestack(self, request: Mapping[str, Any], real: Any) -> dict[str, Any]:
        return _with_known_resources(request, real)


def client_error(operation: str, code: str, sentence: str) -> ClientError:
    """An error as SageMaker returns it."""
    metadata = {"HTTPStatusCode": 400, "RequestId": "r"}
    return ClientError(
        {"Error": {"Code": code, "Message": sentence}, "ResponseMetadata": metadata},
        operation,
    )


def emulate(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> Iterator[Emulation]:
    """Send all calls of boto3 to moto, through an `Emulation`."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    load_interpreter()
    emulation = Emulation(answer)
    real = BaseClient._make_api_call
    validator = ParamValidator()

    def checked(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        service = client.meta.service_model.service_name
        shape = client.meta.service_model.operation_model(operation).input_shape
        from_machine = hasattr(client, "of_state_machine")
        if from_machine:
            parameters = _encoded(parameters, shape)
        if shape is not None and "TemplateURL" not in parameters:
            report = validator.validate(parameters, shape)
            assert not report.has_errors(), f"{operation}: {report.generate_report()}"
        call = Call(service, operation, parameters)
        reply = emulation.reply(call, lambda: real(client, operation, parameters))
        return _decoded(reply) if from_machine else reply

    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        monkeypatch.setattr(BaseClient, "_make_api_call", checked)
        yield emulation


def network() -> dict[str, str]:
    """Create a network with the security group of a database; returns keys of the command."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    group = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    return {
        "vpc_id": vpc,
        "subnet_ids": f"[{','.join(subnets)}]",
        "database_security_group_id": group,
        "poll_seconds": POLL_S,
    }


def execute(machine: str, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Run the state machine to its end; returns the description of the execution."""
    client = boto3.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=machine, name=name, input=json.dumps(content, ensure_ascii=False)
    )["executionArn"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.05)
    pytest.fail(f"{arn} is still running after 60 s")


def _encoded(parameters: dict[str, Any], shape: Any) -> dict[str, Any]:
    """Step Functions encodes a body as JSON, so that a text is in quotes."""
    return {
        name: json.dumps(value, ensure_ascii=False).encode()
        if name in shape.members and shape.members[name].type_name == "blob"
        else value
        for name, value in parameters.items()
    }


def _decoded(reply: dict[str, Any]) -> dict[str, Any]:
    """Step Functions returns a body as text."""
    return {
        name: value.read().decode() if isinstance(value, StreamingBody) else value
        for name, value in reply.items()
    }


def _backend() -> Any:
    return sagemaker_backends[ACCOUNT][REGION]


def _with_known_resources(request: Mapping[str, Any], real: Any) -> dict[str, Any]:
    """Create the stack without the resources that moto lacks, with dummy names for them."""
    bucket, key = re.fullmatch(r"https://([^.]+)\.s3\.[^/]+/(.+)", request["TemplateURL"]).groups()  # type: ignore[union-attr]
    s3 = boto3.client("s3")
    template = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    unknown = {
        name: one["Type"]
        for name, one in template["Resources"].items()
        if one["Type"] not in get_model_map() or one["Type"] == NOT_CONDITIONAL
    }
    for name in unknown:
        del template["Resources"][name]
    known = json.dumps(_without(template, unknown))
    s3.put_object(Bucket=bucket, Key=key, Body=known.encode())
    answer: dict[str, Any] = real()
    for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
        _make_executable(machine)
    return answer


def _make_executable(machine: Any) -> None:
    """Create the machine again by the API: moto does not execute those of CloudFormation."""
    client = boto3.client("stepfunctions")
    text = machine.definition.replace(TWO_DOLLARS, "$$")
    text = text.replace(f'"poll_s.$":"States.StringToJson(\'{POLL_S}\')', NO_WAIT)
    assert NO_WAIT in text
    try:
        client.update_state_machine(stateMachineArn=machine.arn, definition=text)
    except client.exceptions.StateMachineDoesNotExist:
        client.create_state_machine(name=machine.name, definition=text, roleArn=machine.roleArn)


def _without(node: Any, unknown: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_without(one, unknown) for one in node]
    if isinstance(node, str):
        return re.sub(
            r"\$\{(\w+)(\.\w+)?\}",
            lambda found: f"{found[1]}-dummy" if found[1] in unknown else found[0],
            node,
        )
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in unknown:
        return f"{node['Ref']}-dummy"
    if isinstance(node.get("Fn::GetAtt"), list) and node["Fn::GetAtt"][0] in unknown:
        return f"arn:aws:dummy::{node['Fn::GetAtt'][0]}"
    if isinstance(node.get("Fn::Sub"), list):
        # the placeholders of the state machine are replaced by its own values
        text, values = node["Fn::Sub"]
        return {"Fn::Sub": [text.replace("$$", TWO_DOLLARS), _without(values, unknown)]}
    return {key: _without(value, unknown) for key, value in node.items()}
