"""`{settings}`: tables of the keys of a configuration, written from its frozen dataclasses.

A key is the path that a command takes (`training.warm_start.samples=1000`), its default comes from
the dataclass, and its text is the docstring below the field, read from the source by AST since
Python does not keep it.
"""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from types import UnionType
from typing import Any, get_args, get_type_hints

from generated import generate
from sphinx.application import Sphinx


@dataclasses.dataclass(frozen=True)
class Key:
    """One key that can be set."""

    path: str
    kind: str
    default: str
    text: str


@cache
def field_texts(schema: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, inherited ones included."""
    texts: dict[str, str] = {}
    for owner in reversed(schema.__mro__):
        if not dataclasses.is_dataclass(owner):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(definition, ast.ClassDef)
        body = definition.body
        for statement, after in pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                texts[statement.target.id] = _text_of(after)
    return texts


def walk(schema: type, prefix: str = "") -> Iterator[Key | tuple[str, type, str]]:
    """The keys of a dataclass in their order, and (path, dataclass, text) of each nested one."""
    hints = get_type_hints(schema)
    texts = field_texts(schema)
    for field in dataclasses.fields(schema):
        path, kind = f"{prefix}{field.name}", hints[field.name]
        default = _default(field)
        nested = [one for one in _choices(kind) if dataclasses.is_dataclass(one)]
        if len(nested) > 1:
            nested += [own for one in nested for own in one.__subclasses__() if own not in nested]
        if nested:
            for choice in nested:
                yield path, choice, texts.get(field.name, "")
        else:
            yield Key(path, _kind(kind), _shown(default), texts.get(field.name, ""))


def sections(schema: type, prefix: str = "", seen: dict[type, str] | None = None) -> list[str]:
    """Markdown of a configuration: a table per dataclass, each nested one under a heading.

    Args:
        schema: The dataclass.
        prefix: Path of its keys, such as 'table.'.
        seen: Dataclasses that have their table already, and the path it stands under.
    """
    seen = {} if seen is None else seen
    found = list(walk(schema, prefix))
    keys = [one for one in found if isinstance(one, Key)]
    lines = [_purpose(schema), "", *(_table(keys) if keys else [])]
    for one in found:
        if isinstance(one, tuple):
            path, nested, text = one
            lines += [f"### `{path}`: {nested.__name__}", "", text, ""]
            if nested in seen:
                lines += [f"The keys of `{seen[nested]}`.", ""]
            else:
                seen[nested] = path
                lines += sections(nested, f"{path}.", seen)
    return lines


def _table(keys: list[Key]) -> list[str]:
    rows = [_row("Key", "Type", "Default", "Meaning")]
    rows += [_row(f"`{key.path}`", key.kind, f"`{key.default}`", key.text) for key in keys]
    options = (":header-rows: 1", ":class: settings", ":widths: 30 12 18 40", "")
    return ["```{list-table}", *options, *(line for row in rows for line in row), "```", ""]


def page(argument: str) -> list[str]:
    """The tables of one configuration, given as module.Class."""
    module, _, name = argument.rpartition(".")
    return sections(getattr(import_module(module), name))


def _text_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def _purpose(schema: type) -> str:
    """The docstring of a dataclass, without its examples."""
    lines = (inspect.getdoc(schema) or "").splitlines()
    kept = [line for line in lines if not line.lstrip().startswith(">>>")]
    return "\n".join(kept)


def _choices(kind: Any) -> tuple[Any, ...]:
    """The dataclasses among which a field may choose; a plain type is its own only choice."""
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _kind(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind)) if not get_args(kind) else str(kind)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


def _shown(default: Any) -> str:
    if default is dataclasses.MISSING:
        return "required"
    return "''" if default == "" else str(default)


def _row(*cells: str) -> list[str]:
    first, *rest = cells
    return [f"* - {first}", *(f"  - {cell}" for cell in rest)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the fences of the pages."""
    generate(app, "settings", page)
    return {"parallel_read_safe": True}
