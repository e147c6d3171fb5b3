"""A company table and a table of its sites as one: the head office first, then its sites."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Text,
    case,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.engine import Engine

from linkage_rl.records import FIELDS
from linkage_rl.tables.layout import TableLayout, find_table
from linkage_rl.tables.schema import ColumnMapping

_OPEN: ColumnElement[str] = literal_column("''", Text)


def find_tables(engine: Engine, mapping: ColumnMapping) -> TableLayout:
    """The layout of the company table and of the table of sites, where the mapping names one.

    Raises:
        DatabaseError: One of the tables is missing.
        SchemaError: One of them lacks a column, or a column holds no texts, numbers or times.
    """
    companies = find_table(engine, mapping)
    if not mapping.sites.table:
        return companies
    sites = find_table(
        engine, mapping.sites.mapping(), ("company_id",), "table.mapping.sites.closed_when"
    )
    return with_sites(companies, sites)


def with_sites(companies: TableLayout, sites: TableLayout) -> TableLayout:
    """The layout of both tables; a site whose company is not in the table is left out.

    The id of a site is the key of its company, which the database may take for equal to that of the
    site though it is written otherwise. Ranges of keys are those of the sites' own column where it
    has the same type, so that the database finds them by its index; every other column is read as
    text.
    """
    names = [name for name in FIELDS if name in {*companies.columns, *sites.columns}]
    shut, site_shut = (_OPEN if one.closed is None else one.closed for one in (companies, sites))
    same = repr(sites.key.type) == repr(companies.key.type)
    if companies.dialect == "sqlite" and isinstance(sites.key.type, String):
        # which does not tell the collation, and so the order, of a column
        same = False
    both = sites.source.join(companies.source, sites.key == companies.key)
    every = union_all(
        _rows(companies, companies.key, companies.key, shut, "0", names, companies.source),
        _rows(
            sites,
            companies.key,
            sites.key if same else companies.key,
            case((shut != "", shut), else_=site_shut),
            "1",
            names,
            both,
        ),
    ).subquery("companies_and_sites")
    return TableLayout(
        {name: every.c[name] for name in ("company_id", *names, "site_number")},
        every,
        companies.dialect,
        every.c["closed_at"],
        several=True,
        what=companies.what,
        head_offices=companies,
        sites=sites,
        range_key=every.c["range_key"],
    )


def _rows(
    layout: TableLayout,
    key: ColumnElement[Any],
    range_key: ColumnElement[Any],
    closed: ColumnElement[str],
    number: str,
    names: Sequence[str],
    source: FromClause,
) -> Select[Any]:
    """Rows of one of both tables, with the columns of both."""
    own = (layout.columns.get(name, null()) for name in names)
    return select(
        key.label("company_id"),
        *(cast(column, Text).label(name) for column, name in zip(own, names, strict=True)),
        closed.label("closed_at"),
        range_key.label("range_key"),
        literal_column(f"'{number}'", Text).label("site_number"),
    ).select_from(source)
