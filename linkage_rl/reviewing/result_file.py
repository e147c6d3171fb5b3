"""Reads the results that `link` has written, whatever their format, row by row."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from linkage_rl.errors import InputFileError
from linkage_rl.tables.csv_file import open_csv

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    # an extra of the package
    pa = pq = None

Row = Mapping[str, Any]
"""Column to text, number, or list of entries."""

CANDIDATES: Final = "candidates"
"""Column of the best candidates, a list of `id`, `share` and others."""
_FLAT: Final = re.compile(r"candidate_(\d+)_(id|share|reason|name)")
_BLOCK: Final = 2_000


def result_rows(path: Path) -> Iterator[Row]:
    """The rows of a result, in their order; candidates are a list in every format.

    Raises:
        InputFileError: The file is missing or damaged, or has no such ending.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _of_parquet(path)
    if ending in (".jsonl", ".ndjson"):
        return _of_json_lines(path)
    if ending in (".csv", ".tsv", ".txt"):
        return _of_csv(path)
    raise InputFileError(
        f"expected a result of link in linked=, a .csv, .jsonl or .parquet file, got {path}"
    )


def _of_csv(path: Path) -> Iterator[Row]:
    file = open_csv(path)
    for columns in file.blocks(_BLOCK):
        for texts in zip(*columns, strict=True):
            yield _nested(dict(zip(file.header, texts, strict=True)))


def _of_json_lines(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    raise InputFileError(f"{path}: expected a JSON object in line {number}")
                yield row
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"cannot read {path}: {error}; check the path") from None


def _of_parquet(path: Path) -> Iterator[Row]:
    if pq is None:
        raise InputFileError(
            f"reading {path} needs pyarrow, which is not installed; "
            "pip install 'linkage_rl[parquet]', or write the result as CSV"
        )
    try:
        with pq.ParquetFile(path) as stream:
            for batch in stream.iter_batches(_BLOCK):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(f"cannot read {path} as Parquet: {error}; check the path") from None


def _nested(row: dict[str, str]) -> Row:
    """The row with the flat columns of its candidates as one list."""
    entries: dict[int, dict[str, str]] = {}
    for column in list(row):
        if found := _FLAT.fullmatch(column):
            entries.setdefault(int(found[1]), {})[found[2]] = row.pop(column)
    if not entries:
        return row
    return {**row, CANDIDATES: [entries[place] for place in sorted(entries)]}


def blocks(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    """Rows, some thousands at a time."""
    while block := list(islice(rows, _BLOCK)):
        yield block
