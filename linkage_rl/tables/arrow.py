"""pyarrow, which is imported when the first file of its kind is read or written.

It takes 30 MB of memory, and most lists are CSV files. It is an extra of the package, as large as
all other dependencies of linking.
"""

from importlib import import_module
from typing import Any, Final

from linkage_rl.imports import OnUse

pa: Final[Any] = OnUse("pyarrow")
pq: Final[Any] = OnUse("pyarrow.parquet")


def has_parquet() -> bool:
    """Whether pyarrow is installed with what reads and writes Parquet; imports it if so."""
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        return False
    return True
