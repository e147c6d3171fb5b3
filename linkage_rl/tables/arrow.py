"""pyarrow, which is imported when the first file of its kind is read or written.

It takes 30 MB of memory, and most lists are CSV files. It is an extra of the package, as large as
all other dependencies of linking.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final


class _OnUse:
    """A module, imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


INSTALLED: Final = find_spec("pyarrow") is not None
pa: Final[Any] = _OnUse("pyarrow")
pq: Final[Any] = _OnUse("pyarrow.parquet") if INSTALLED else None
"""`pyarrow.parquet`; None where it is not installed."""
