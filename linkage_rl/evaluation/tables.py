"""Tables as aligned text for a terminal and as Markdown for a README.

Every table that a command or an experiment prints goes through here. The caller formats the cells;
the first row is the heading.
"""

import unicodedata
from collections.abc import Collection, Sequence

Rows = Sequence[Sequence[str]]
"""Cells of a table, heading first; every row has the same number of cells."""


def text_table(rows: Rows, left: Collection[int] = (0,), rule: bool = False) -> str:
    """Columns padded to equal width and separated by two spaces, one line per row.

    Args:
        rows: The cells, heading first.
        left: Positions of the columns that are aligned left; the others are aligned right.
        rule: Whether a line of dashes follows the heading.

    >>> print(text_table([["system", "F1"], ["rules", "0.75"]], rule=True))
    system    F1
    ------------
    rules   0.75
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            _padded(cell, width, position in left)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if rule:
        lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def markdown_table(rows: Rows) -> str:
    """A pipe table (GitHub Flavored Markdown, section 4.10); pipes inside a cell are escaped.

    >>> print(markdown_table([["system", "F1"], ["rules", "0.75"]]))
    | system | F1 |
    | --- | --- |
    | rules | 0.75 |
    """
    heading, *others = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [heading, ["---"] * len(heading), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def display_width(text: str) -> int:
    """Columns that a text takes in a terminal, where kanji and kana take two each.

    >>> display_width("F1"), display_width("名寄せ率")
    (2, 8)
    """
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(cell: str, width: int, left: bool) -> str:
    padding = " " * (width - display_width(cell))
    return cell + padding if left else padding + cell
