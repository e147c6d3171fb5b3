"""Parts of a page that are written from the code: a fence is replaced before the page is parsed.

A directive could not do it: headings that a directive makes do not nest into the page's own.
"""

import re
from collections.abc import Callable

from sphinx.application import Sphinx


def generate(app: Sphinx, name: str, render: Callable[[str], list[str]]) -> None:
    """Replace each fence `{name} ARGUMENT` by the Markdown that `render(ARGUMENT)` gives."""
    fence = re.compile(rf"^```\{{{name}\}} ?(.*)\n```$", flags=re.MULTILINE)

    def replace(app: Sphinx, docname: str, source: list[str]) -> None:
        source[0] = fence.sub(lambda found: "\n".join(render(found[1])), source[0])

    app.connect("source-read", replace)
