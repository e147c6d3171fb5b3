"""Libraries that are imported when something of them is first used.

Some take tens of megabytes and a part of a second, and most commands never use them.
"""

from importlib import import_module
from typing import Any


class OnUse:
    """A module, imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        """Nothing is imported yet.

        Args:
            name: Of the module, in full.
        """
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
