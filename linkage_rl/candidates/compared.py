"""The note of an index folder that says at which stamp its table had which state.

The next refresh of a table that still has the stamp need not read it. The note holds no state of
the index, so one that is lost, damaged or older than the index only costs a comparison.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from linkage_rl.candidates.files import replace_text, sealed, unsealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.tables.store import CompanyStore

COMPARED: Final = "compared.json"


def is_untouched(index: CompanyIndex, store: CompanyStore, folder: Path) -> bool:
    """Whether the table has the stamp at which it had exactly the rows that the index knows."""
    try:
        noted = unsealed((folder / COMPARED).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    stamp = store.stamp() if noted.get("table") == _known(index) else ""
    return bool(stamp) and noted.get("stamp") == stamp


def noting(store: CompanyStore, folder: Path, read: Callable[[], CompanyIndex]) -> CompanyIndex:
    """The index that a reading of the whole table gives; noted if nothing was written meanwhile.

    Args:
        store: The table.
        folder: Folder of the index.
        read: Reads it, and saves what is new in the folder.
    """
    stamp = store.stamp()
    index = read()
    if stamp and store.stamp() == stamp:
        # on a full or read-only disk the table is compared again
        with suppress(OSError):
            replace_text(folder / COMPARED, sealed({"table": _known(index), "stamp": stamp}))
    return index


def _known(index: CompanyIndex) -> str:
    return f"{index.known.hashing} {index.state}"
