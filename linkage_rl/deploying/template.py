"""The CloudFormation template, with the state machine embedded."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from linkage_rl.errors import DeploymentError
from linkage_rl.shipped import shipped

FOLDER: Final = shipped("serving/deploy")
"""Where `template.yaml` and the state machine are."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader is ten times faster, but not always available."""


@dataclass(frozen=True)
class Template:
    """A CloudFormation template."""

    content: dict[str, Any]

    @classmethod
    def parse(cls, body: object) -> "Template":
        """A template as boto3 returns it: text for YAML, an object for JSON."""
        return cls(yaml.load(body, _LOADER) if isinstance(body, str) else dict(body))  # type: ignore[call-overload]

    @property
    def text(self) -> str:
        """The template as JSON, which CloudFormation also accepts."""
        return json.dumps(self.content, separators=(",", ":"), ensure_ascii=False)

    @property
    def digest(self) -> str:
        """Hash of the template."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Name of each parameter to its type, default and limits."""
        return dict(self.content["Parameters"])

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Name of each resource to its type and properties."""
        return dict(self.content["Resources"])


def read_template(folder: Path = FOLDER, *, pipeline: bool = True) -> Template:
    """`template.yaml` with `state_machine.asl.json` embedded.

    Args:
        folder: Where the files are.
        pipeline: Whether to add the parts of `pipeline.yaml`.

    Raises:
        DeploymentError: One of them is missing or unreadable.
    """
    content = yaml.load(_text(folder / "template.yaml"), _LOADER)
    if pipeline:
        parts = yaml.load(_text(folder / "pipeline.yaml"), _LOADER)
        content |= {name: content.get(name, {}) | part for name, part in parts.items()}
    machine = content["Resources"]["StateMachine"]["Properties"]
    definition = json.loads(_text(folder / str(machine.pop("DefinitionS3Location"))))
    compact = json.dumps(definition, separators=(",", ":"), ensure_ascii=False)
    # the state machine has its substitutions in the syntax of Fn::Sub
    machine["DefinitionString"] = {"Fn::Sub": [compact, machine.pop("DefinitionSubstitutions")]}
    return Template(content)


def container_variables(folder: Path = FOLDER) -> dict[str, str]:
    """Environment variable of the server to its value in the state machine, as `${EndpointName}`.

    Raises:
        DeploymentError: The state machine is missing or unreadable.
    """
    states = json.loads(_text(folder / "state_machine.asl.json"))["States"]
    variables = states["Settings"]["Parameters"]["environment"]
    return {name.removesuffix(".$"): value for name, value in variables.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeploymentError(
            f"cannot read {path}: {error.strerror}; install the package again"
        ) from error
