"""A company table and a table of its sites as one: the head office first, then its sites."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
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

    The key stays the column that it is, that of the sites if it has the same type, so that the
    database finds it by its index; every other column is read as text.
    """
    names = [name for name in FIELDS if name in {*companies.columns, *sites.columns}]
    shut, site_shut = (_OPEN if one.closed is None else one.closed for one in (companies, sites))
    same = repr(sites.key.type) == repr(companies.key.type)
    both = sites.source.join(companies.source, sites.key == companies.key)
    every = union_all(
        _rows(companies, companies.key, shut, "0", names, companies.source),
        _rows(
            sites,
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
    )


def _rows(
    layout: TableLayout,
    key: ColumnElement[Any],
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
        literal_column(f"'{number}'", Text).label("site_number"),
    ).select_from(source)
