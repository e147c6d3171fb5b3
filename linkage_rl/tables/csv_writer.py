"""Writes results as CSV; entries of nested columns become columns of their own."""

from collections.abc import Sequence
from pathlib import Path

from linkage_rl.tables.csv_text import csv_text, spreadsheet_text
from linkage_rl.tables.partial_file import PartialFile
from linkage_rl.tables.writer import ResultColumns, ResultRows, without_surrogates


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
        mark = "\ufeff" if bom else ""
        self._begin(_bytes(mark + self._text([[name] for name in header])))

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        lines = self._text(rows.flat(self._columns))
        self._append(_bytes(lines), len(rows), rows.counts())

    def _text(self, columns: Sequence[Sequence[str]]) -> str:
        if self._quotes_formulas:
            return spreadsheet_text(columns)
        return csv_text(zip(*columns, strict=True))


def _bytes(text: str) -> bytes:
    return without_surrogates([text])[0].encode()
