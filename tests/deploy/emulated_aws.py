"""AWS as moto emulates it, with what moto lacks: updates of endpoints, answers, and denials.

Every request that leaves boto3 is checked against the service's model, so that a misspelt
parameter fails although the state machine's own clients do not look.
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
NO_WAITING = '"poll_s.$":"States.StringToJson(\'0\')'
TWO_DOLLARS = "<two dollars>"
"""moto's Fn::Sub takes them for an escaped one, which CloudFormation's does not."""
UPDATED_WRONGLY = "AWS::EC2::VPCEndpoint"
"""An update makes those, too, whose condition does not hold."""

Answer = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Call:
    """A request that left boto3."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass
class Emulation:
    """What happens in AWS, and what happened."""

    answer: Answer
    """What the endpoint answers to a body; an exception is raised instead."""
    fates: list[str] = field(default_factory=list)
    """Of the next changes of the endpoint: arrives, fails, turned back, or stuck."""
    denied: set[str] = field(default_factory=set)
    """Operations for which the permission is missing."""
    calls: list[Call] = field(default_factory=list)
    trainings: dict[str, list[str]] = field(default_factory=dict)
    """Name of a training job to the states that it goes through."""
    _endpoints: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def operations(self, service: str = "sagemaker") -> list[str]:
        """What was called of a service, in order."""
        return [call.operation for call in self.calls if call.service == service]

    def reply(self, call: Call, real: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer to one request."""
        self.calls.append(call)
        if call.operation in self.denied:
            raise refusal(call.operation, "AccessDeniedException", f"no right to {call.operation}")
        own = getattr(self, f"_{call.operation.lower()}", None)
        return own(call.parameters, real) if own else real()

    def _createmodel(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        if asked["ModelName"] in _backend()._models:
            sentence = "Cannot create already existing model"
            raise refusal("CreateModel", "ValidationException", sentence)
        answer: dict[str, Any] = real()
        return answer

    def _createendpointconfig(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        if asked["EndpointConfigName"] in _backend().endpoint_configs:
            sentence = "Cannot create already existing endpoint configuration"
            raise refusal("CreateEndpointConfig", "ValidationException", sentence)
        answer: dict[str, Any] = real()
        return answer

    def _createendpoint(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        answer: dict[str, Any] = real()
        self._go(asked["EndpointName"], "Creating", "none", asked["EndpointConfigName"])
        return answer

    def _updateendpoint(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        name, config = asked["EndpointName"], asked["EndpointConfigName"]
        endpoint = _backend().endpoints[name]
        if config not in _backend().endpoint_configs:
            raise refusal("UpdateEndpoint", "ValidationException", f"Could not find {config}.")
        self._go(name, "Updating", endpoint.endpoint_config_name, config)
        return {"EndpointArn": endpoint.arn}

    def _go(self, name: str, under_way: str, old: str, new: str) -> None:
        fate = self.fates.pop(0) if self.fates else "arrives"
        ends = {
            "arrives": ("InService", new),
            "fails": ("Failed", new),
            "turned back": ("InService", old),
            "stuck": (under_way, old),
        }
        shown_old = new if under_way == "Creating" else old
        self._endpoints[name] = [(under_way, shown_old), ends[fate]]

    def _describeendpoint(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        answer: dict[str, Any] = real()
        ahead = self._endpoints.get(asked["EndpointName"], [])
        if ahead:
            status, config = ahead.pop(0) if len(ahead) > 1 else ahead[0]
            answer |= {"EndpointStatus": status, "EndpointConfigName": config}
            _backend().endpoints[asked["EndpointName"]].endpoint_config_name = config
            if status == "Failed":
                answer["FailureReason"] = "the container did not pass its health check"
        return answer

    def _invokeendpoint(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        said = self.answer(json.loads(asked["Body"]))
        if isinstance(said, Exception):
            raise said
        body = (said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)).encode()
        return {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentType": "application/json",
            "InvokedProductionVariant": "AllTraffic",
        }

    def _createtrainingjob(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        name = asked["TrainingJobName"]
        if name in self.trainings:
            raise refusal("CreateTrainingJob", "ResourceInUse", "Training job already exists")
        self.trainings[name] = ["InProgress", "Completed"]
        return {"TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"}

    def _describetrainingjob(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        ahead = self.trainings[asked["TrainingJobName"]]
        status = ahead.pop(0) if len(ahead) > 1 else ahead[0]
        reason = {"FailureReason": "lr: expected a number"} if status == "Failed" else {}
        return {"TrainingJobStatus": status, **reason}

    def _createstack(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        return _with_known_resources(asked, real)

    def _updatestack(self, asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
        return _with_known_resources(asked, real)


def refusal(operation: str, code: str, sentence: str) -> ClientError:
    """An error as SageMaker words it."""
    about = {"HTTPStatusCode": 400, "RequestId": "r"}
    return ClientError(
        {"Error": {"Code": code, "Message": sentence}, "ResponseMetadata": about},
        operation,
    )


def emulate(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> Iterator[Emulation]:
    """Everything that boto3 says goes to moto, by way of an `Emulation`."""
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
    """A network with a database's security group, as keys of the command."""
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
    """Run the state machine to its end, and return its description."""
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
    """Step Functions sends a body as JSON, and that of a text in quotes."""
    return {
        name: json.dumps(value, ensure_ascii=False).encode()
        if name in shape.members and shape.members[name].type_name == "blob"
        else value
        for name, value in parameters.items()
    }


def _decoded(reply: dict[str, Any]) -> dict[str, Any]:
    """Step Functions sees a body as text."""
    return {
        name: value.read().decode() if isinstance(value, StreamingBody) else value
        for name, value in reply.items()
    }


def _backend() -> Any:
    return sagemaker_backends[ACCOUNT][REGION]


def _with_known_resources(asked: Mapping[str, Any], real: Any) -> dict[str, Any]:
    """Leave out what moto cannot make, and put a made-up name where it is spoken of."""
    bucket, key = re.fullmatch(r"https://([^.]+)\.s3\.[^/]+/(.+)", asked["TemplateURL"]).groups()  # type: ignore[union-attr]
    s3 = boto3.client("s3")
    template = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    unknown = {
        name: one["Type"]
        for name, one in template["Resources"].items()
        if one["Type"] not in get_model_map() or one["Type"] == UPDATED_WRONGLY
    }
    for name in unknown:
        del template["Resources"][name]
    known = json.dumps(_without(template, unknown))
    s3.put_object(Bucket=bucket, Key=key, Body=known.encode())
    answer: dict[str, Any] = real()
    for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
        _bring_to_interpreter(machine)
    return answer


def _bring_to_interpreter(machine: Any) -> None:
    """CloudFormation's machines land where nothing runs; the API's are those that run."""
    client = boto3.client("stepfunctions")
    text = machine.definition.replace(TWO_DOLLARS, "$$")
    text = text.replace(f'"poll_s.$":"States.StringToJson(\'{POLL_S}\')', NO_WAITING)
    assert NO_WAITING in text
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
            lambda found: f"{found[1]}-made-up" if found[1] in unknown else found[0],
            node,
        )
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in unknown:
        return f"{node['Ref']}-made-up"
    if isinstance(node.get("Fn::GetAtt"), list) and node["Fn::GetAtt"][0] in unknown:
        return f"arn:aws:made:up::{node['Fn::GetAtt'][0]}"
    if isinstance(node.get("Fn::Sub"), list):
        # the placeholders of the state machine are filled by its own values
        text, values = node["Fn::Sub"]
        return {"Fn::Sub": [text.replace("$$", TWO_DOLLARS), _without(values, unknown)]}
    return {key: _without(value, unknown) for key, value in node.items()}
