"""Answers in CSV, which every reader splits into the same rows, whatever its fields hold."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

_LINE_BREAKS: Final = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""At each of these some reader of text begins a new line."""
_STEP: Final = 500
"""Rows that are written in one call."""
_TERMINATOR: Final = f"{_LINE_BREAKS}\0"
_AS_BLANKS: Final = str.maketrans(dict.fromkeys(_LINE_BREAKS, " "))
_RETURNS_AS_BLANKS: Final = str.maketrans("\r\n", "  ")


class _Lines(list[str]):
    """Collects what a CSV writer writes: one text per row."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix(_TERMINATOR))


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as CSV; fields with a line break of any kind, or with NUL, are quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for begin in range(0, len(rows), _STEP):
        # one call for all rows would keep other threads waiting
        writer.writerows(rows[begin : begin + _STEP])
    text = stream.getvalue()
    if len(text.splitlines()) == len(rows) and "\0" not in text:
        return text
    # the writer quotes fields that hold a character of the terminator, and by itself no others
    lines = _Lines()
    csv.writer(lines, lineterminator=_TERMINATOR).writerows(rows)
    return "".join(f"{line}\n" for line in lines)


def csv_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as CSV, each on one line: line breaks within fields become blanks.

    The first column, the id, keeps those that end no line of a file.
    """
    text = csv_text(rows)
    if len(text.splitlines()) == len(rows):
        return text
    return csv_text([_one_line(row) for row in rows])


def _one_line(row: Sequence[Any]) -> list[Any]:
    first, *others = row
    return [
        first.translate(_RETURNS_AS_BLANKS) if isinstance(first, str) else first,
        *(cell.translate(_AS_BLANKS) if isinstance(cell, str) else cell for cell in others),
    ]
