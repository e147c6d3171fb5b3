"""Reads a sheet of an Excel or OpenDocument workbook as texts, with the interface of `CsvFile`.

The reader is python-calamine: on a list of 240,000 rows it takes 2 s where openpyxl takes 34 s, and
it reads .xls and .ods, too. A sheet is held in memory while it is read, below 1 KB per row; a sheet
has at most 1,048,576 rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from linkage_rl.errors import InputFileError
from linkage_rl.tables.encodings import WORKBOOK_MARKS
from linkage_rl.tables.headers import (
    HEAD_ROWS,
    Header,
    find_header,
    fold,
    is_blank,
    read_header,
    words_in,
)

try:
    import python_calamine as calamine
except ImportError:
    # the serving image reads no files
    calamine = None  # type: ignore[assignment]

ENDINGS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
"""Endings of workbooks."""


@dataclass(frozen=True)
class SheetFile:
    """A sheet whose header has been read; `blocks` reads its rows as columns of texts."""

    path: Path
    sheet: str
    layout: Header
    others: tuple[str, ...]
    """Other visible sheets of the workbook, which are not read."""
    below: tuple[tuple[str, ...], ...] = ()
    """The first rows, one text per column."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of its columns."""
        return self.layout.names

    @property
    def about(self) -> tuple[str, ...]:
        """Which sheet and which row is read, and which sheets are not."""
        row = (f"header in row {self.layout.row + 1}",) if self.layout.row else ()
        unread = (f"not read: {', '.join(map(repr, self.others))}",) if self.others else ()
        return (f"sheet {self.sheet!r}", *row, *unread)

    def blocks(self, size: int) -> Iterator[list[Sequence[str]]]:
        """Up to `size` rows at a time, one sequence of texts per column; blank rows are skipped.

        Raises:
            InputFileError: The workbook is damaged, or a cell stands beside the columns.
        """
        first = self.layout.row + 1
        rows = islice(_rows(_open(self.path), self.sheet), first, None)
        while lines := list(islice(rows, size)):
            columns = self.layout.columns(lines)
            if columns is None:
                fault = next(filter(None, map(self.layout.fault, lines)))
                at = next(at for at, line in enumerate(lines) if self.layout.fault(line))
                raise InputFileError(f"{self.path} row {first + at + 1}: {fault}")
            first += len(lines)
            if columns:
                yield columns

    def place(self, row: int) -> str:
        """Place of data row number `row`, counted from 0, in the sheet: 'row 7'."""
        rows = enumerate(_rows(_open(self.path), self.sheet), 1)
        filled = (place for place, cells in rows if not is_blank(cells))
        below = (place for place in filled if place > self.layout.row + 1)
        return f"row {next(islice(below, row, None))}"


def open_sheet(
    path: Path, sheet: str = "", known: frozenset[str] = frozenset(), header_row: int = 0
) -> SheetFile:
    """Read the header of a sheet.

    Args:
        path: The workbook.
        sheet: Its name; '' takes the visible one whose header has most known words.
        known: Folded headers by which sheet and header are found.
        header_row: Row of the header, counted from 1; 0 finds it.

    Raises:
        InputFileError: The file is missing, damaged, protected by a password, has no such sheet or
            no rows, or python-calamine is not installed.
    """
    book = _open(path)
    visible = [
        one.name
        for one in book.sheets_metadata
        if one.visible == calamine.SheetVisibleEnum.Visible
        and one.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    names = [_named(sheet, book.sheet_names, path)] if sheet else visible
    heads = {name: list(islice(_rows(book, name), header_row + HEAD_ROWS)) for name in names}
    filled = {name: rows for name, rows in heads.items() if not all(map(is_blank, rows))}
    if not filled:
        raise InputFileError(f"expected a header and rows in {path}, got empty sheets {names}")

    def likeliness(name: str) -> int:
        rows = filled[name]
        return words_in(rows[find_header(rows, known)], known)

    chosen = max(filled, key=likeliness)
    layout = read_header(filled[chosen], known, header_row, f"{path} sheet {chosen!r}")
    below = layout.columns(
        [row for row in filled[chosen][layout.row + 1 :] if not layout.fault(row)]
    )
    others = () if sheet else tuple(name for name in visible if name != chosen)
    return SheetFile(path, chosen, layout, others, tuple(zip(*below or (), strict=True)))


def _open(path: Path) -> "calamine.CalamineWorkbook":
    if calamine is None:
        raise InputFileError(
            f"reading {path} needs python-calamine, which is not installed; "
            "pip install python-calamine, or save the sheet as CSV"
        )
    try:
        with path.open("rb") as stream:
            mark = stream.read(len(WORKBOOK_MARKS[0]))
        if mark in WORKBOOK_MARKS:
            return calamine.load_workbook(path)
    except OSError as error:
        raise InputFileError(
            f"cannot read {path}: {error.strerror or error}; check the path"
        ) from None
    except calamine.PasswordError:
        raise InputFileError(
            f"{path} is protected by a password; save it without one, or as CSV"
        ) from None
    except calamine.CalamineError as error:
        raise InputFileError(
            f"cannot read {path} as a workbook: {error}; save it again, or as CSV"
        ) from None
    raise InputFileError(
        f"expected a workbook in {path}, got text; give CSV the ending .csv, and save HTML as .xlsx"
    )


def _rows(book: "calamine.CalamineWorkbook", sheet: str) -> Iterator[list[str]]:
    """All rows of a sheet as texts, from its first one."""
    try:
        for row in book.get_sheet_by_name(sheet).iter_rows():
            yield [cell if type(cell) is str else _text(cell) for cell in row]
    except calamine.CalamineError as error:
        raise InputFileError(
            f"{book.path} sheet {sheet!r} is damaged: {error}; save it again"
        ) from None


def _text(cell: object) -> str:
    """A cell as a spreadsheet shows it: 1234567890123.0 is '1234567890123'."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return str(cell)


def _named(sheet: str, names: Sequence[str], path: Path) -> str:
    """The sheet of this name, exactly or else without regard to width, case and blanks."""
    for same in (lambda name: name == sheet, lambda name: fold(name) == fold(sheet)):
        if found := next(filter(same, names), None):
            return found
    raise InputFileError(f"expected a sheet {sheet!r} in {path}, got {list(names)}; name one")
