"""Walks a state machine, and generates sample parameters for its tasks."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.model import OperationModel, Shape

from tests.deploy.releases import definition

SERVICES = {"sagemakerruntime": "sagemaker-runtime"}
"""Name of a service in Step Functions to its name in boto3."""


@dataclass(frozen=True)
class Task:
    """A state that calls AWS."""

    name: str
    service: str
    operation: str
    parameters: Mapping[str, Any]

    def model(self) -> OperationModel:
        """The service model of the operation."""
        client = boto3.client(SERVICES.get(self.service, self.service), region_name="us-east-1")
        return client.meta.service_model.operation_model(self.operation)


def tasks(text: str = "") -> list[Task]:
    """All tasks, including those in branches and loops."""
    return list(_tasks(json.loads(text or definition())))


def sample(shape: Shape, node: Any) -> Any:
    """A parameter as written, with a sample value of the right type for each path."""
    if shape.type_name == "blob":
        return b"{}"
    if shape.type_name == "structure" and isinstance(node, dict):
        return dict(_members(shape, node))
    if shape.type_name == "list" and isinstance(node, list):
        return [sample(shape.member, one) for one in node]
    return node


def _members(shape: Shape, node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        name = key.removesuffix(".$")
        known = shape.members.get(name)
        if known is None:
            yield name, value
        else:
            yield name, _sample_value(known) if key.endswith(".$") else sample(known, value)


def _sample_value(shape: Shape) -> Any:
    if shape.type_name == "structure":
        return {name: _sample_value(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [_sample_value(shape.member)] * shape.metadata.get("min", 0)
    if shape.type_name == "map":
        return {}
    if shape.type_name in ("integer", "long"):
        return shape.metadata.get("min", 1)
    if shape.type_name == "boolean":
        return True
    return "x" * max(1, shape.metadata.get("min", 1))


def _tasks(machine: Mapping[str, Any]) -> Iterator[Task]:
    for name, state in machine["States"].items():
        for inner in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _tasks(inner)
        if state["Type"] == "Task":
            found = re.fullmatch(r"arn:aws:states:::aws-sdk:(\w+):(\w+)", state["Resource"])
            assert found, state["Resource"]
            operation = found[2][0].upper() + found[2][1:]
            yield Task(name, found[1], operation, state["Parameters"])
