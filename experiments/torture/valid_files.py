"""Lists as a workbook, a Parquet file and a zip of the tax agency, to be damaged."""

import csv
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.tables.workbook import write_workbook

_ROWS = (
    ("client_id", "name", "address"),
    ("1", "株式会社青空商事", "東京都港区芝1"),
    ("2", "", ""),
)


def write_valid_files(folder: Path) -> None:
    """Write `valid.xlsx`, `valid.parquet` and `valid.zip`."""
    write_workbook(folder / "valid.xlsx", {"取引先": _ROWS})
    header, *rows = _ROWS
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "valid.parquet")
    lines = io.StringIO()
    csv.writer(lines).writerow(["1", "6010001000001", *[""] * 4, "株式会社青空商事", *[""] * 23])
    with zipfile.ZipFile(folder / "valid.zip", "w") as packed:
        packed.writestr("13_tokyo_all_20251201.csv", lines.getvalue())
