"""However a table changes between and during refreshes, in a quiet moment its index equals it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Select, create_engine, text
from sqlalchemy.engine import Engine

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.records import FIELDS
from linkage_rl.tables.paged_table import PagedTable
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.store import CompanyStore
from tests.candidates.histories import History, Rows, follow
from tests.stored_table import run_sql

COLUMNS = ("name", "phone", "updated_at")


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_whatever_happens_while_a_table_is_read_is_found_by_the_next_refresh(first: int) -> None:
    """10,000 histories: `python -m tests.candidates.histories 10000`."""
    followed = [follow(seed)[0] for seed in range(first, first + 50)]

    assert 0 < sum(one.rebuilds for one in followed) < 100


class StoredHistory:
    """A history whose transactions are committed to a table of a database."""

    def __init__(self, url: str, seed: int) -> None:
        self.history = History(seed)
        self.engine: Engine = create_engine(url)
        self.stored: dict[str, dict[str, str]] = {}
        columns = ", ".join(f"{column} VARCHAR(40)" for column in (*COLUMNS, "closed_at"))
        run_sql(url, f"CREATE TABLE companies (company_id VARCHAR(10) PRIMARY KEY, {columns})")
        self.commit()

    def step(self) -> None:
        """Let other programs work."""
        self.history.step()
        self.commit()

    def commit(self) -> None:
        """Write what has changed in the history, in one transaction."""
        now = table_rows(self.history.rows, "") | {
            key: row
            for key, row in table_rows(self.history.closed, "2020-03-31").items()
            if key not in self.history.rows
        }
        gone = [{"key": key} for key in self.stored if self.stored[key] != now.get(key)]
        new = [{"key": key, **row} for key, row in now.items() if self.stored.get(key) != row]
        listed = ", ".join(("company_id", *COLUMNS, "closed_at"))
        values = ", ".join(f":{name}" for name in ("key", *COLUMNS, "closed_at"))
        with self.engine.begin() as connection:
            if gone:
                connection.execute(text("DELETE FROM companies WHERE company_id = :key"), gone)
            if new:
                connection.execute(text(f"INSERT INTO companies ({listed}) VALUES ({values})"), new)
        self.stored = now

    def beside(self, quiet: PagedTable) -> PagedTable:
        """The table as one reads it while another program may write between the statements."""

        def read(
            statement: Select[Any],
            parameters: Mapping[str, Any] | None = None,
            *,
            often: bool = False,
        ) -> Sequence[Sequence[Any]]:
            if self.history.rng.random() < 0.3:
                self.step()
            return quiet.read(statement, parameters, often=often)

        return replace(quiet, read=read)


def table_rows(rows: Rows, closed_at: str) -> dict[str, dict[str, str]]:
    """Rows as they are stored."""
    return {key: {**row, "closed_at": closed_at} for key, row in rows.items()}


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_index_of_a_table_in_a_database_equals_it_in_a_quiet_moment(
    readable_url: str, seed: int
) -> None:
    stored = StoredHistory(readable_url, seed)
    rng = stored.history.rng
    with CompanyStore(readable_url, paging=Paging(rows=5)) as store:
        quiet = store._paged

        index = CompanyIndex.of_table(store)
        for _ in range(4):
            vars(store)["_paged"] = stored.beside(quiet)
            index, _ = index.refresh(store, merge_share=rng.choice([0.2, 5.0]))
            vars(store)["_paged"] = quiet
            stored.step()
        index, _ = index.refresh(store, merge_share=5.0)
        built = CompanyIndex.of_table(store)
        unchanged, report = index.refresh(store)
    stored.engine.dispose()

    ids = sorted(stored.history.rows)
    assert len(index) == len(built) == len(ids)
    assert index.state == built.state
    assert unchanged is index
    assert (report.changed, report.removed, report.pages) == (0, 0, 0)
    for column in FIELDS:
        wanted = [stored.history.rows[key].get(column, "") for key in ids]
        assert index.fetch(ids).records.column(column) == wanted
