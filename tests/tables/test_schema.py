"""Columns of the user and the canonical ones."""

import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.tables.schema import CANONICAL, ColumnMapping


def test_columns_under_their_canonical_names_need_no_mapping() -> None:
    found = CANONICAL.of_companies(["name", "company_id", "phone", "note"], "company table")

    assert found == {"company_id": "company_id", "name": "name", "phone": "phone"}


def test_one_address_column_is_read_into_the_street() -> None:
    assert CANONICAL.of_clients(["client_id", "name", "address"], "list")["street"] == "address"


def test_a_street_column_goes_before_an_address_column() -> None:
    have = ["client_id", "name", "street", "address"]

    assert CANONICAL.of_clients(have, "list")["street"] == "street"


def test_a_mapped_column_must_exist_even_where_the_field_is_optional() -> None:
    mapping = ColumnMapping(phone="denwa")

    with pytest.raises(SchemaError, match=r"needs column 'denwa'.*did you mean to rename 'denwwa'"):
        mapping.of_clients(["client_id", "name", "denwwa"], "client list")


def test_a_list_without_names_is_accepted_if_another_field_identifies_the_client() -> None:
    assert "phone" in CANONICAL.of_clients(["client_id", "phone"], "list")


@pytest.mark.parametrize("column", ["naem", "company_name"])
def test_a_list_whose_name_column_has_another_name_is_refused(column: str) -> None:
    with pytest.raises(SchemaError, match=f"did you mean to rename '{column}'"):
        CANONICAL.of_clients(["client_id", "phone", column], "list")


def test_former_names_are_read_of_companies_only() -> None:
    mapping = ColumnMapping(former_names="旧社名")

    companies = mapping.of_companies(["company_id", "name", "旧社名"], "company table")

    assert companies["former_names"] == "旧社名"
    assert "former_names" not in CANONICAL.of_clients(["client_id", "name", "former_names"], "list")
    with pytest.raises(SchemaError, match="list needs column 'name'"):
        CANONICAL.of_clients(["client_id", "former_names"], "list")


def test_a_list_without_any_field_is_refused() -> None:
    with pytest.raises(SchemaError, match="list needs column 'name'"):
        CANONICAL.of_clients(["client_id", "note"], "list")
