"""A database user who may read some columns of a table only."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from linkage_rl.errors import SchemaError
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

FIRMS = ColumnMapping(table="crm.firms", name="mei", phone="denwa")


@pytest.fixture
def reader(postgres_server: str) -> Iterator[str]:
    """URL for a user who may read `company_id` and `mei` of `crm.firms`, but not `denwa`."""
    run_sql(
        postgres_server,
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.firms (company_id text, mei text, denwa text)",
        "INSERT INTO crm.firms VALUES ('1', 'Apex', '03-0000-0000')",
        "CREATE ROLE clerk LOGIN PASSWORD 'clerk'",
        "GRANT USAGE ON SCHEMA crm TO clerk",
        "GRANT SELECT (company_id, mei) ON crm.firms TO clerk",
    )
    url = make_url(postgres_server).set(username="clerk", password="clerk")
    yield url.render_as_string(hide_password=False)
    run_sql(postgres_server, "DROP SCHEMA crm CASCADE", "DROP ROLE clerk")


def test_columns_that_may_not_be_read_are_named_with_how_to_leave_them_out(reader: str) -> None:
    with CompanyStore(reader, FIRMS) as store, pytest.raises(SchemaError) as error:
        store.count()
    assert str(error.value) == (
        "the database user may not read ['denwa'] of company table 'crm.firms'; GRANT SELECT ON "
        "crm.firms to this user, or leave them out: table.mapping.phone=''"
    )


def test_without_them_the_table_is_read(reader: str) -> None:
    with CompanyStore(reader, replace(FIRMS, phone="")) as store:
        found = store.fetch(["1"])

    assert found.records.column("name")[0] == "Apex"
    assert found.records.column("phone")[0] == ""


def test_a_name_that_may_not_be_read_can_only_be_granted(reader: str, postgres_server: str) -> None:
    run_sql(postgres_server, "REVOKE SELECT (mei) ON crm.firms FROM clerk")

    with (
        CompanyStore(reader, FIRMS) as store,
        pytest.raises(SchemaError, match=r"\['denwa', 'mei'\] of .* to this user$"),
    ):
        store.count()
