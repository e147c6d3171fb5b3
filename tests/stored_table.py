"""A company table in a database, as the library and as other programs see it."""

from sqlalchemy import URL, create_engine

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.store import CompanyStore


def index_of(store: CompanyStore) -> CompanyIndex:
    """An index of all that the table holds now."""
    return CompanyIndex.of_table(store)


def run_sql(url: str | URL, *statements: str) -> None:
    """What another program does to the database."""
    engine = create_engine(parse_url(url) if isinstance(url, str) else url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
