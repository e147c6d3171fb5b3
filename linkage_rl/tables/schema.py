"""The canonical columns of companies and clients, and how a user's columns map to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, Final

from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS
from linkage_rl.tables.closing import closed_when_text, read_closed_when

COMPANY_COLUMNS: Final = ("company_id", *FIELDS, "updated_at", "closed_at")
"""Columns of a company table, in the order of the table that `CompanyStore.create` makes."""

CLIENT_FIELDS: Final = tuple(
    field for field in FIELDS if field not in ("former_names", "trade_names")
)
"""Fields that a client list may have; other columns are copied to the output."""


SEPARATOR: Final = {"phone": "|", "url": "|", "former_names": "|", "trade_names": "|"}
"""What joins the values of several columns of a field; a blank for all others."""

Columns = Any
"""A column, or a list of columns that are read one after the other; OmegaConf has no type for it.
The mapping keeps a list as text: ['住所1', '住所2'] as '住所1+住所2'."""


def _in_one_text(columns: Iterable[object] | None) -> str:
    """A list of columns as the text that the mapping keeps."""
    return "+".join(map(str, columns or ()))


@dataclass(frozen=True)
class SiteColumns:
    """Columns of a table of sites: a row for each further office, shop or phone of a company.

    The row of the company table is the head office. A site has the company's name, web address and
    corporate number where it has none of its own.
    """

    table: str = ""
    """Table of the sites, 'schema.table' where the schema is not the default one; '' for none."""
    company_id: str = "company_id"
    """Key of the company that a site belongs to."""
    name: Columns = "name"
    name_kana: Columns = "name_kana"
    postal_code: Columns = "postal_code"
    prefecture: Columns = "prefecture"
    city: Columns = "city"
    street: Columns = "street"
    address: Columns = "address"
    phone: Columns = "phone"
    url: Columns = "url"
    closed_at: str = "closed_at"
    """As that of a company; the sites of a closed company are closed, too."""
    closed_when: Any = ""

    def __post_init__(self) -> None:
        for one in fields(self):
            theirs = getattr(self, one.name)
            if not isinstance(theirs, str) and one.name != "closed_when":
                object.__setattr__(self, one.name, _in_one_text(theirs))
        if not isinstance(self.closed_when, str):
            object.__setattr__(self, "closed_when", closed_when_text(self.closed_when or {}))

    def mapping(self) -> "ColumnMapping":
        """The columns of the table of sites, read as those of a company table are."""
        return ColumnMapping(
            **{one.name: getattr(self, one.name) for one in fields(self)},
            name_en="",
            corporate_number="",
            former_names="",
            trade_names="",
            updated_at="",
        )


@dataclass(frozen=True)
class ColumnMapping:
    """Which of the user's columns holds which canonical one; '' for none.

    A column mapped to another name must exist. A column left at its canonical name is used if it
    exists; only the id and the name are required. A field may be spread over a list of columns.

    >>> ColumnMapping(address=["住所1", "住所2"]).address
    '住所1+住所2'
    """

    table: str = "companies"
    """Table of the database, 'schema.table' where the schema is not the default one."""
    company_id: str = "company_id"
    """Key of a company; in a client list the truth."""
    client_id: str = "client_id"
    """Key of a client; read from client lists only. '' numbers the rows of the list from 1."""
    name: Columns = "name"
    name_kana: Columns = "name_kana"
    name_en: Columns = "name_en"
    postal_code: Columns = "postal_code"
    prefecture: Columns = "prefecture"
    city: Columns = "city"
    street: Columns = "street"
    address: Columns = "address"
    """Full address in one column or a list of columns; read into `street` if there is no street
    column."""
    phone: Columns = "phone"
    url: Columns = "url"
    corporate_number: Columns = "corporate_number"
    former_names: Columns = "former_names"
    """Former names of a company, joined by '|'; read from company tables only."""
    trade_names: Columns = "trade_names"
    """Trade names of a company (屋号, 'doing business as'), joined by '|'; read from company tables
    only. The company is found and compared by each of them as by its name."""
    updated_at: str = "updated_at"
    closed_at: str = "closed_at"
    """Date or time at which a company closed, or a flag; empty, false, 0 and a date in the future
    mean that it is open. Read from company tables only."""
    closed_when: Any = ""
    """Columns and their values that mean that a company is closed, besides `closed_at`:
    'status=closed|dissolved', 'is_deleted=true', or {status: [closed, dissolved]}."""
    several_rows: bool = False
    """Whether several rows of a company table may have one id: the sites of the company. Else they
    are refused."""
    site_number: str = ""
    """Column that orders the rows of one company, its head office lowest; needs `several_rows`. '':
    any of them is the head office."""
    sites: SiteColumns = field(default_factory=SiteColumns)
    """A table of further sites of the companies."""

    def __post_init__(self) -> None:
        for name in COLUMN_FIELDS:
            theirs = getattr(self, name)
            if not isinstance(theirs, str):
                object.__setattr__(self, name, _in_one_text(theirs))
        if not isinstance(self.closed_when, str):
            object.__setattr__(self, "closed_when", closed_when_text(self.closed_when or {}))
        read_closed_when(self.closed_when)
        if not isinstance(self.sites, SiteColumns):
            object.__setattr__(self, "sites", SiteColumns(**self.sites))

    def is_canonical(self) -> bool:
        """Whether every column has its canonical name; only such tables are written to."""
        return replace(self, table=CANONICAL.table) == CANONICAL

    def joined(self, have: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Fields that are spread over columns: each to its columns, if all of them are there."""
        spread = {name: getattr(self, name).split("+") for name in COLUMN_FIELDS}
        return {
            name: tuple(parts)
            for name, parts in spread.items()
            if len(parts) > 1 and set(parts) <= set(have) and getattr(self, name) not in have
        }

    def of_companies(
        self, have: Sequence[str], what: str, needed: Sequence[str] = ("company_id", "name")
    ) -> dict[str, str]:
        """Canonical column to the column of the user, for all that are there.

        Args:
            have: Columns of the table or file.
            what: The table or file in words, for the error.
            needed: Canonical columns that must be there.

        Raises:
            SchemaError: A needed column is missing, or one that the mapping names.
        """
        for one in read_closed_when(self.closed_when):
            if one.column not in have:
                raise SchemaError(missing_column(f"closed_when of {what}", one.column, have))
        return self._found(COMPANY_COLUMNS, needed, have, what)

    def of_table(
        self, have: Sequence[str], what: str, needed: Sequence[str] = ("company_id", "name")
    ) -> dict[str, tuple[str, ...]]:
        """Canonical column to the columns of a table that it is read from; see `of_companies`.

        A `closed_at` of which `closed_when` says what its values mean is left out.
        """
        joined = {getattr(self, name): parts for name, parts in self.joined(have).items()}
        found = self.of_companies(have, what, needed)
        if self.site_number:
            if self.site_number not in have:
                raise SchemaError(missing_column(what, self.site_number, have))
            found["site_number"] = self.site_number
        if self.closed_at in {one.column for one in read_closed_when(self.closed_when)}:
            found.pop("closed_at", None)
        return {name: joined.get(theirs, (theirs,)) for name, theirs in found.items()}

    def of_clients(self, have: Sequence[str], what: str, needs_id: bool = True) -> dict[str, str]:
        """Like `of_companies` for a client list, whose key is `client_id`.

        Args:
            have: Columns of the list.
            what: The list in words, for the error.
            needs_id: Whether a list without `client_id` is refused, unless its rows are numbered.

        Raises:
            SchemaError: `client_id` is missing, or a column that the mapping names, or every
                field that could identify the client.
        """
        wanted = ("client_id", *CLIENT_FIELDS, "company_id")
        needed = ("client_id",) if needs_id and self.client_id else ()
        found = self._found(wanted, needed, have, what)
        unused = set(have) - set(found.values())
        if not set(found) & set(CLIENT_FIELDS) or (
            "name" not in found and nearest(self.name, unused)
        ):
            raise SchemaError(missing_column(what, self.name, have))
        return found

    def _found(
        self, wanted: Sequence[str], needed: Sequence[str], have: Sequence[str], what: str
    ) -> dict[str, str]:
        found = {}
        there = {*have, *(getattr(self, name) for name in self.joined(have))}
        for column in wanted:
            theirs = getattr(self, column)
            if theirs and theirs in there:
                found[column] = theirs
            elif column in needed or theirs not in ("", column):
                raise SchemaError(missing_column(what, _lacking(theirs or column, have), have))
        if self.address not in ("", "address", *there):
            raise SchemaError(missing_column(what, _lacking(self.address, have), have))
        if "street" not in found and self.address and self.address in there:
            found["street"] = self.address
        return found


