"""Random histories of a table that changes between refreshes, and while they read it.

`python -m tests.candidates.histories 10000` follows that many and says how long it took.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from linkage_rl.candidates.changes import find_changes
from linkage_rl.candidates.encode import hash_texts
from linkage_rl.candidates.known_pages import KnownPages, PageRows
from linkage_rl.records import FIELDS, CompanyRows
from tests.memory_table import MemoryTable, Row

Rows = dict[str, Row]
Transaction = Callable[[Rows], None]

KEYS: Final = tuple(f"{number:02}" for number in range(24))
NAMES: Final = ("青空商事", "五洋建設", "さくら会", "青空商事\x1f五洋建設", "")


class History:
    """What the transactions of other programs do to a table, in a random order."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: Rows = {}
        self.closed: Rows = {}
        self.backup: Rows = {}
        self.open_transactions: list[Transaction] = []
        self.done: Counter[str] = Counter()
        for key in self.some_of(KEYS, 12):
            self.rows[key] = self.row()

    def row(self) -> Row:
        """A row whose stamp may be older or equal to another's, or in the future."""
        return {
            "name": NAMES[self.rng.integers(len(NAMES))],
            "phone": str(self.rng.integers(3)),
            "updated_at": f"20{self.rng.integers(10, 40)}-01-01",
        }

    def some_of(self, keys: tuple[str, ...] | Rows, count: int = 1) -> list[str]:
        """Up to this many of the keys."""
        found = list(keys)
        taken = min(count, len(found))
        return [found[place] for place in self.rng.choice(len(found), taken, replace=False)]

    def step(self) -> None:
        """Begin a transaction, and commit this one or one that began long ago."""
        kinds = (self.insert, self.update, self.delete, self.close, self.reopen)
        rare = (self.move, self.exchange, self.replace_one, self.swap, self.restore, self.empty)
        chosen = kinds if self.rng.random() < 0.75 else rare
        kind = chosen[self.rng.integers(len(chosen))]
        self.done[kind.__name__] += 1
        self.open_transactions.append(kind())
        while self.open_transactions and self.rng.random() < 0.7:
            late = int(self.rng.integers(len(self.open_transactions)))
            self.open_transactions.pop(late)(self.rows)

    def commit_all(self) -> None:
        """Commit all that is open."""
        while self.open_transactions:
            self.open_transactions.pop()(self.rows)

    def insert(self) -> Transaction:
        new = {key: self.row() for key in self.some_of(KEYS, 3)}
        return lambda rows: rows.update({key: row for key, row in new.items() if key not in rows})

    def update(self) -> Transaction:
        new = {key: self.row() for key in self.some_of(KEYS, 2)}
        return lambda rows: rows.update({key: row for key, row in new.items() if key in rows})

    def delete(self) -> Transaction:
        return without(self.some_of(self.rows, 2))

    def close(self) -> Transaction:
        keys = self.some_of(self.rows)
        return lambda rows: self.closed.update({key: rows.pop(key) for key in keys if key in rows})

    def reopen(self) -> Transaction:
        keys = self.some_of(self.closed)
        return lambda rows: rows.update(
            {key: self.closed.pop(key) for key in keys if key in self.closed and key not in rows}
        )

    def move(self) -> Transaction:
        """The key of a row changes."""
        old, new = self.some_of(self.rows), self.some_of(KEYS)
        return lambda rows: (
            rows.update({new[0]: rows.pop(old[0])})
            if old and old[0] in rows and new[0] not in rows
            else None
        )

    def exchange(self) -> Transaction:
        """Two companies exchange their fields, so that every text stays in the table."""
        keys = self.some_of(self.rows, 2)

        def commit(rows: Rows) -> None:
            if len(keys) == 2 and set(keys) <= rows.keys():
                rows[keys[0]], rows[keys[1]] = rows[keys[1]], rows[keys[0]]

        return commit

    def replace_one(self) -> Transaction:
        """As many rows are deleted as inserted."""
        old, new, row = self.some_of(self.rows), self.some_of(KEYS), self.row()

        def commit(rows: Rows) -> None:
            if old and old[0] in rows and new[0] not in rows:
                del rows[old[0]]
                rows[new[0]] = row

        return commit

    def swap(self) -> Transaction:
        """A field's text moves to another field of the same row."""
        keys = self.some_of(self.rows)

        def commit(rows: Rows) -> None:
            for key in keys:
                if key in rows:
                    row = rows[key]
                    rows[key] = {**row, "name": row["phone"], "phone": row["name"]}

        return commit

    def restore(self) -> Transaction:
        """A backup of an earlier state replaces the table."""
        older, self.backup = self.backup, dict(self.rows)

        def commit(rows: Rows) -> None:
            rows.clear()
            rows.update(older)

        return commit

    def empty(self) -> Transaction:
        few = self.rng.random() < 0.8
        return without(self.some_of(self.rows, 3 if few else len(KEYS)))


