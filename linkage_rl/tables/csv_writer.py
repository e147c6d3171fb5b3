"""Writes results as CSV; entries of nested columns become columns of their own."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from linkage_rl.tables._csv import csv_lines
from linkage_rl.tables.csv_text import spreadsheet_lines
from linkage_rl.tables.partial_file import PartialFile
from linkage_rl.tables.writer import ResultColumns, ResultRows


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
        self._columns = columns
        self._quotes_formulas = quotes_formulas
        header = columns.flat_names()
        mark = codecs.BOM_UTF8 if bom else b""
        self._begin(mark + self._lines([[name] for name in header]))

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        self._append(self._lines(rows.flat(self._columns)), len(rows), rows.counts())

    def _lines(self, columns: Sequence[Sequence[str]]) -> bytes:
        return (spreadsheet_lines if self._quotes_formulas else csv_lines)(columns)