_MAX_LISTED: Final = 40

COLUMN_FIELDS: Final = tuple(
    one.name
    for one in fields(ColumnMapping)
    if one.name not in ("table", "closed_when", "several_rows", "sites")
)
"""Keys of the mapping that name a column, or several of a field."""

CANONICAL: Final = ColumnMapping()
"""Every column under its canonical name."""


def join_texts(field: str, columns: Sequence[Sequence[str]]) -> list[str]:
    """The texts of a field that is spread over columns, those that are empty left out.

    >>> join_texts("street", [["津市", ""], ["栄町", "桑名市"]])
    ['津市 栄町', '桑名市']
    """
    separator = SEPARATOR.get(field, " ")
    return [separator.join(filter(None, row)) for row in zip(*columns, strict=True)]


def missing_column(what: str, column: str, have: Sequence[str]) -> str:
    """The message that names the missing column and the one that was perhaps meant.

    >>> missing_column("company table", "name", ["company_id", "naem"])
    "company table needs column 'name', got ['company_id', 'naem']; did you mean to rename 'naem'?"
    """
    near = nearest(column, have)
    hint = (
        f"did you mean to rename {near!r}?"
        if near
        else "rename the column that holds it, or name it in the column mapping"
    )
    return f"{what} needs column {column[:200]!r}, got {listed(have)}; {hint}"


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first of them where they are many.

    >>> listed(["a", "b"]), listed(["a"] * 100)[-16:]
    ("['a', 'b']", "'a'] and 60 more")
    """
    more = len(names) - _MAX_LISTED
    return f"{list(names[:_MAX_LISTED])}" + (f" and {more:,} more" if more > 0 else "")


def _lacking(theirs: str, have: Sequence[str]) -> str:
    """The first column of a list of columns that is missing; the column itself where it is one."""
    return next((one for one in theirs.split("+") if one not in have), theirs)


def nearest(wanted: str, have: Iterable[str]) -> str:
    """The one of these names that is most similar to the wanted one; '' if none is similar."""
    others = sorted(set(have) - set(COMPANY_COLUMNS) - {"client_id"})
    containing = [other for other in others if wanted in other]
    return next(iter([*get_close_matches(wanted, others, n=1), *containing]), "")
