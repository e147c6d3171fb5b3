"""The live table: asked seldom, never waited for, and done without where that is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.store import CompanyStore
from serving.errors import UnavailableError
from serving.readback import RETRY_S, LiveTable, Readback
from serving.settings import Settings
from tests.small_table import small_index


@dataclass
class Store:
    """A database that can be switched off; counts what it is asked."""

    down: bool = False
    asked: int = 0

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        self.asked += 1
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
    settings = Settings(limits=Limits(timeout_s=0.05), queries_per_s=queries_per_s)

    def open_store() -> CompanyStore:
        return store  # type: ignore[return-value]

    return LiveTable(settings, open_store, clock)


def test_companies_come_from_the_database_while_it_answers() -> None:
    source = Readback(live_table(Store(), Clock()), small_index(), "stale")

    assert source.fetch(["goyo"]).records.column("name") == ["live"]
    assert not source.stale


def test_without_it_they_come_from_the_index_and_the_answer_says_so() -> None:
    source = Readback(live_table(Store(down=True), Clock()), small_index(), "stale")

    assert source.fetch(["goyo"]).records.column("name") == ["五洋建設株式会社"]
    assert source.stale


def test_or_the_request_fails_where_only_the_database_will_do() -> None:
    source = Readback(live_table(Store(down=True), Clock()), small_index(), "fail")

    with pytest.raises(UnavailableError, match="does not answer just now"):
        source.fetch(["goyo"])


def test_a_database_that_failed_is_left_alone_then_asked_once_and_comes_back() -> None:
    store, clock = Store(down=True), Clock()
    live = live_table(store, clock)

    for _ in range(3):
        with pytest.raises(DatabaseError):
            live.fetch(["goyo"])
    assert store.asked == 1
    assert live.is_down

    store.down = False
    clock.now += RETRY_S + 0.01
    live.fetch(["goyo"])
    live.fetch(["goyo"])
    assert store.asked == 3
    assert not live.is_down


def test_the_rate_of_queries_is_capped() -> None:
    store, clock = Store(), Clock()
    live = live_table(store, clock, queries_per_s=2)

    live.fetch(["goyo"])
    live.fetch(["goyo"])
    with pytest.raises(DatabaseError, match="at most 2 queries per second"):
        live.fetch(["goyo"])

    clock.now += 0.5
    live.fetch(["goyo"])
    assert store.asked == 3


def test_no_company_needs_no_query() -> None:
    store = Store()

    Readback(live_table(store, Clock()), small_index(), "fail").fetch([])

    assert store.asked == 0
