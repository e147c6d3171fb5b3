"""Writes results as CSV; entries of nested columns become columns of their own."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

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
    ) -> None:
        """Create the file, or continue the one that exists; see `PartialFile`.

        Args:
            path: The result file.
            columns: Its columns.
            fingerprint: Of everything that the result depends on.
            started: When the run began.
            bom: Whether it begins with a byte order mark, by which Excel recognises UTF-8.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, fingerprint, started)
        self._columns = columns
        self._begin(_as_csv([columns.flat_names()], mark="\ufeff" if bom else ""))

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        lines = zip(*rows.flat(self._columns), strict=True)
        self._append(_as_csv(lines), len(rows), rows.counts())


def _as_csv(rows: Iterable[Sequence[str]], mark: str = "") -> bytes:
    text = io.StringIO()
    text.write(mark)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
