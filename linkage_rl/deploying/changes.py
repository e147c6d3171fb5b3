"""What an update would change in a stack, told without touching it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from linkage_rl.deploying.template import Template


@dataclass(frozen=True)
class Change:
    """One difference between what is and what would be."""

    kind: str
    """'add', 'change', 'remove' or 'set'."""
    what: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.kind == "set":
            return f"set     {self.what}: {self.before or 'nothing'} -> {self.after or 'nothing'}"
        return f"{self.kind:<7} {self.what}"


def changes(
    template: Template,
    parameters: Mapping[str, str],
    old_template: Mapping[str, Any] | None,
    old_parameters: Mapping[str, str],
) -> list[Change]:
    """All differences; conditions are not looked into, so some of what is told may not come about.

    Args:
        template: What would be.
        parameters: Every parameter that would be given or kept.
        old_template: What is, as CloudFormation holds it; None where there is no stack.
        old_parameters: The parameters that it has.
    """
    found = list(_resources(template.resources, dict((old_template or {}).get("Resources", {}))))
    if old_template is None:
        return found
    for part in ("Conditions", "Outputs"):
        if _plain(template.content.get(part)) != _plain(old_template.get(part)):
            found.append(Change("change", part.lower()))
    names = sorted({*parameters, *old_parameters})
    pairs = [(name, old_parameters.get(name, ""), parameters.get(name, "")) for name in names]
    return found + [Change("set", *pair) for pair in pairs if pair[1] != pair[2]]


def _resources(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*new, *old}):
        kind = str((new.get(name) or old[name])["Type"])
        if name not in old:
            yield Change("add", f"{name} ({kind})")
        elif name not in new:
            yield Change("remove", f"{name} ({kind})")
        elif _plain(new[name]) != _plain(old[name]):
            yield Change("change", f"{name} ({kind})")


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
