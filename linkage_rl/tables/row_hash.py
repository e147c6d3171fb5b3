"""Row hashes: 64 bits of every field of a company, by which a change is seen without a clock.

The database computes them where it can, so that an unchanged table costs no transfer of its rows. A
missing field counts as ''; the time of the last change does not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray
from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    Date,
    DateTime,
    Text,
    Time,
    cast,
    collate,
    extract,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects.mysql import BIGINT, CHAR

from linkage_rl.records import FIELDS

HASHED: Final = ("company_id", *FIELDS)
"""Columns that count, in this order."""
SEPARATOR: Final = "\x1f"
"""Between two columns; a control character that no name holds."""
VERSION: Final = 1
"""Part of the name of every hash, so that a change of what is hashed is noticed."""
MODULUS: Final = 1 << 64
"""Sums of hashes are taken modulo this number."""

_Column = ColumnElement[Any]
_EMPTY: Final[_Column] = literal_column("''")


@dataclass(frozen=True)
class RowHash:
    """What to select for the hash of a row, and how to read it."""

    name: str
    """Differs where hashes cannot be compared: by database and by the type of the key."""
    columns: tuple[_Column, ...]
    """The hash, or the texts that are hashed here."""
    integer: type[np.int64 | np.uint64] | None = None
    """Type of a hash that the database computes; None where the texts are hashed here."""

    @property
    def computed(self) -> bool:
        """Whether the database computes the hash, so that it can also sum it."""
        return self.integer is not None

    def of(self, values: Sequence[Sequence[Any]]) -> NDArray[np.uint64]:
        """Hashes of N rows, shape (N,).

        Args:
            values: The selected columns, N values each.
        """
        if self.integer is not None:
            return np.array(values[0], dtype=self.integer).view(np.uint64)
        joined = values[0] if len(values) == 1 else map(_joined, zip(*values, strict=True))
        return np.array(
            [xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) for text in joined],
            dtype=np.uint64,
        )


def row_hash(columns: Mapping[str, _Column], dialect: str) -> RowHash:
    """The hash of a table's rows.

    Args:
        columns: Canonical column to the table's own.
        dialect: Name of the database kind in SQLAlchemy.
    """
    name = f"{VERSION} {dialect} {columns['company_id'].type!r}"
    hashed = [columns.get(column) for column in HASHED]
    if "site_number" in columns:
        hashed.append(columns["site_number"])
    if dialect == "postgresql":
        return RowHash(name, (_of_postgresql(hashed),), np.int64)
    if dialect in ("mysql", "mariadb"):
        return RowHash(name, (_of_mysql(hashed),), np.uint64)
    if dialect == "sqlite":
        return RowHash(name, (_of_sqlite(hashed),))
    present = tuple(column for column in hashed if column is not None)
    return RowHash(f"{name} {[*columns]}", present)


def _joined(values: Sequence[Any]) -> str:
    return SEPARATOR.join("" if value is None else str(value) for value in values)


def _of_postgresql(columns: Sequence[_Column | None]) -> _Column:
    # the collation given here also settles those of columns that differ
    joined = func.concat_ws(
        literal_column("chr(31)"),
        *(
            _EMPTY if column is None else func.coalesce(cast(_in_seconds(column), Text), _EMPTY)
            for column in columns
        ),
    )
    return func.hashtextextended(collate(joined, "C"), literal_column("0"))


def _in_seconds(column: _Column) -> _Column:
    """Times as numbers: as texts they would depend on the settings of the session."""
    is_time = isinstance(column.type, (Date, DateTime, Time))
    return extract("epoch", column) if is_time else column


def _of_mysql(columns: Sequence[_Column | None]) -> _Column:
    texts = [
        _EMPTY
        if column is None
        # one character set for all, whatever those of the columns and the session are
        else func.coalesce(
            cast(
                func.unix_timestamp(column) if isinstance(column.type, TIMESTAMP) else column,
                CHAR(charset="utf8mb4"),
            ),
            _EMPTY,
        )
        for column in columns
    ]
    joined = func.concat_ws(literal_column("CHAR(31 USING utf8mb4)"), *texts)
    digits = func.left(func.md5(joined), literal_column("16"))
    number = func.conv(digits, literal_column("16"), literal_column("10"))
    return cast(number, BIGINT(unsigned=True))


def _of_sqlite(columns: Sequence[_Column | None]) -> _Column:
    """The joined text, since SQLite has no hash function."""
    texts = [_EMPTY if column is None else func.coalesce(column, _EMPTY) for column in columns]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined.op("||")(literal_column("char(31)")).op("||")(text)
    # else it would be read as a value of the key's type
    return type_coerce(joined, Text)
