"""Bodies in CSV: one client per record, and an error in place of each that cannot be read.

With a header, a quoted field may hold line breaks. Without one every line is a record, as batch
transform splits and joins them. A quote that is not closed would swallow the lines after it; it is
the error of its own line, and what follows is read on from the next one.
"""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from serving.content_type import is_damaged
from serving.errors import RequestError
from serving.requests import CLIENT_KEYS, InvalidClient, Mode, check_count
from serving.values import MAX_FIELD_LENGTH

# too long a field is the error of one client; by default it would fail the complete list
csv.field_size_limit(sys.maxsize)
_SEPARATORS: Final = (",", ";", "\t")
_QUOTE_FAULT: Final = (
    "expected CSV, got a quote that is not closed or not doubled; double the quotes within a "
    "quoted field, and close it"
)
_CARRIAGE_RETURN: Final = "expected CSV, got a carriage return outside quotes; quote its field"
_LINES_READ_AGAIN: Final = 4
"""How often as many lines as a body has may be read in vain in search of a closing quote."""

Record = tuple[int, list[str] | str]
"""Number of its first line, counted from 1, and its cells, or the line itself if it is broken."""


@dataclass(frozen=True)
class CsvBody:
    """What a body in CSV holds."""

    clients: list[Any] = field(default_factory=list)
    """A dict of texts, or an `InvalidClient`, for each record."""
    header: bool = True
    """Whether the first record was a header."""
    unknown_columns: tuple[str, ...] = ()


def read_csv(
    text: str,
    header: bool | None,
    configured: Sequence[str],
    mode: Mode,
    max_clients: int,
    damage: str = "",
) -> CsvBody:
    """Records of CSV as clients.

    Args:
        text: The body.
        header: Whether it has a header; None where the caller has not said so: then it has one,
            except where columns are configured and the first record names none.
        configured: The columns of CSV without a header.
        mode: Mode of the request.
        max_clients: Clients that one request may hold.
        damage: What is wrong with damaged records; '' where none does.

    Raises:
        RequestError: There is no header where one is needed, or it is broken.
        TooLargeError: There are more records.
    """
    if header is None:
        header = not configured or _names_columns(text)
    if not header:
        columns = [name.strip() for name in configured]
        _check_columns(columns)
        records = _line_records(text, mode, max_clients)
        return CsvBody(_clients(records, columns, ",", damage), False, _unknown(columns))
    body = text.lstrip("\r\n")
    skipped = len(text[: len(text) - len(body)].replace("\r\n", "\n"))
    columns, separator = _read_header(body, damage)
    records = _records(body, separator, mode, max_clients)
    if skipped:
        records = [(number + skipped, cells) for number, cells in records]
    return CsvBody(_clients(records, columns, separator, damage), True, _unknown(columns))


def _names_columns(text: str) -> bool:
    """Whether the first line is a header: it names a known column."""
    stream = io.StringIO(text.lstrip("\r\n"), newline="")
    first = stream.readline().rstrip("\r\n")
    return any(
        name.strip(' "') in CLIENT_KEYS
        for separator in _SEPARATORS
        for name in first.split(separator)
    )


def _read_header(text: str, damage: str) -> tuple[list[str], str]:
    """Columns and separator: the first with which the header names a known column."""
    found: list[tuple[list[str], str]] = []
    faults: list[str] = []
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            found.append(([name.strip() for name in next(reader, ())], separator))
        except csv.Error as error:
            faults.append(str(error))
    for columns, separator in found:
        if damage and any(map(is_damaged, columns)):
            raise RequestError(damage)
        if set(columns) & set(CLIENT_KEYS):
            _check_columns(columns)
            return columns, separator
    if faults:
        raise RequestError(
            f"expected CSV with a header, got an error in its first record: {faults[0]}; double "
            "the quotes within a quoted field, and close it"
        )
    _check_columns(found[0][0])
    return found[0]


def _check_columns(columns: Sequence[str]) -> None:
    known = [name for name in columns if name in CLIENT_KEYS]
    if not known:
        raise RequestError(
            f"expected CSV with a header of columns among {list(CLIENT_KEYS)}, got "
            f"{[name[:40] for name in columns[:8]]}; send one, or set LINKAGE_CSV_COLUMNS and send "
            "'text/csv; header=absent'"
        )
    repeated = sorted({name for name in known if known.count(name) > 1})
    if repeated:
        raise RequestError(
            f"expected each column once, got several of {repeated}; rename all but one of them"
        )


