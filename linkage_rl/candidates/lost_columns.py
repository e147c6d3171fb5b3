"""Columns that an index was built with and that its table lacks now."""

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS
from linkage_rl.tables.store import CompanyStore


def refuse_lost_columns(index: CompanyIndex, store: CompanyStore) -> None:
    """Refuse a table that lacks a column of which the index has texts.

    Without it clients would still be linked, by what is left, and nobody would know.

    Raises:
        SchemaError: A column was dropped or renamed, or its table replaced.
    """
    had = {name for part in index.parts for name in part.segment.snapshot}
    mapping = store.mapping
    lacking = [name for name in FIELDS if name in had and name not in store.columns]
    lost = [name for name in lacking if getattr(mapping, name)]
    if lost:
        what = ", ".join(map(repr, lost))
        named, emptied = (
            " ".join(f"table.mapping.{name}={value}" for name in lost) for value in ("COLUMN", "''")
        )
        raise SchemaError(
            f"expected {what} in table {mapping.table!r}, which had it when the index was built, "
            f"got a table without; name the column that holds it now ({named}), or leave it out on "
            f"purpose ({emptied})"
        )
