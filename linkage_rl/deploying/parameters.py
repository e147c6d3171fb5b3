"""The parameters of the CloudFormation stack as keys of the command."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class StackParameters:
    """Parameters to set; the others keep their value, or get their default in a new stack.

    `serving/deploy/template.yaml` describes each under its name there: `vpc_id` is `VpcId`.
    """

    endpoint_name: str | None = None
    instance_type: str | None = None
    instance_count: int | None = None
    max_instances: int | None = None
    invocations_per_instance: int | None = None
    vpc_id: str | None = None
    subnet_ids: list[str] | None = None
    route_table_ids: list[str] | None = None
    create_vpc_endpoints: bool | None = None
    caller_cidr: str | None = None
    s3_prefix_list_id: str | None = None
    database_security_group_id: str | None = None
    database_port: int | None = None
    database_secret_arn: str | None = None
    database_host: str | None = None
    database_name: str | None = None
    database_user: str | None = None
    on_database_down: str | None = None
    refresh_seconds: int | None = None
    capture_percent: int | None = None
    capture_days: int | None = None
    canary_seconds: int | None = None
    poll_seconds: int | None = None
    max_polls: int | None = None
    keep_releases: int | None = None
    error_threshold: int | None = None
    latency_microseconds: int | None = None
    alarm_email: str | None = None
    training_instance_type: str | None = None
    training_seconds: int | None = None
    training_metric: str | None = None
    source_repository: str | None = None
    source_branch: str | None = None
    bundle_key: str | None = None
    base_image: str | None = None

    def given(self) -> dict[str, str]:
        """Name in the template to value, of the parameters that are set."""
        values = {template_name(key.name): getattr(self, key.name) for key in fields(self)}
        return {name: _text(value) for name, value in values.items() if value is not None}


def template_name(key: str) -> str:
    """The name of a parameter in the template.

    >>> template_name("s3_prefix_list_id")
    'S3PrefixListId'
    """
    return "".join(part.capitalize() for part in key.split("_"))


def key_of(name: str) -> str:
    """The key of the command for a parameter of the template."""
    return next(key.name for key in fields(StackParameters) if template_name(key.name) == name)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