def without(keys: list[str]) -> Transaction:
    """Deletes these rows."""

    def commit(rows: Rows) -> None:
        for key in keys:
            rows.pop(key, None)

    return commit


@dataclass
class FollowedRows:
    """The least that follows a table as an index does: the rows that it would hold."""

    table: MemoryTable
    rows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Hash of the company id to its fields."""
    known: KnownPages = field(default_factory=KnownPages.none)
    rebuilds: int = 0

    def build(self) -> None:
        """Read the whole table."""
        self.rows, pages = {}, []
        for page in self.table.pages():
            self.keep(page.rows)
            pages.append(PageRows.of(page.rows.records.ids, page.hashes, page.bound))
        self.known = KnownPages.of(self.table.hashing, pages, self.table.rows_per_page)

    def refresh(self, most: float) -> None:
        """Follow the table, or build anew where more companies than this have changed."""
        kept: list[CompanyRows] = []
        changes = find_changes(self.known, self.table, (most, most), kept.append)
        if changes is None:
            self.rebuilds += 1
            self.build()
            return
        for company in np.union1d(changes.absent, changes.present).tolist():
            self.rows.pop(company, None)
        for rows in kept:
            self.keep(rows)
        self.known = changes.known

    def keep(self, rows: CompanyRows) -> None:
        """Add rows that are new or were removed before."""
        columns = [rows.records.column(name) for name in FIELDS]
        companies = hash_texts(rows.records.ids).tolist()
        self.rows.update(zip(companies, zip(*columns, strict=True), strict=True))


def follow(seed: int, steps: int = 4) -> tuple[FollowedRows, History]:
    """Follow a table through one history; it is quiet during the last refresh only.

    Raises:
        AssertionError: What is followed differs from the table then.
    """
    history = History(seed)
    table = MemoryTable(history.rows, rows_per_page=int(history.rng.integers(1, 6)))
    followed = FollowedRows(table)
    followed.build()
    for _ in range(steps):
        with disturbed(table, history):
            followed.refresh(most=float(history.rng.integers(2, 20)))
        if history.rng.random() < 0.5:
            history.step()
    if history.rng.random() < 0.5:
        history.commit_all()
    followed.refresh(most=20)
    built = FollowedRows(table)
    built.build()
    assert followed.rows == built.rows, f"history {seed}"
    assert followed.known.state == built.known.state, f"history {seed}"
    assert len(followed.rows) == len(table.rows), f"history {seed}"
    return followed, history


@contextmanager
def disturbed(table: MemoryTable, history: History) -> Iterator[None]:
    """Inside, other programs change the table between any two statements."""
    share = history.rng.choice([0.05, 0.3, 0.8])

    def between() -> None:
        if history.rng.random() < share:
            history.step()

    table.between = between
    yield
    table.between = lambda: None


def main() -> None:
    """Follow as many histories as the first argument says."""
    count = int(sys.argv[1])
    begin, steps, rebuilds = time.process_time(), Counter[str](), 0
    for seed in range(count):
        followed, history = follow(seed)
        steps += history.done
        rebuilds += followed.rebuilds
    seconds = time.process_time() - begin
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in steps.most_common())
    sys.stdout.write(
        f"{count:,} histories in {seconds:.0f} CPU s, {rebuilds:,} times built anew\n{kinds}\n"
    )


if __name__ == "__main__":
    main()
