"""Schemas: how records that are not companies are compared.

Packed rows, blockers and features know the fields of companies only. A schema therefore says for
each *comparator*, a way to compare texts, which columns of a dataset it reads. Their texts are
moved into the canonical field that is compared that way, so that only the readers know of schemas.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final

from linkage_rl.errors import SchemaError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.schema import CLIENT_FIELDS

_RUN: Final = re.compile("[0-9]+")
_DAY: Final = re.compile("([12][0-9]{3})([01][0-9])([0-3][0-9])")
_LARGEST: Final = 65_535
_POSTAL_DIGITS: Final = 7


@dataclass(frozen=True)
class Schema:
    """Columns of a dataset by the comparator that reads them.

    Columns that a dataset lacks are skipped, so one schema may serve several datasets; texts of
    several columns are joined by a space. A schema without columns takes the canonical ones.
    """

    name: str = "company"
    title: list[str] = field(default_factory=list)
    """Name or title of the record: searched by n-grams, compared by edits and exactly."""
    text: list[str] = field(default_factory=list)
    """A second text, searched and compared the same way: authors, brand, address."""
    other_text: list[str] = field(default_factory=list)
    """A third text, searched and compared by edits."""
    word: list[str] = field(default_factory=list)
    """Equal or not: venue, category, state."""
    numbers: list[str] = field(default_factory=list)
    """Up to three whole numbers, each equal or not in its place: 12.99, 1915-11-11, 19151111."""
    digits: list[str] = field(default_factory=list)
    """Equal, equal in the first three digits, or not: year, postcode."""
    code: list[str] = field(default_factory=list)
    """An identifier, equal or not, with a blocker of its own: model number, ISBN."""

    @property
    def comparators(self) -> dict[str, list[str]]:
        """Comparator to its columns, for those that have any."""
        named = {one.name: list(getattr(self, one.name)) for one in fields(self)[1:]}
        return {comparator: columns for comparator, columns in named.items() if columns}

    def apply(
        self, ids: Sequence[str], columns: Mapping[str, Sequence[str]], what: str
    ) -> RecordBatch:
        """The records of a dataset with their texts in canonical fields.

        Args:
            ids: Key of each of the N records.
            columns: Column to its N texts.
            what: The file in words, for the error.

        Raises:
            SchemaError: The dataset has none of the columns that could name a record.
        """
        found: dict[str, Sequence[str]] = {}
        if not self.comparators:
            found = {name: columns[name] for name in CLIENT_FIELDS if name in columns}
        for comparator, wanted in self.comparators.items():
            present = [columns[column] for column in wanted if column in columns]
            if present:
                canonical, written = COMPARATORS[comparator]
                found[canonical] = [
                    written(" ".join(filter(None, texts))) for texts in zip(*present, strict=True)
                ]
        if "name" not in found:
            wanted = self.comparators.get("title", ["name"])
            raise SchemaError(
                f"{what} needs one of the columns {list(wanted)} by schema {self.name!r}, got "
                f"{sorted(columns)}; choose another schema or name the column in schema.title"
            )
        return RecordBatch(ids, found)


def as_numbers(text: str) -> str:
    """The first three whole numbers of a text; a day of eight digits is three of them.

    >>> as_numbers("$12.99"), as_numbers("19151111"), as_numbers("none")
    ('12-99', '1915-11-11', '')
    """
    runs = _RUN.findall(_DAY.sub(r"\1-\2-\3", text))
    small = [str(int(run)) for run in runs if len(run) <= 5 and int(run) <= _LARGEST]
    return "-".join(small[:3])


def as_digits(text: str) -> str:
    """The digits of a text, padded or cut to the seven of a postal code; '' without any.

    >>> as_digits("1999"), as_digits("n/a")
    ('1999000', '')
    """
    digits = "".join(_RUN.findall(text))[:_POSTAL_DIGITS]
    return digits.ljust(_POSTAL_DIGITS, "0") if digits else ""


def as_code(text: str) -> str:
    """A text in the form of a web domain, the identifier that is compared unchanged.

    >>> as_code("DSC-W120/B"), as_code("")
    ('dscw120b.com', '')
    """
    code = re.sub("[^0-9a-z]", "", text.casefold())[:60]
    return f"{code}.com" if code else ""


COMPARATORS: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = MappingProxyType(
    {
        "title": ("name", str),
        "text": ("name_kana", str),
        "other_text": ("name_en", str),
        "word": ("city", str),
        "numbers": ("street", as_numbers),
        "digits": ("postal_code", as_digits),
        "code": ("url", as_code),
    }
)
"""Comparator to the canonical field that is compared that way, and how texts are written there."""
