"""What a region or an instance type does not have, found before anything is created."""

import re
from collections.abc import Mapping
from typing import Final

from linkage_rl.deploying.parameters import key_of
from linkage_rl.deploying.template import Template
from linkage_rl.errors import ConfigError

CODECONNECTIONS: Final = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2"),
        *("eu-west-3", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1"),
        *("us-west-2", "us-gov-east-1", "us-gov-west-1"),
    }
)
"""Regions whose CloudFormation has AWS::CodeConnections::Connection, which the pipeline needs."""
BY_HAND: Final = "push images with scripts/build_and_push.sh and release them with apply sha=COMMIT"


def has_pipeline(region: str) -> bool:
    """Whether the stack can have a pipeline in this region."""
    return region in CODECONNECTIONS


def refuse_unknown(template: Template, given: Mapping[str, str], region: str) -> None:
    """Refuse given parameters that the template of this region lacks: those of the pipeline.

    Raises:
        ConfigError: There is one.
    """
    for name in given:
        if name not in template.parameters:
            raise ConfigError(
                f"parameters.{key_of(name)} is one of the pipeline, and {region} has no AWS "
                f"CodeConnections for it; leave it out there, {BY_HAND}"
            )


def refuse_mismatch(values: Mapping[str, str]) -> None:
    """Refuse an instance type on which images of the pipeline would not run.

    Args:
        values: All parameters of the planned stack.

    Raises:
        ConfigError: The architectures differ, and the stack has a pipeline.
    """
    built = values.get("Architecture", "")
    needed = "arm64" if is_graviton(values["InstanceType"]) else "amd64"
    if values.get("SourceRepository") and built != needed:
        raise ConfigError(
            f"instance_type {values['InstanceType']} runs images for {needed}, but the pipeline "
            f"builds them for {built}; give parameters.architecture={needed} as well"
        )


def is_graviton(instance_type: str) -> bool:
    """Whether an instance type has an ARM processor.

    >>> is_graviton("ml.c7g.large"), is_graviton("ml.m6gd.xlarge"), is_graviton("ml.g5.xlarge")
    (True, True, False)
    """
    return bool(re.fullmatch(r"ml\.[a-z]+\d+g[a-z]*\..+", instance_type))
