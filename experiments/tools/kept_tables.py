"""Reads the tables that suites have written into `experiments/suite/results`."""

import re
from pathlib import Path
from typing import Final

from linkage_rl.errors import ConfigError

RESULTS: Final = Path(__file__).resolve().parent.parent / "suite" / "results"


def rows_of(file: str, title: str) -> list[dict[str, str]]:
    """The rows of one table, column to cell.

    Args:
        file: Name of the file.
        title: The line above the table begins with it in backquotes: the name of a list.

    Raises:
        ConfigError: There is no such table.
    """
    text = (RESULTS / file).read_text(encoding="utf-8")
    found = re.search(rf"^`{re.escape(title)}`.*\n\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    if found is None:
        raise ConfigError(f"expected a table {title!r} in {RESULTS / file}, found none")
    header, _, *rows = (line.strip("| \n").split(" | ") for line in found[1].splitlines())
    return [dict(zip(header, row, strict=False)) for row in rows]


def f1_of(row: dict[str, str]) -> float:
    """F1 of a row without its interval."""
    (column,) = (name for name in row if name.startswith("F1") and "drawn" not in name)
    return float(row[column].split()[0])
