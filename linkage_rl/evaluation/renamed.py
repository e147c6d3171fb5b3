"""Former names of metrics and systems: refused wherever one is given, with the name of today."""

from collections.abc import Mapping
from typing import Final

METRICS: Final[Mapping[str, str]] = {
    "accuracy": "precision",
    "routes_per_client": "blockers_per_client",
}
"""Former name of a metric to its name."""

SYSTEMS: Final[Mapping[str, str]] = {
    "best_plan": "static_plan",
    "best fixed plan": "static plan",
}
"""Former name of a system under comparison to its name."""


def hint(name: str, names: Mapping[str, str]) -> str:
    """The end of a sentence that refuses `name`: what it is called now, '' for no former name.

    >>> hint("accuracy", METRICS), hint("f1", METRICS)
    ('; accuracy is now precision', '')
    """
    return f"; {name} is now {names[name]}" if name in names else ""
