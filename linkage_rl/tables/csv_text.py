"""Rows as the text of a CSV file that every reader takes apart as it was put together."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

import numpy as np

from linkage_rl.tables import _csv

FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""Characters with which a spreadsheet begins a formula, or that it skips before one."""

_FORMULA: Final = re.compile(f"'*[{re.escape(''.join(FORMULA_STARTS))}]")
_LOOKED_AT: Final = FORMULA_STARTS | {"'"}
_NO_FORMULA: Final = re.compile(r"[-+]?[0-9]+(?:,[0-9]{3})*(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?|-+")
"""A number, or dashes for a missing value."""


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    r"""The lines of these rows, fields with a separator, a quote or a line break in quotes.

    >>> csv_text([["a", "first\rsecond"], ["b", "x,y"]])
    'a,"first\rsecond"\nb,"x,y"\n'
    """
    return _csv.csv_lines(list(zip(*rows, strict=True))).decode()


def spreadsheet_lines(columns: Iterable[Sequence[str]]) -> bytes:
    """The lines of columns of N texts each, in UTF-8, with an apostrophe before formulas.

    A row that got one has all its fields in double quotes, which no reader of CSV sees; by them
    `as_written` takes the apostrophes off those rows alone, whatever else a file has.

    >>> print(spreadsheet_lines([["1", "2"], ["'a", "=1+1"]]).decode(), end="")
    1,'a
    "2","'=1+1"
    """
    columns = list(columns)
    safe = [without_formulas(texts) for texts in columns]
    marked = np.zeros(len(columns[0]), dtype=np.uint8)
    for before, after in zip(columns, safe, strict=True):
        if before is not after:
            marked[[text is not mine for text, mine in zip(before, after, strict=True)]] = 1
    return _csv.csv_lines(safe, marked)


def as_written(stream: Iterable[str]) -> Iterator[list[str]]:
    """The rows of a CSV file with the formulas that `spreadsheet_lines` was given.

    Args:
        stream: Its lines, with their ends as they are in the file.

    Raises:
        csv.Error: It is no CSV.
    """
    lines: list[str] = []

    def remembered() -> Iterator[str]:
        for line in stream:
            lines.append(line)
            yield line

    for row in csv.reader(remembered()):
        # the first look is for speed
        if lines[0].startswith('"') and _all_quoted(lines, row):
            row = with_formulas(row)
        lines.clear()
        yield row


def _all_quoted(lines: Sequence[str], row: Sequence[str]) -> bool:
    """Whether these lines are the row with all its fields in double quotes."""
    quoted = _csv.csv_lines([[text] for text in row], np.ones(1, dtype=np.uint8))
    return "".join(lines).rstrip("\r\n") == quoted.decode()[:-1]


def without_formulas(texts: Sequence[str]) -> Sequence[str]:
    """Texts with an apostrophe before each that a spreadsheet would calculate.

    A number (-5, +81335803311) stays as it is; +81-3-3580-3311 would be subtracted. A text that
    begins with apostrophes before such a start gets one more, so that `with_formulas` is exact.

    >>> without_formulas(["=1+1", "-5", "+81-3-3580-3311", "青空", "-", "'=1"])
    ["'=1+1", '-5', "'+81-3-3580-3311", '青空', '-', "''=1"]
    """
    if not any(map(_LOOKED_AT.intersection, map(itemgetter(slice(1)), texts))):
        return texts
    return [f"'{text}" if text[:1] in _LOOKED_AT and _is_formula(text) else text for text in texts]


def with_formulas(texts: Iterable[str]) -> list[str]:
    """Texts as they were before `without_formulas`.

    >>> with_formulas(["'=1+1", "-5", "''=1", "'青空"])
    ['=1+1', '-5', "'=1", "'青空"]
    """
    return [text[1:] if text[:1] == "'" and _FORMULA.match(text) else text for text in texts]


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and not _NO_FORMULA.fullmatch(text)
