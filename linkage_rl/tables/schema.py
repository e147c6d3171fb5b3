"""The canonical columns of companies and clients, and how a user's columns map to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Final

from linkage_rl.errors import SchemaError
from linkage_rl.records import FIELDS

COMPANY_COLUMNS: Final = ("company_id", *FIELDS, "updated_at", "closed_at")
"""Columns of a company table, in the order of the table that `CompanyStore.create` makes."""

CLIENT_FIELDS: Final = tuple(field for field in FIELDS if field != "former_names")
"""Fields that a client list may have; other columns are copied to the output."""


@dataclass(frozen=True)
class ColumnMapping:
    """Which of the user's columns holds which canonical one; '' for none.

    A column mapped to another name must exist. A column left at its canonical name is used if it
    exists; only the id and the name are required.
    """

    table: str = "companies"
    """Table of the database, 'schema.table' where the schema is not the default one."""
    company_id: str = "company_id"
    """Key of a company; in a client list the truth."""
    client_id: str = "client_id"
    """Key of a client; read from client lists only. '' numbers the rows of the list from 1."""
    name: str = "name"
    name_kana: str = "name_kana"
    name_en: str = "name_en"
    postal_code: str = "postal_code"
    prefecture: str = "prefecture"
    city: str = "city"
    street: str = "street"
    address: str = "address"
    """Full address in one column; read into `street` if there is no street column. In a file it
    may be spread over columns, as 住所1+住所2."""
    phone: str = "phone"
    url: str = "url"
    corporate_number: str = "corporate_number"
    former_names: str = "former_names"
    """Former names of a company, joined by '|'; read from company tables only."""
    updated_at: str = "updated_at"
    closed_at: str = "closed_at"

    def is_canonical(self) -> bool:
        """Whether every column has its canonical name; only such tables are written to."""
        return all(getattr(self, field.name) == field.name for field in fields(self)[1:])

    def of_companies(self, have: Sequence[str], what: str) -> dict[str, str]:
        """Canonical column to the column of the user, for all that are there.

        Args:
            have: Columns of the table or file.
            what: The table or file in words, for the error.

        Raises:
            SchemaError: `company_id` or `name` is missing, or a column that the mapping names.
        """
        return self._found(COMPANY_COLUMNS, ("company_id", "name"), have, what)

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
        for column in wanted:
            theirs = getattr(self, column)
            if theirs and theirs in have:
                found[column] = theirs
            elif column in needed or theirs not in ("", column):
                raise SchemaError(missing_column(what, theirs or column, have))
        if "street" not in found and self.address and self.address in have:
            found["street"] = self.address
        elif "street" not in found and self.address not in ("", "address"):
            raise SchemaError(missing_column(what, self.address, have))
        return found


CANONICAL: Final = ColumnMapping()
"""Every column under its canonical name."""


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
    return f"{what} needs column {column!r}, got {list(have)}; {hint}"


def nearest(wanted: str, have: Iterable[str]) -> str:
    """The one of these names that is most similar to the wanted one; '' if none is similar."""
    others = sorted(set(have) - set(COMPANY_COLUMNS) - {"client_id"})
    containing = [other for other in others if wanted in other]
    return next(iter([*get_close_matches(wanted, others, n=1), *containing]), "")
