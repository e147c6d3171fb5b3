"""Writes results as JSON Lines: an object per client, null where a value is missing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkage_rl.tables.partial_file import PartialFile
from linkage_rl.tables.writer import NestedColumn, ResultColumns, ResultRows


@dataclass(frozen=True)
class JsonForm:
    """Rows as lines of JSON, an object each."""

    columns: ResultColumns

    def lines(self, rows: ResultRows) -> bytes:
        """The lines of these rows, in UTF-8."""
        columns = self.columns
        numbers = columns.numbers
        values = {
            **{name: json_values(rows.texts[name], name in numbers) for name in columns.decision},
            **{column.name: entries(rows, column, numbers) for column in columns.nested},
            **{name: json_values(rows.texts[name], False) for name in columns.own},
        }
        records = [
            dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)
        ]
        try:
            return _lines(records).encode()
        except UnicodeEncodeError:
            # a lone surrogate can only be written as an escape
            return _lines(records, ensure_ascii=True).encode()


class JsonLinesWriter(PartialFile):
    """A file of JSON Lines that gets its name only when it is complete."""

    def __init__(
        self, path: Path, columns: ResultColumns, fingerprint: str, started: str = ""
    ) -> None:
        """Create the file, or continue the one that exists; see `PartialFile`.

        Args:
            path: The result file.
            columns: Keys of each object.
            fingerprint: Of everything that the result depends on.
            started: When the run began.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, fingerprint, started)
        self._form = JsonForm(columns)

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append(rows.lines(self._form), len(rows), rows.counts())


def _lines(records: Sequence[Mapping[str, Any]], ensure_ascii: bool = False) -> str:
    return "".join([f"{json.dumps(one, ensure_ascii=ensure_ascii)}\n" for one in records])


def json_values(texts: Sequence[str], number: bool) -> list[Any]:
    """Texts as values of JSON: None for '', numbers where they are meant."""
    if number:
        return [float(text) if text else None for text in texts]
    return [text or None for text in texts]


def entries(rows: ResultRows, column: NestedColumn, numbers: frozenset[str]) -> list[list[Any]]:
    """The entries of each client in a nested column, an object each."""
    nested = rows.nested[column.name]
    values = [json_values(nested.fields[name], name in numbers) for name in column.fields]
    flat = [dict(zip(column.fields, row, strict=True)) for row in zip(*values, strict=True)]
    ends = nested.counts.cumsum().tolist()
    return [flat[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
