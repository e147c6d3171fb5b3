"""Renders the templates; every value is escaped."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from linkage_rl.reviewing.marking import plain

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
"""Files that are sent as they are."""


def _version() -> str:
    """Digest of the static files, so that browsers keep each of them as long as it is the same."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.globals["version"] = _version()
_ENVIRONMENT.filters["plain"] = plain


def render(name: str, values: Mapping[str, Any]) -> str:
    """A page of HTML.

    Args:
        name: Name of its template, without the ending.
        values: Variables of the template.
    """
    text = _ENVIRONMENT.get_template(f"{name}.html.jinja").render(values)
    # a lone surrogate, which no encoding has
    return text.encode("utf-8", "replace").decode()
