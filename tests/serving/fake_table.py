"""A live table whose database can be switched off, frozen, held or slowed down."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from linkage_rl.errors import DatabaseError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore
from serving.live_table import LiveTable
from serving.settings import WorkerSettings

TIMEOUT_S = 0.25
LIST = [str(number) for number in range(1000)]

Result = TypeVar("Result")


@dataclass
class Store:
    """A database that can be switched off, frozen, or held; counts its queries."""

    error: Exception | None = None
    queries: list[Sequence[str]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)
    opened: int = 0
    slow_lists: bool = False
    unreadable: str = ""
    s_per_company: float = 0.0

    def __post_init__(self) -> None:
        self.answers.set()

    @property
    def columns(self) -> tuple[str, ...]:
        self.answers.wait()
        return ("name",)

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        self.queries.append(company_ids)
        if not self.slow_lists or len(company_ids) > 256:
            self.answers.wait()
        time.sleep(self.s_per_company * len(company_ids))
        if self.error is not None:
            raise self.error
        if self.unreadable in company_ids:
            raise DatabaseError("cannot decode 'a secret'")
        ids = list(company_ids)
        return CompanyRows(RecordBatch(ids, {"name": ["live"] * len(ids)}), [""] * len(ids), [])

    def dispose(self) -> None:
        return


def with_table(
    store: Store, act: Callable[[LiveTable], Awaitable[Result]], **settings: Any
) -> Result:
    """What a function returns that uses a table of this store in an event loop."""

    def open_store() -> CompanyStore:
        store.opened += 1
        return store  # type: ignore[return-value]

    async def main() -> Result:
        known = {"database_timeout_s": TIMEOUT_S} | settings
        table = LiveTable(WorkerSettings(**known), open_store)
        try:
            return await act(table)
        finally:
            table.close()
            store.answers.set()

    return asyncio.run(main())
