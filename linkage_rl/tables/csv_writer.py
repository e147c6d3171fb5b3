"""Writes results as CSV; entries of nested columns become columns of their own."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linkage_rl.tables import _csv
from linkage_rl.tables.csv_text import spreadsheet_lines
from linkage_rl.tables.partial_file import PartialFile
from linkage_rl.tables.writer import ResultColumns, ResultRows


@dataclass(frozen=True)
class CsvForm:
    """Rows as lines of CSV in UTF-8."""

    columns: ResultColumns
    quotes_formulas: bool = False
    """Whether texts that a spreadsheet would calculate get an apostrophe."""

    def header(self) -> bytes:
        """The line of column names."""
        return self._of([[name] for name in self.columns.flat_names()])

    def lines(self, rows: ResultRows) -> bytes:
        """The lines of these rows."""
        return self._of(rows.flat(self.columns))

    def _of(self, columns: Sequence[Sequence[str]]) -> bytes:
        return (spreadsheet_lines if self.quotes_formulas else _csv.csv_lines)(columns)


class CsvWriter(PartialFile):
    """A CSV file that gets its name only when it is complete."""

    def __init__(
        self,
        path: Path,
        columns: ResultColumns,
        fingerprint: str,
        started: str = "",
        bom: bool = False,
        quotes_formulas: bool = False,
    ) -> None:
        """Create the file, or continue the one that exists; see `PartialFile`.

        Args:
            path: The result file.
            columns: Its columns.
            fingerprint: Of everything that the result depends on.
            started: When the run began.
            bom: Whether it begins with a byte order mark, by which Excel recognises UTF-8.
            quotes_formulas: Whether texts that a spreadsheet would calculate get an apostrophe.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, fingerprint, started)
        self._form = CsvForm(columns, quotes_formulas)
        mark = codecs.BOM_UTF8 if bom else b""
        self._begin(mark + self._form.header())

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append(rows.lines(self._form), len(rows), rows.counts())
