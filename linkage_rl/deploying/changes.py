"""What an update would change in a stack, found without touching it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from linkage_rl.deploying.template import Template


@dataclass(frozen=True)
class Change:
    """One difference between the stack and the planned one."""

    kind: str
    """'add', 'change', 'remove' or 'set'."""
    subject: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.kind == "set":
            return (
                f"set     {self.subject}: {self.before or 'nothing'} -> {self.after or 'nothing'}"
            )
        return f"{self.kind:<7} {self.subject}"


def changes(
    template: Template,
    parameters: Mapping[str, str],
    old_template: Mapping[str, Any] | None,
    old_parameters: Mapping[str, str],
) -> list[Change]:
    """All differences; conditions are not evaluated, so that some may turn out to have no effect.

    Args:
        template: The planned template.
        parameters: All parameters of the planned stack.
        old_template: The present template, as CloudFormation returns it; None without a stack.
        old_parameters: The present parameters.
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
