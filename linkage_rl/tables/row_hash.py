"""Row hashes: 64 bits of every field of a company, by which a change is seen without a clock.

The database computes them where it can, so that an unchanged table costs no transfer of its rows.
SQLite, which has no hash function, joins the texts of many rows into one. A missing field counts as
''; the time of the last change does not count.
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
    LargeBinary,
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
VERSIONS: Final[Mapping[str, int]] = {"sqlite": 2}
"""Part of the name of a hash, so that a change of what is hashed is noticed; 1 where not given."""
_END: Final = b"\n"
"""Between two rows; JSON escapes it within a text."""
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
    summary: tuple[_Column, ...] = ()
    """What to select for `summed`: the number of rows, and the sum of their hashes or their joined
    texts. () where the database can do neither."""

    def of(self, values: Sequence[Sequence[Any]]) -> NDArray[np.uint64]:
        """Hashes of N rows, shape (N,).

        Args:
            values: The selected columns, N values each.
        """
        if self.integer is not None:
            return np.array(values[0], dtype=self.integer).view(np.uint64)
        joined = values[0] if len(values) == 1 else map(_joined, zip(*values, strict=True))
        return _hashed(list(map(_bytes, joined)))

    def summed(self, count: int, total: Any) -> tuple[int, int] | None:
        """Number of rows, and the sum of their hashes modulo 2^64; None where texts say neither.

        Args:
            count: The first selected column of `summary`.
            total: The second one.
        """
        if self.integer is not None or not count:
            return int(count), int(total or 0) % MODULUS
        rows = _in_utf_8(total).split(_END)
        # a text without JSON's escapes, which a view may make, hides where rows end
        return (count, int(_hashed(rows).sum(dtype=np.uint64))) if len(rows) == count else None


def row_hash(columns: Mapping[str, _Column], dialect: str) -> RowHash:
    """The hash of a table's rows.

    Args:
        columns: Canonical column to the table's own.
        dialect: Name of the database kind in SQLAlchemy.
    """
    name = f"{VERSIONS.get(dialect, 1)} {dialect} {columns['company_id'].type!r}"
    hashed = [columns.get(column) for column in HASHED]
    if "site_number" in columns:
        hashed.append(columns["site_number"])
    if dialect == "postgresql":
        own = _of_postgresql(hashed)
        return RowHash(name, (own,), np.int64, (func.count(), func.sum(own)))
    if dialect in ("mysql", "mariadb"):
        own = _of_mysql(hashed)
        return RowHash(name, (own,), np.uint64, (func.count(), func.sum(own)))
    if dialect == "sqlite":
        own = _of_sqlite(hashed)
        # as bytes, which need not be decoded to be hashed
        joined = cast(func.group_concat(own, literal_column("char(10)")), LargeBinary)
        return RowHash(name, (own,), summary=(func.count(), joined))
    present = tuple(column for column in hashed if column is not None)
    return RowHash(f"{name} {[*columns]}", present)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _in_utf_8(joined: bytes) -> bytes:
    """JSON arrays, which begin with an ASCII character, in the encoding of an SQLite file."""
    if 0 not in joined[:2]:
        return joined
    encoding = "utf-16-le" if joined[0] else "utf-16-be"
    return _bytes(joined.decode(encoding, "surrogatepass"))


def _hashed(rows: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.fromiter(map(xxhash.xxh3_64_intdigest, rows), dtype=np.uint64, count=len(rows))


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
    """The texts as a JSON array, which SQLite makes in a third of the time of joining them."""
    texts = [
        _EMPTY if column is None else func.coalesce(cast(column, Text), _EMPTY)
        for column in columns
    ]
    # else it would be read as a value of the key's type
    return type_coerce(func.json_array(*texts), Text)
