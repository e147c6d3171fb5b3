"""A company table in memory that changes while it is read, in place of one in a database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash

from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.pages import CompanyPage, RowHashes

Row = Mapping[str, str]


def nothing() -> None:
    """What happens between two statements by default."""


@dataclass
class MemoryTable:
    """Open companies by key, read in the same steps as a table in a database."""

    rows: dict[str, Row] = field(default_factory=dict)
    """Company id to the fields of its row."""
    rows_per_page: int = 4
    between: Callable[[], None] = nothing
    """Called before every statement, where other transactions may commit."""
    hashing: str = "memory"

    def pages(self) -> Iterator[CompanyPage]:
        """All rows, page by page."""
        for after, end in self._ranges("", ""):
            if keys := self._keys(after, end):
                yield self._page(keys, end or keys[-1])

    def summary(self, after: str, upto: str) -> tuple[int, int]:
        """Number of rows in a range of keys, and the sum of their hashes."""
        keys = self._keys(after, upto)
        return len(keys), sum(map(self._hash, keys)) % (1 << 64)

    def hashes(self, after: str, upto: str = "") -> Iterator[RowHashes]:
        """Keys and hashes of the rows in a range of keys, page by page."""
        for begin, end in self._ranges(after, upto):
            if keys := self._keys(begin, end):
                yield RowHashes(keys, keys, self._page(keys).hashes, end or keys[-1])

    def rows_of(self, keys: Sequence[str]) -> Iterator[CompanyPage]:
        """The rows with these keys."""
        self.between()
        if present := [key for key in sorted(keys) if key in self.rows]:
            yield self._page(present)

    def _ranges(self, after: str, upto: str) -> Iterator[tuple[str, str]]:
        while len(keys := self._keys(after, upto)) >= self.rows_per_page:
            end = keys[self.rows_per_page - 1]
            yield after, end
            after = end
        yield after, upto

    def _keys(self, after: str, upto: str) -> list[str]:
        self.between()
        return sorted(key for key in self.rows if key > after and (not upto or key <= upto))

    def _page(self, keys: Sequence[str], bound: str = "") -> CompanyPage:
        columns = {name: [self.rows[key].get(name, "") for key in keys] for name in FIELDS}
        rows = CompanyRows(RecordBatch(keys, columns), [""] * len(keys), [""] * len(keys))
        hashes = np.array([self._hash(key) for key in keys], dtype=np.uint64)
        return CompanyPage(rows, hashes, bound)

    def _hash(self, key: str) -> int:
        row = repr((key, [self.rows[key].get(name, "") for name in FIELDS]))
        return xxhash.xxh3_64_intdigest(row.encode())
