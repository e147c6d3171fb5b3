"""Tables of other libraries: read as texts, and written with the columns of a linked list.

pandas, polars and Arrow tables are read through narwhals, which needs none of them; a list of
dicts needs no library at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isnan
from typing import Any, Protocol

import narwhals as nw
import numpy as np

from linkage_rl.errors import SchemaError
from linkage_rl.linked_columns import COLUMNS
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

Columns = Mapping[str, object] | ColumnMapping | None
"""Field to the column that holds it, or to a list of columns, as {"name": "会社名"}; None where
every name is canonical."""


class OpenTable(Protocol):
    """A table whose columns can be read as texts."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of its columns."""

    def __len__(self) -> int: ...

    def texts(self, column: str) -> list[str]:
        """Texts of a column; '' where missing."""

    def linked(
        self, values: Mapping[str, list[Any]], key: str | None, names: Mapping[str, str]
    ) -> object:
        """A table of the same kind with these values and the table's own columns.

        Args:
            values: Each of `COLUMNS` but the id, in their order.
            key: Column of the table that holds the client's id; None numbers the rows.
            names: Own column to its name in the result.
        """


def open_table(table: object) -> OpenTable:
    """Read a table of any kind.

    Raises:
        SchemaError: It is none of the kinds, or is not evaluated yet.
    """
    if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        return _DictTable(table)
    known = nw.from_native(_arrow_table(table), eager_only=True, pass_through=True)
    if isinstance(known, nw.DataFrame):
        return _NarwhalsTable(known)
    kind = type(table).__name__
    hint = (
        "call .collect() first"
        if kind == "LazyFrame"
        else "put the dict into a list"
        if isinstance(table, Mapping)
        else "convert it to one of them"
    )
    raise SchemaError(
        "expected a pandas or polars DataFrame, an Arrow table, a list of dicts or a RecordBatch, "
        f"got {kind}; {hint}"
    )


def column_mapping(columns: Columns) -> ColumnMapping:
    """The mapping that a user gives.

    Raises:
        SchemaError: It names an unknown field.

    >>> column_mapping({"name": "会社名"}).name
    '会社名'
    """
    if columns is None:
        return CANONICAL
    if isinstance(columns, ColumnMapping):
        return columns
    known = [one.name for one in fields(ColumnMapping)]
    for name in columns:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {known}"
            raise SchemaError(f"columns= names the unknown field {name!r}; {hint}")
    named: dict[str, Any] = {**columns}
    return ColumnMapping(**named)


@dataclass(frozen=True)
class _DictTable:
    """A list of dicts; a key that a dict lacks is missing there."""

    rows: Sequence[Mapping[str, Any]]

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(name) for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, column: str) -> list[str]:
        return [_text(row.get(column)) for row in self.rows]

    def linked(
        self, values: Mapping[str, list[Any]], key: str | None, names: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        return [
            {
                "client_id": place if key is None else row.get(key),
                **{name: column[place] for name, column in values.items()},
                **{name: row.get(own) for own, name in names.items()},
            }
            for place, row in enumerate(self.rows)
        ]


@dataclass(frozen=True)
class _NarwhalsTable:
    """A table of any library that narwhals knows."""

    frame: nw.DataFrame[Any]

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def __len__(self) -> int:
        return len(self.frame)

    def texts(self, column: str) -> list[str]:
        series = self.frame[column]
        return [
            "" if missing else _text(value)
            for value, missing in zip(series.to_list(), series.is_null().to_list(), strict=True)
        ]

    def linked(
        self, values: Mapping[str, list[Any]], key: str | None, names: Mapping[str, str]
    ) -> object:
        kept = {**({} if key is None else {key: "client_id"}), **names}
        own = self.frame.select(nw.col(column).alias(name) for column, name in kept.items())
        new = [
            self._series(name, column, nw.Float64() if name == "confidence" else nw.String())
            for name, column in values.items()
        ]
        if key is None:
            new.append(self._series("client_id", list(range(len(self))), nw.Int64()))
        return own.with_columns(*new).select(COLUMNS[0], *values, *names.values()).to_native()

    def _series(self, name: str, values: list[Any], kind: Any) -> nw.Series[Any]:
        return nw.new_series(name, values, kind, backend=self.frame.implementation)


def _arrow_table(table: object) -> object:
    """An Arrow batch or stream as an Arrow table; anything else as it is."""
    if isinstance(nw.from_native(table, pass_through=True), (nw.DataFrame, nw.LazyFrame)):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        return table
    try:
        import pyarrow as pa
    except ImportError:
        raise SchemaError(
            f"reading {type(table).__name__} needs pyarrow, which is not installed; "
            "pip install 'linkage_rl[parquet]'"
        ) from None
    return pa.table(table)


def _text(value: object) -> str:
    """A value as a text: 3312345678.0, a number of a column with gaps, is '3312345678'."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        if isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)
