"""Finds the header of a list, and recognises its columns by the words that people write there.

Recognition works on columns that the mapping of the user leaves open; what it found is said.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self
from unicodedata import normalize

from linkage_rl.errors import InputFileError
from linkage_rl.tables.header_words import PERSONS, WORDS
from linkage_rl.tables.schema import (
    CLIENT_FIELDS,
    COLUMN_FIELDS,
    COMPANY_COLUMNS,
    ColumnMapping,
    listed,
)

HEAD_ROWS: Final = 50
"""Rows at the beginning of a file among which its header is looked for."""

BLANK: Final = " \t\r\n\u3000\xa0\x1a"
"""What a cell without content may hold: blanks, and the Ctrl-Z that ends files of old programs."""

_EMPTY: Final = ("", " ", "\u3000")
"""First cells of rows that may be blank."""
_MARKS: Final = re.compile("[^\\w〒]+|_|必須|任意")
_UNRANKED: Final = 1 << 20
_MAX_NOTES: Final = 20
_MAX_WORD: Final = 100
"""Characters of a header that is looked up."""


@dataclass(frozen=True)
class Header:
    """The header of a file."""

    row: int
    """Its place among the rows of the file, counted from 0."""
    names: tuple[str, ...]
    """Columns that are read; one without a header is called by its place, as column_4."""
    kept: tuple[int, ...]
    """Their places in a row of the file, counted from 0."""
    width: int
    """Cells in a row of the file."""

    def columns(self, rows: list[list[str]]) -> list[Sequence[str]] | None:
        """The rows as columns, without blank rows; None if a row does not fit."""
        if set(map(len, rows)) != {self.width}:
            rows = [self._filled(row) for row in rows if not is_blank(row)]
            if set(map(len, rows)) - {self.width}:
                return None
        columns: list[Sequence[str]] = list(zip(*rows, strict=True))
        if columns and any(cell in columns[0] for cell in _EMPTY):
            columns = list(zip(*(row for row in rows if not is_blank(row)), strict=True))
        if not columns:
            return []
        unread = set(range(self.width)) - set(self.kept)
        if any(not is_blank(columns[place]) for place in unread):
            return None
        return [columns[place] for place in self.kept]

    def fault(self, row: Sequence[str]) -> str:
        """Why a row does not fit, and what to do; '' if it does."""
        filled = self._filled(row)
        if is_blank(row):
            return ""
        if len(filled) != self.width:
            return (
                f"expected {self.kept[-1] + 1} fields as in the header, got {len(row)}; quote "
                "fields that hold the separator"
            )
        unread = set(range(self.width)).difference(self.kept)
        for place, text in enumerate(filled):
            if place in unread and not is_blank([text]):
                return f"column {place + 1} holds {text!r} but has no header; write one"
        return ""

    def _filled(self, row: Sequence[str]) -> list[str]:
        """The row with its blank cells at the end added or left out, where that makes it fit."""
        if len(row) > self.width and is_blank(row[self.width :]):
            return list(row[: self.width])
        if self.kept[-1] < len(row) < self.width:
            return [*row, *[""] * (self.width - len(row))]
        return list(row)


@dataclass(frozen=True)
class Recognition:
    """What the columns of a file hold."""

    mapping: ColumnMapping
    """The mapping of the user, with the columns that were recognised."""
    found: Mapping[str, str]
    """Column that was recognised to its field, in the order of the fields."""
    notes: tuple[str, ...] = ()
    """What else is to be said: row numbers as ids, other columns that could be meant."""

    def __str__(self) -> str:
        found = (f"{' '.join(name.split())} -> {one}" for name, one in self.found.items())
        return ", ".join([*found, *self.notes])


def fold(text: str) -> str:
    """A header without differences of width, case, blanks and punctuation.

    >>> fold(" ＴＥＬ(代表) "), fold("Client_ID"), fold("会社名【必須】"), fold("#")
    ('tel代表', 'clientid', '会社名', '#')
    """
    return _Forms.of(text).folded


def is_blank(cells: Iterable[str]) -> bool:
    """Whether no cell of these has content."""
    return not "".join(cells).strip(BLANK)


def known_words(mapping: ColumnMapping) -> frozenset[str]:
    """Folded headers that a file read with this mapping may have."""
    return frozenset(WORDS) | {fold(one) for one in _named(mapping)} - {""}


def words_in(row: Iterable[str], known: frozenset[str]) -> int:
    """Number of cells that are known headers."""
    return sum(len(cell) <= _MAX_WORD and fold(cell) in known for cell in row)


def find_header(rows: Sequence[Sequence[str]], known: frozenset[str]) -> int:
    """Place of the row that is most likely the header: most known words, else the first not blank.

    Raises:
        ValueError: Every row is blank.
    """
    filled = [place for place, row in enumerate(rows) if not is_blank(row)]
    return max(filled, key=lambda place: (words_in(rows[place], known), -place))


def read_header(
    rows: Sequence[Sequence[str]], known: frozenset[str], header_row: int, what: str
) -> Header:
    """The header of a file.

    Args:
        rows: The first rows of the file.
        known: Folded words of headers; without any the first row that is not blank is taken.
        header_row: Its place counted from 1, if the user names it; 0 finds it.
        what: The file in words, for the error.

    Raises:
        InputFileError: There is none, or two columns have the same name.
    """
    if header_row > len(rows) or (header_row and is_blank(rows[header_row - 1])):
        raise InputFileError(
            f"expected a header in row {header_row} of {what}, got an empty row; name the row "
            "with header_row="
        )
    if all(map(is_blank, rows)):
        raise InputFileError(f"expected a header and rows in {what}, got only empty rows")
    place = header_row - 1 if header_row else find_header(rows, known)
    below = [row for row in rows[place + 1 :] if not is_blank(row)]
    cells = [cell.removeprefix("\ufeff") for cell in rows[place]]
    cells += [""] * (_common_width(below, len(cells)) - len(cells))
    kept = tuple(
        at
        for at, cell in enumerate(cells)
        if not is_blank([cell]) or not is_blank(row[at] for row in below if at < len(row))
    )
    names = [f"column_{at + 1}" if is_blank([cells[at]]) else cells[at] for at in kept]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise InputFileError(
            f"{what} line {place + 1}: columns {listed(repeated)} occur twice; rename one of each"
        )
    return Header(place, tuple(names), kept, len(cells))


def recognise(
    mapping: ColumnMapping,
    header: Sequence[str],
    key: str,
    below: Sequence[Sequence[str]] = (),
) -> Recognition:
    """Which columns hold the fields for which the mapping names no column that is there.

    Args:
        mapping: Of the user; what it names is never replaced by another column.
        header: Columns of the file.
        key: `client_id` for a client list, which may lack it, `company_id` for companies.
        below: The first rows, one text per column: what repeats in them is no key.
    """
    found: dict[str, str] = {}
    others: list[tuple[str, str]] = []
    joined = mapping.joined(header)
    forms = _known_forms(mapping, header)
    for name in _wanted(mapping, header, key):
        theirs = getattr(mapping, name)
        if not theirs or theirs in header or name in joined:
            continue
        taken = _named(mapping) | {*found.values()}
        free = {column for column in header if column not in taken}
        columns = _candidates(name, theirs, free, forms, key)
        if name == "name":
            # a 得意先 may be its code
            columns = [one for one in columns if not _all_digits(one, header, below)]
        if columns:
            found[name] = columns[0]
            others += [(column, name) for column in columns[1:] if theirs == name]
    notes = [
        f"{column} could be {name}, too" for column, name in others if column not in found.values()
    ]
    if len(notes) > _MAX_NOTES:
        notes = [*notes[:_MAX_NOTES], f"and {len(notes) - _MAX_NOTES:,} more"]
    if key == "client_id" and mapping.client_id == key and key not in header:
        notes = [*_without_key(found, header, below), *notes]
    if "address" in found and "street" in found:
        # an address in two columns, as 住所1 and 住所2
        found["address"] = f"{found['address']}+{found.pop('street')}"
    named: dict[str, Any] = {**found}
    return Recognition(
        replace(mapping, **named),
        {column: name for name, column in found.items() if column},
        tuple(notes),
    )


def _named(mapping: ColumnMapping) -> set[str]:
    """Every column that the mapping names, each of a list of columns for itself."""
    return {part for name in COLUMN_FIELDS for part in getattr(mapping, name).split("+")}


def _all_digits(column: str, header: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    place = list(header).index(column)
    texts = [row[place] for row in below]
    return bool(texts) and all(text.strip().isdecimal() for text in texts)


def _wanted(mapping: ColumnMapping, header: Sequence[str], key: str) -> list[str]:
    """What is looked for, in this order: a column that holds one of these holds no later one."""
    wanted = [key, *COMPANY_COLUMNS[1:], "address"]
    if key == "client_id":
        # the truth first, as a `Company_ID` would do for the client's id as well
        wanted = ["company_id", key, *CLIENT_FIELDS, "address"]
    if {mapping.street, mapping.address} & set(header) or {*mapping.joined(header)} & {
        "street",
        "address",
    }:
        return [name for name in wanted if name not in ("street", "address")]
    return wanted


def _without_key(
    found: dict[str, str], header: Sequence[str], below: Sequence[Sequence[str]]
) -> list[str]:
    """Number the rows where no column is a key; returns what is to be said of it."""
    column = found.get("client_id")
    if column is None:
        found["client_id"] = ""
        return ["row numbers as client_id"]
    place = list(header).index(column)
    texts = [row[place] for row in below]
    if _Forms.of(column).plain == "client_id" or (
        "" not in texts and len(set(texts)) == len(texts)
    ):
        return []
    found["client_id"] = ""
    return [f"row numbers as client_id, since {column} is empty or the same in several rows"]


def _candidates(
    name: str, theirs: str, free: Set[str], forms: Mapping[str, "_Forms"], key: str
) -> list[str]:
    """Columns that may hold a field, the likeliest first.

    Args:
        name: The field.
        theirs: The column that the mapping names.
        free: Columns that hold no other field.
        forms: Columns that may hold any field, in their order, with their forms.
        key: Of the file.
    """
    wanted = _Forms.of(theirs)
    ranked = [
        (_rank(name, theirs, wanted, one, key), place, column)
        for place, (column, one) in enumerate(forms.items())
        if column in free and not (name == "name_kana" and one.is_after_person)
    ]
    return [column for rank, _, column in sorted(ranked) if rank < _UNRANKED]


class _Forms(NamedTuple):
    """A header in the forms that are compared."""

    plain: str
    """Without differences of width and case."""
    folded: str
    """As `fold` gives it."""
    is_after_person: bool = False
    """Whether it follows the name of a person: a reading there is that person's."""

    @classmethod
    def of(cls, text: str) -> Self:
        plain = normalize("NFKC", text).casefold().strip()
        return cls(plain, _MARKS.sub("", plain) or plain)


