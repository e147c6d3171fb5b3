"""The parameters of the CloudFormation stack as keys of the command."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from linkage_rl.deploying.passwords import holds_password
from linkage_rl.deploying.template import container_variables
from linkage_rl.errors import ConfigError, DatabaseError, LinkageError
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.schema import ColumnMapping

_LONGEST: Final = 1024
"""Characters that SageMaker allows in an environment variable."""

_OF_THE_SECRET: Final = {
    "DB_SECRET_ARN": "database_secret_arn",
    "DB_HOST": "database_host",
    "DB_PORT": "database_port",
    "DB_NAME": "database_name",
    "DB_USER": "database_user",
}
"""Variable of the server to the parameter that the secret is named or made with: the server reads
them from the secret first."""


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
    database_timeout_seconds: float | None = None
    database_ssl_mode: str | None = None
    database_ssl_root_cert: str | None = None
    table_mapping: dict[str, Any] = field(default_factory=dict)
    csv_columns: list[str] | None = None
    timeout_seconds: int | None = None
    log_url: str | None = None
    server_variables: dict[str, str] = field(default_factory=dict)
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
    architecture: str | None = None

    def __post_init__(self) -> None:
        _check_mapping(self.table_mapping)
        _check_variables(self.server_variables)
        _check_log_url(self.log_url)
        for name, value in self.given().items():
            if not value.isascii():
                _refuse_characters(key_of(name), value)

    def given(self) -> dict[str, str]:
        """Name in the template to value, of the parameters that are set."""
        values = {template_name(key.name): getattr(self, key.name) for key in fields(self)}
        return {name: _text(value) for name, value in values.items() if value not in (None, {})}


def template_name(key: str) -> str:
    """The name of a parameter in the template.

    >>> template_name("s3_prefix_list_id")
    'S3PrefixListId'
    """
    return "".join(part.capitalize() for part in key.split("_"))


def key_of(name: str) -> str:
    """The key of the command for a parameter of the template."""
    return next(key.name for key in fields(StackParameters) if template_name(key.name) == name)


def stack_variables() -> dict[str, str]:
    """Variable of the server that the stack sets to its parameter; '' where it has none.

    Raises:
        DeploymentError: The state machine is missing or unreadable.
    """
    keys = {template_name(key.name): key.name for key in fields(StackParameters)}
    own = {}
    for name, value in container_variables().items():
        found = re.search(r"\$\{(\w+)\}", value)
        own[name] = keys.get(found[1], "") if found else ""
    return own | _OF_THE_SECRET


def _check_mapping(mapping: Mapping[str, Any]) -> None:
    """Refuse a mapping that the server would refuse at its start, when the endpoint is created."""
    try:
        ColumnMapping(**mapping)
    except (LinkageError, TypeError, ValueError) as error:
        known = ", ".join(key.name for key in fields(ColumnMapping))
        raise ConfigError(
            f"table_mapping: expected columns of {known}, got {sorted(mapping)}: {error}; "
            "name your columns as in docs/howto/own_table.md"
        ) from None
    if len(_text(dict(mapping))) > _LONGEST:
        raise ConfigError(
            f"table_mapping: expected at most {_LONGEST} characters as ASCII JSON, got "
            f"{len(_text(dict(mapping)))}; give the table a view with shorter names"
        )


def _check_variables(variables: Mapping[str, str]) -> None:
    own = stack_variables() if variables else {}
    for name, value in variables.items():
        if name in own:
            advice = f"set parameters.{own[name]} instead" if own[name] else "leave it out"
            raise ConfigError(
                f"server_variables: expected variables that the stack does not set, got {name}, "
                f"which would have no effect; {advice}"
            )
        if re.search(r"PASS|PWD|TOKEN|SECRET|KEY|CREDENTIAL", name, re.IGNORECASE) or (
            holds_password(value)
        ):
            raise ConfigError(
                f"server_variables: expected no secret, got {name}, which would be readable in the "
                "stack and in SageMaker; put it into the secret of the database, or in the image's "
                "own start"
            )


def _check_log_url(url: str | None) -> None:
    # the messages are without the URL, which may hold a password
    if not url:
        return
    if holds_password(url):
        raise ConfigError(
            "log_url: expected a URL without a password, got one with it, which would be "
            "readable in the stack; give it a user who needs none, as by a certificate"
        )
    try:
        parse_url(url)
    except DatabaseError as error:
        raise ConfigError(f"log_url: {error}") from None


def _refuse_characters(key: str, value: str) -> None:
    advice = "write it in ASCII"
    if key == "csv_columns":
        advice = "leave the name of a column that the server does not read empty, as in [name,'']"
    raise ConfigError(
        f"{key}: expected ASCII characters, got {value!r}, of which CloudFormation would make "
        f"question marks; {advice}"
    )


def _text(value: object) -> str:
    if isinstance(value, dict):
        # ASCII, since CloudFormation replaces other characters by question marks
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
