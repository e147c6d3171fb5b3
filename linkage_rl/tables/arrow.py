"""pyarrow, which is imported when the first file of its kind is read or written.

It takes 30 MB of memory, and most lists are CSV files. It is an extra of the package, as large as
all other dependencies of linking.
"""

from importlib.util import find_spec
from typing import Any, Final

from linkage_rl.imports import OnUse

INSTALLED: Final = find_spec("pyarrow") is not None
pa: Final[Any] = OnUse("pyarrow")
pq: Final[Any] = OnUse("pyarrow.parquet") if INSTALLED else None
"""`pyarrow.parquet`; None where it is not installed."""
