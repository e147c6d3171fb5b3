"""The endpoint as it runs: its model, image and alarms."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from linkage_rl.deploying.aws import Aws, AwsError
from linkage_rl.errors import DeploymentError

MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
"""Formats of a manifest that SageMaker takes."""
_ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<name>[^@:]+)(:[^@]+)?@(?P<digest>sha256:[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Endpoint:
    """An existing endpoint."""

    name: str
    status: str
    config: str
    image: str
    model_data: str
    """S3 URI; '' where the bundle is in the image."""
    instances: int

    def __str__(self) -> str:
        data = f" with {self.model_data}" if self.model_data else ""
        return f"{self.name} {self.status}, {self.instances} instances, {self.image}{data}"

    @property
    def sha(self) -> str:
        """The commit in the name of its configuration; '' if no release created it."""
        return (
            self.config.removeprefix(f"{self.name}--").partition("-")[0] if self.is_released else ""
        )

    @property
    def is_released(self) -> bool:
        """Whether a release created its configuration."""
        return self.config.startswith(f"{self.name}--")


def find_endpoint(aws: Aws, name: str) -> Endpoint | None:
    """The endpoint of this name, if there is one."""
    try:
        found = aws.call("sagemaker", "describe_endpoint", EndpointName=name)
    except AwsError as error:
        if "Could not find" in error.sentence:
            return None
        raise
    config = str(found["EndpointConfigName"])
    details = aws.call("sagemaker", "describe_endpoint_config", EndpointConfigName=config)
    model = str(details["ProductionVariants"][0]["ModelName"])
    container = aws.call("sagemaker", "describe_model", ModelName=model)["PrimaryContainer"]
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    variants = found.get("ProductionVariants", [{}])
    return Endpoint(
        name,
        str(found["EndpointStatus"]),
        config,
        str(container.get("Image", "")),
        str(container.get("ModelDataUrl") or source.get("S3Uri", "")),
        int(variants[0].get("CurrentInstanceCount", 0)),
    )


def alarms(aws: Aws, endpoint: str) -> Iterator[tuple[str, str]]:
    """Name and state of each alarm of the endpoint."""
    names = [f"{endpoint}-{kind}" for kind in ("errors", "latency", "linkage-rate")]
    found = aws.call("cloudwatch", "describe_alarms", AlarmNames=names)
    for alarm in found.get("MetricAlarms", ()):
        yield str(alarm["AlarmName"]), str(alarm["StateValue"])


def image_of(aws: Aws, repository: str, sha: str) -> str:
    """The image that was pushed for a commit, by its digest.

    Args:
        aws: Account and region.
        repository: URI of the repository.
        sha: The tag.

    Raises:
        AwsError: There is none.
    """
    name = repository.partition("/")[2]
    found = aws.call("ecr", "describe_images", repositoryName=name, imageIds=[{"imageTag": sha}])
    return f"{repository}@{found['imageDetails'][0]['imageDigest']}"


def refuse_other_formats(aws: Aws, image: str) -> None:
    """Refuse an image of this region's registry that SageMaker cannot pull.

    Other registries are not asked, and an image that is not found is left to the release.

    Args:
        aws: Account and region.
        image: REPOSITORY@sha256:DIGEST.

    Raises:
        DeploymentError: Its manifest is an index, or in the OCI format.
    """
    found = _ECR_IMAGE.fullmatch(image)
    if found is None or found["region"] != aws.region:
        return
    try:
        details = aws.call(
            "ecr",
            "describe_images",
            registryId=found["account"],
            repositoryName=found["name"],
            imageIds=[{"imageDigest": found["digest"]}],
        )["imageDetails"][0]
    except AwsError as error:
        # the release itself ends with this reason, or the registry may not be looked at from here
        if "NotFound" in error.code or "Denied" in error.code:
            return
        raise
    held = str(details.get("imageManifestMediaType", ""))
    if held and held not in MANIFESTS:
        raise DeploymentError(
            f"{image} is in the registry as {held}, which SageMaker refuses: it takes "
            f"{MANIFESTS[0]}; push it with scripts/build_and_push.sh, or build it with docker "
            "--provenance=false --output type=docker, or push it with podman --format v2s2"
        )