def _known_forms(mapping: ColumnMapping, header: Sequence[str]) -> dict[str, _Forms]:
    """The forms of those columns whose words are known, or named by the mapping."""
    known, found, before = known_words(mapping), {}, ""
    for column in header:
        forms = _Forms.of(column)
        if forms.folded in known:
            is_after_person = any(word in before for word in PERSONS)
            found[column] = forms._replace(is_after_person=is_after_person)
        before = forms.folded
    return found


def _rank(name: str, theirs: str, wanted: _Forms, column: _Forms, key: str) -> int:
    """How likely a column holds a field; lower is likelier."""
    # `Name` may be the person beside a `Company Name`, so it is ranked with the other words
    if column.plain == wanted.plain and theirs != "name":
        return -2
    if theirs != name:
        return -1 if column.folded == wanted.folded else _UNRANKED
    meant, rank = WORDS.get(column.folded, ("", 0))
    # the `Company ID` of a client list is the client's own number, never the truth
    return rank if (key if meant == "id" else meant) == name else _UNRANKED


def _common_width(rows: Sequence[Sequence[str]], width: int) -> int:
    """Cells of all rows, where they have more than the header and those are blank."""
    widths = set(map(len, rows))
    if len(widths) == 1 and max(widths) > width and all(is_blank(row[width:]) for row in rows):
        return max(widths)
    return width
