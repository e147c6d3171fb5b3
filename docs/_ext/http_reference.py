"""`{http-reference}`: paths, bodies and results of the server, from its own OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from generated import generate
from sphinx.application import Sphinx

from serving.openapi import document
from serving.settings import WorkerSettings

METHODS: Final = ("get", "post", "put", "delete")


def operations(paths: Mapping[str, Any]) -> list[str]:
    """A table of what can be asked: method, path, what it does, statuses."""
    lines = ["| Request | Does | Statuses |", "| --- | --- | --- |"]
    for path, item in paths.items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                statuses = ", ".join(operation["responses"])
                lines.append(f"| `{method.upper()} {path}` | {operation['summary']} | {statuses} |")
    return [*lines, ""]


def properties(schema: Mapping[str, Any]) -> list[str]:
    """A table of the properties of one schema."""
    required = schema.get("required", ())
    lines = ["| Property | Type | Always there |", "| --- | --- | --- |"]
    for name, value in schema["properties"].items():
        always = "yes" if name in required else ""
        lines.append(f"| `{name}` | {_kind(value)} | {always} |")
    return [*lines, ""]


def page(_: str) -> list[str]:
    """Everything that the server answers, as Markdown."""
    content = document(WorkerSettings.from_environ({}))
    lines = ["## Paths", "", *operations(content["paths"])]
    for name, schema in content["components"]["schemas"].items():
        lines += [f"## {name}", "", schema.get("description", ""), "", *properties(schema)]
    return lines


def _kind(value: Mapping[str, Any]) -> str:
    """The type of a property in words; bounds and references included."""
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    kind = value.get("type", "any")
    if kind == "array":
        return f"list of {_kind(value['items'])}"
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "minimum" in value:
        text += f", {value['minimum']} to {value['maximum']}"
    if "maxLength" in value:
        text += f", at most {value['maxLength']} characters"
    return text


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the fences of the pages."""
    generate(app, "http-reference", page)
    return {"parallel_read_safe": True}
