"""Rows as the text of a CSV file that every reader takes apart as it was put together."""

import csv
import re
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Final

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
    lines: list[str] = []
    # Python before 3.13 quotes only those line breaks that end its own lines
    stream = SimpleNamespace(write=lines.append)
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    return "".join([f"{line[:-2]}\n" for line in lines])


def without_formulas(texts: Sequence[str]) -> Sequence[str]:
    """Texts with an apostrophe before each that a spreadsheet would calculate.

    A number (-5, +81335803311) stays as it is; +81-3-3580-3311 would be subtracted. A text that
    begins with apostrophes before such a start gets one more, so that `with_formulas` is exact.

    >>> without_formulas(["=1+1", "-5", "+81-3-3580-3311", "青空", "-", "'=1"])
    ["'=1+1", '-5', "'+81-3-3580-3311", '青空', '-', "''=1"]
    """
    return [f"'{text}" if text[:1] in _LOOKED_AT and _is_formula(text) else text for text in texts]


def with_formulas(texts: Iterable[str]) -> list[str]:
    """Texts as they were before `without_formulas`.

    >>> with_formulas(["'=1+1", "-5", "''=1", "'青空"])
    ['=1+1', '-5', "'=1", "'青空"]
    """
    return [text[1:] if text[:1] == "'" and _FORMULA.match(text) else text for text in texts]


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and not _NO_FORMULA.fullmatch(text)
