"""Nested settings as one level of dotted keys."""

from collections.abc import Mapping
from typing import Any


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as texts by dotted key.

    >>> flat({"seed": 1, "env": {"max_candidates": 20}})
    {'seed': '1', 'env.max_candidates': '20'}
    """
    texts: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            texts |= flat(value, f"{prefix}{key}.")
        else:
            texts[f"{prefix}{key}"] = str(value)
    return texts
