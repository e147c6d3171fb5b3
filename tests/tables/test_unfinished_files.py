"""A SQLite file whose writer was killed: readers roll it back, or say who may."""

import subprocess
import sys
from pathlib import Path

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.readers import read_companies
from linkage_rl.tables.store import CompanyStore

KILLED = """
import os, sqlite3, sys
table = sqlite3.connect(sys.argv[1])
table.execute("PRAGMA cache_size = 3")
table.execute("UPDATE companies SET name = name || '改'")
os._exit(9)
"""


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A company table of which a killed program has changed some rows."""
    (tmp_path / "list.csv").write_text(
        "company_id,name\n" + "".join(f"{n},{'株式会社青空' * 20}{n}\n" for n in range(2000))
    )
    path = tmp_path / "companies.db"
    with CompanyStore(f"sqlite:///{path}") as store:
        store.create()
        store.load(read_companies(tmp_path / "list.csv"))
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert Path(f"{path}-journal").stat().st_size > 0
    return path


def test_a_reader_rolls_back_what_a_killed_writer_left(unfinished: Path) -> None:
    with CompanyStore(f"sqlite:///{unfinished}", read_only=True) as store:
        assert store.check().open == 2000
        assert store.fetch(["0"]).records.column("name")[0].endswith("0")
        with pytest.raises(DatabaseError, match="opened read-only"):
            store.load([])
    assert not Path(f"{unfinished}-journal").exists()


def test_a_reader_who_may_not_write_says_what_has_to_be_done(unfinished: Path) -> None:
    url = f"sqlite:///file:{unfinished}?mode=ro&uri=true"

    with (
        CompanyStore(url, read_only=True) as store,
        pytest.raises(DatabaseError, match=r"was stopped and left its journal.* rolls that back"),
    ):
        store.check()
