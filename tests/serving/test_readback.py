"""Reading companies back: a limited rate of queries, and answers while the database is down."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore
from serving.errors import UnavailableError
from serving.readback import RETRY_S, LiveTable, Readback
from serving.settings import WorkerSettings
from tests.small_table import small_index


@dataclass
class Store:
    """A database that can be switched off; counts its queries."""

    down: bool = False
    queries: int = 0

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        self.queries += 1
        if self.down:
            raise DatabaseError("cannot read")
        ids = list(company_ids)
        return CompanyRows(RecordBatch(ids, {"name": ["live"] * len(ids)}), [""] * len(ids), [])

    def dispose(self) -> None:
        return


@dataclass
class Clock:
    now: float = 100.0
    steps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


def live_table(store: Store, clock: Clock, queries_per_s: float = 100) -> LiveTable:
    settings = WorkerSettings(database_timeout_s=0.05, queries_per_s=queries_per_s)

    def open_store() -> CompanyStore:
        return store  # type: ignore[return-value]

    return LiveTable(settings, open_store, clock)


def test_companies_come_from_the_database_while_it_answers() -> None:
    source = Readback(live_table(Store(), Clock()), small_index(), "stale")

    assert source.fetch(["goyo"]).records.column("name") == ["live"]
    assert not source.stale


def test_while_it_is_down_they_come_from_the_index_and_are_stale() -> None:
    source = Readback(live_table(Store(down=True), Clock()), small_index(), "stale")

    assert source.fetch(["goyo"]).records.column("name") == ["五洋建設株式会社"]
    assert source.stale


def test_while_it_is_down_requests_fail_where_stale_companies_are_not_allowed() -> None:
    source = Readback(live_table(Store(down=True), Clock()), small_index(), "fail")

    with pytest.raises(UnavailableError, match="does not answer just now"):
        source.fetch(["goyo"])


def test_after_a_failure_one_query_tries_again_and_the_database_comes_back() -> None:
    store, clock = Store(down=True), Clock()
    live = live_table(store, clock)

    for _ in range(3):
        with pytest.raises(DatabaseError):
            live.fetch(["goyo"])
    assert store.queries == 1
    assert live.is_down

    store.down = False
    clock.now += RETRY_S + 0.01
    live.fetch(["goyo"])
    live.fetch(["goyo"])
    assert store.queries == 3
    assert not live.is_down


def test_the_rate_of_queries_is_limited() -> None:
    store, clock = Store(), Clock()
    live = live_table(store, clock, queries_per_s=2)

    live.fetch(["goyo"])
    live.fetch(["goyo"])
    with pytest.raises(DatabaseError, match="at most 2 queries per second"):
        live.fetch(["goyo"])

    clock.now += 0.5
    live.fetch(["goyo"])
    assert store.queries == 3


def test_without_companies_there_is_no_query() -> None:
    store = Store()

    Readback(live_table(store, Clock()), small_index(), "fail").fetch([])

    assert store.queries == 0
