"""The CloudFormation template with the state machine in it."""

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
"""The one in C is ten times faster, and not everywhere."""


@dataclass(frozen=True)
class Template:
    """What CloudFormation is given."""

    content: dict[str, Any]

    @classmethod
    def parse(cls, held: object) -> "Template":
        """A template as CloudFormation hands it out: text, or an object where it was JSON."""
        return cls(yaml.load(held, _LOADER) if isinstance(held, str) else dict(held))  # type: ignore[call-overload]

    @property
    def text(self) -> str:
        """As JSON, which CloudFormation takes, too."""
        return json.dumps(self.content, separators=(",", ":"), ensure_ascii=False)

    @property
    def digest(self) -> str:
        """Tells templates apart."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Name of each parameter to its type, default and limits."""
        return dict(self.content["Parameters"])

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Name of each resource to its type and properties."""
        return dict(self.content["Resources"])


def read_template(folder: Path = FOLDER) -> Template:
    """`template.yaml` with `state_machine.asl.json` in the place that names it.

    Raises:
        DeploymentError: One of them is missing or unreadable.
    """
    content = yaml.load(_text(folder / "template.yaml"), _LOADER)
    machine = content["Resources"]["StateMachine"]["Properties"]
    definition = json.loads(_text(folder / str(machine.pop("DefinitionS3Location"))))
    compact = json.dumps(definition, separators=(",", ":"), ensure_ascii=False)
    # the substitutions of the state machine and those of Fn::Sub are written alike
    machine["DefinitionString"] = {"Fn::Sub": [compact, machine.pop("DefinitionSubstitutions")]}
    return Template(content)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeploymentError(
            f"cannot read {path}: {error.strerror}; install the package again"
        ) from error