def _unknown(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if name and name not in CLIENT_KEYS)


def _line_records(text: str, mode: Mode, max_clients: int) -> list[Record]:
    """The records of CSV without a header, one for each line."""
    lines = text.split("\n" if "\n" in text else "\r")
    if not lines[-1]:
        # what follows the last line break is no line
        lines.pop()
    check_count(mode, len(lines), max_clients)
    try:
        rows: list[list[str] | str] = list(csv.reader(lines, strict=True))
    except csv.Error:
        rows = []
    # as many records as lines: no record took more than one
    if len(rows) != len(lines):
        rows = [_one_line(line, ",") for line in lines]
    return list(enumerate(rows, start=1))


def _one_line(line: str, separator: str) -> list[str] | str:
    """The cells of a line, or the line itself if it is broken."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return line


def _records(text: str, separator: str, mode: Mode, max_clients: int) -> list[Record]:
    """The records after the header, of which each may take several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width = len(next(reader))
    first = reader.line_num + 1
    try:
        rows = list(islice(reader, max_clients + 1))
        lines_read = reader.line_num + 1 - first
    except csv.Error:
        rows, lines_read = [], -1
    if lines_read == len(rows):
        check_count(mode, len(rows), max_clients)
        return list(enumerate(rows, start=first))
    lines = io.StringIO(text, newline="").readlines()[first - 1 :]
    found = list(islice(_isolated(lines, first, width, separator), max_clients + 1))
    check_count(mode, len(found), max_clients)
    return found


def _isolated(lines: list[str], first: int, width: int, separator: str) -> Iterator[Record]:
    """Records of lines with line breaks within fields, or with broken quotes, or both.

    A record that cannot be read, or takes several lines and does not fit, is a broken first line;
    what follows that line is read anew. Time is linear: after too many lines have been read in
    vain, each of those left is a record of its own.
    """
    start, left = 0, _LINES_READ_AGAIN * len(lines)
    while start < len(lines) and left > 0:
        rest = map(lines.__getitem__, range(start, len(lines)))
        reader = csv.reader(rest, delimiter=separator, strict=True)
        begin = start
        try:
            for row in reader:
                if reader.line_num - (begin - start) > 1 and not _fits(row, width):
                    break
                yield first + begin, row
                begin = start + reader.line_num
            else:
                return
        except csv.Error:
            pass
        taken = reader.line_num - (begin - start)
        yield first + begin, lines[begin].rstrip("\r\n")
        start, left = begin + 1, left - taken
    for number in range(start, len(lines)):
        yield first + number, _one_line(lines[number].rstrip("\r\n"), separator)


def _fits(row: Sequence[str], width: int) -> bool:
    return len(row) == width and max(map(len, row)) <= MAX_FIELD_LENGTH


def _clients(
    records: Sequence[Record], columns: Sequence[str], separator: str, damage: str
) -> list[Any]:
    """A client for each record."""
    places = [place for place, name in enumerate(columns) if name in CLIENT_KEYS]
    names = [columns[place] for place in places]
    # of one place, `itemgetter` would return the cell itself
    cells_of = itemgetter(*places, places[0])
    width, clients = len(columns), list[Any]()
    for number, row in records:
        if len(row) != width or type(row) is str or (damage and is_damaged("".join(row))):
            clients.append(_invalid(number, row, columns, separator, damage))
        else:
            clients.append(dict(zip(names, cells_of(row), strict=False)))
    if "client_id" in names:
        for client in clients:
            if type(client) is dict and not client["client_id"]:
                client["client_id"] = None
    return clients


def _invalid(
    number: int, row: list[str] | str, columns: Sequence[str], separator: str, damage: str
) -> InvalidClient:
    """What is wrong with a record, under its id where that comes first and can be read."""
    cells = row.split(separator) if isinstance(row, str) else row
    first = cells[0] if cells and columns[0] == "client_id" else ""
    known = first and '"' not in first and not is_damaged(first) and len(cells) > 1
    if isinstance(row, str):
        reason = _QUOTE_FAULT if '"' in row else _CARRIAGE_RETURN
    elif damage and is_damaged("".join(row)):
        reason = damage
    elif not row:
        reason = "expected a client, got a blank line"
    else:
        reason = f"expected {len(columns)} columns, got {len(row)}"
    return InvalidClient(f"line {number}: {reason}", first if known else None)
