"""How a list writes names and addresses in Latin script: 12 Main St, Springfield, IL 62701."""

import re
from typing import Final

TOWN: Final = 2
STREET: Final = 3
"""Depths of an address, see `likeness.Style.depth`."""
REMARK: Final = re.compile(
    r"\b(?:attn|c/o|d/?b/?a|t/a|f/k/a|formerly|trading as|do not use|accounts? payable)\b"
    r"|#\s*\d|\s-\s|[(*\[]|^\d+\s*[.:)]",
    re.IGNORECASE,
)
"""Marks of something beside a name: a person, a trade name, a number of a shop."""
WORDING: Final = re.compile(
    r"^(?:address|hq|head office|registered office|mail to|c/o|attn)\b|[;\n]", re.IGNORECASE
)
"""Marks of an address with something before it, or with other signs between its parts."""
UNIT: Final = re.compile(
    r"\b(?:suite|ste|unit|apt|apartment|floor|fl|level|room|rm|bldg|building|flat)\b|#\s*\w",
    re.IGNORECASE,
)
"""Marks of a part of a building."""
_NUMBER: Final = re.compile("[0-9]")


def latin_depth(address: str) -> int:
    """Whether an address, which is not empty, has a street: `STREET`, or ends at its `TOWN`.

    >>> latin_depth("12 Main St, Springfield, IL"), latin_depth("Springfield, IL 62701")
    (3, 2)
    """
    return STREET if _NUMBER.search(address.split(",")[0]) else TOWN


def latin_cut(address: str, depth: int) -> str:
    """The address without its street where `depth` is lower than `STREET`.

    >>> latin_cut("12 Main St, Suite 5, Springfield, IL 62701", 2)
    'Springfield, IL 62701'
    """
    if depth >= STREET:
        return address
    parts = address.split(", ")
    town = 0
    while town < len(parts) - 1 and _NUMBER.search(parts[town]):
        town += 1
    return ", ".join(parts[town:])
