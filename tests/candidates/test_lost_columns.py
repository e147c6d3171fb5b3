"""A column that the index was built with and that the table has lost."""

from pathlib import Path

import pytest

from linkage_rl.candidates.refresh import open_index
from linkage_rl.errors import SchemaError
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.stored_table import run_sql

CREATE = "CREATE TABLE firms (company_id VARCHAR(9), name VARCHAR(9), phone VARCHAR(20), url TEXT)"
INSERT = "INSERT INTO firms VALUES ('c1', '青空', '03-3222-0001', NULL), ('c2', '海', NULL, '')"


@pytest.mark.parametrize("refresh", [True, False])
def test_it_is_refused_unless_it_is_left_out_on_purpose(
    readable_url: str, tmp_path: Path, refresh: bool
) -> None:
    run_sql(readable_url, CREATE, INSERT)

    def opened(**columns: str) -> int:
        mapping = ColumnMapping(table="firms", **columns)  # type: ignore[arg-type]
        with CompanyStore(readable_url, mapping, read_only=True) as store:
            return len(open_index(store, tmp_path / "index", refresh, progress=False))

    assert opened() == 2

    # no company has a URL, so nothing is lost with that column
    run_sql(readable_url, "ALTER TABLE firms DROP COLUMN url")
    assert opened() == 2

    run_sql(readable_url, "ALTER TABLE firms RENAME COLUMN phone TO tel")
    with pytest.raises(SchemaError) as error:
        opened()
    assert str(error.value).startswith("expected 'phone' in table 'firms', which had it when")
    assert "(table.mapping.phone=COLUMN)" in str(error.value)
    assert opened(phone="tel") == opened(phone="") == 2
