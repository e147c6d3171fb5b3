"""Reads Parquet files as texts, with the interface of `CsvFile`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkage_rl.errors import InputFileError
from linkage_rl.tables.arrow import has_parquet, pa, pq
from linkage_rl.tables.csv_file import MAX_CELLS
from linkage_rl.tables.headers import HEAD_ROWS


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file whose schema has been read; `blocks` reads its rows as columns of texts."""

    path: Path
    header: tuple[str, ...]

    @property
    def about(self) -> tuple[str, ...]:
        """Nothing has to be found out about such a file."""
        return ()

    @property
    def below(self) -> tuple[tuple[str, ...], ...]:
        """The first rows, one text per column."""
        first: list[Sequence[str]] = next(self.blocks(HEAD_ROWS), [])
        return tuple(zip(*first, strict=True))

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one list of texts per column; null is ''.

        Raises:
            InputFileError: The file is damaged, or a column holds something other than text.
        """
        size = max(1, min(size, MAX_CELLS // max(1, len(self.header))))
        try:
            with pq.ParquetFile(self.path) as stream:
                for batch in stream.iter_batches(size):
                    if batch.num_rows:
                        yield [self._texts(batch, column) for column in self.header]
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputFileError(f"{self.path} is damaged: {error}; write the file again") from None

    def place(self, row: int) -> str:
        """Place of data row number `row`, counted from 0, in the file: 'row 7'."""
        return f"row {row + 1}"

    def _texts(self, batch: Any, column: str) -> list[str]:
        try:
            texts = batch.column(column).cast(pa.string()).fill_null("")
        except pa.ArrowNotImplementedError:
            kind = batch.schema.field(column).type
            raise InputFileError(
                f"{self.path}: expected texts, numbers or dates in column {column!r}, got {kind}; "
                "write it as text, or leave it out"
            ) from None
        found: list[str] = texts.to_numpy(zero_copy_only=False).tolist()
        return found


def open_parquet(path: Path) -> ParquetFile:
    """Read the schema of a Parquet file.

    Raises:
        InputFileError: The file is missing or not a Parquet file, or pyarrow is not installed.
    """
    if not has_parquet():
        raise InputFileError(
            f"reading {path} needs pyarrow, which is not installed; "
            "pip install 'linkage_rl[parquet]', or give a CSV file"
        )
    try:
        with pq.ParquetFile(path) as stream:
            return ParquetFile(path, tuple(stream.schema_arrow.names))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFileError(
            f"cannot read {path} as Parquet: {str(error).splitlines()[0]}; check the path, or "
            "give a CSV file the ending .csv"
        ) from None
