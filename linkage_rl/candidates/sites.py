"""Sites: the rows that a company has beyond one, such as its offices, phones and trade names.

Rows with one company id are the *sites* of that company, and the first of them is its *head row*. A
company is found through any of its sites and stands for all of them: candidates are head rows. A
client is compared with the sites that fit it best, see `Fit`.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import RecordBatch

GROUPS: Final = ("name", "place", "phone", "domain", "number")
"""Groups of fields, each of which is taken from the site that fits a client best: the name with its
reading and legal form, the address, the phone, the web address, the corporate number."""


@dataclass(frozen=True)
class Sites:
    """Which of n rows belong to one company; all three arrays are empty where none has two."""

    heads: NDArray[np.int32]
    """Head row of the company of each row, shape (n,)."""
    begins: NDArray[np.int32]
    """Place in `rows` at which the rows of the company of each row begin, shape (n,)."""
    rows: NDArray[np.int32]
    """All rows, those of one company side by side, its head row first, shape (n,)."""

    def __bool__(self) -> bool:
        return len(self.heads) > 0

    @classmethod
    def of(cls, keys: NDArray[np.uint64], filed: NDArray[np.int32], count: int) -> Self:
        """The sites of a segment.

        Args:
            keys: Hash of the company id of each row that has one, ascending.
            filed: Row of each hash; ascending among equal hashes.
            count: Number n of rows.
        """
        nothing = np.zeros(0, dtype=np.int32)
        if not (keys[1:] == keys[:-1]).any():
            return cls(nothing, nothing, nothing)
        lone = np.setdiff1d(np.arange(count, dtype=np.int32), filed, assume_unique=True)
        rows = np.concatenate([filed, lone]).astype(np.int32)
        starts = np.ones(count, dtype=np.bool_)
        starts[1 : len(keys)] = keys[1:] != keys[:-1]
        begin = np.maximum.accumulate(np.where(starts, np.arange(count), 0)).astype(np.int32)
        heads, begins = np.empty_like(rows), np.empty_like(rows)
        heads[rows], begins[rows] = rows[begin], begin
        return cls(heads, begins, rows)

    def head_of(self, rows: NDArray[np.integer]) -> NDArray[np.integer]:
        """Head row of the company of each of these rows, shape (P,)."""
        return self.heads[rows].astype(rows.dtype) if self else rows

    def is_head(self, count: int) -> NDArray[np.bool_]:
        """Whether each of the n rows is the head row of its company, shape (n,)."""
        if not self:
            return np.ones(count, dtype=np.bool_)
        heads: NDArray[np.bool_] = self.heads == np.arange(count)
        return heads

    def has_others(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether the company of each of these rows has other rows, shape (P,)."""
        if not self:
            return np.zeros(len(rows), dtype=np.bool_)
        after = np.minimum(self.begins[rows] + 1, len(self.rows) - 1)
        others: NDArray[np.bool_] = (after > self.begins[rows]) & (
            self.heads[self.rows[after]] == self.heads[rows]
        )
        return others

    def siblings(self, rows: NDArray[np.integer]) -> NDArray[np.integer]:
        """All rows of the companies of these rows, each once, ascending."""
        if not self:
            return np.unique(rows)
        wanted = np.zeros(len(self.heads), dtype=np.bool_)
        wanted[self.heads[rows]] = True
        return np.flatnonzero(wanted[self.heads])

    def repeats(self, keys: NDArray[np.uint64], filed: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether a key is filed for an earlier row of the same company, too; shape (F,).

        Args:
            keys: Keys, ascending.
            filed: Row of each key.
        """
        repeated = np.zeros(len(keys), dtype=np.bool_)
        if not self or len(keys) < 2:
            return repeated
        equal = keys[1:] == keys[:-1]
        shared = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
        head, key = self.heads[filed[shared]], keys[shared]
        order = np.lexsort((filed[shared], head, key))
        again = (key[order][1:] == key[order][:-1]) & (head[order][1:] == head[order][:-1])
        repeated[shared[order[1:][again]]] = True
        return repeated


@dataclass(frozen=True)
class Fit:
    """P pairs with the sites of each company that fit its client best."""

    rows: NDArray[np.int64]
    """Row of the index that each of `GROUPS` is taken from, shape (P, G)."""
    packed: NDArray[np.void]
    """`encode.ROW` joined from these rows, shape (P,)."""

    def of(self, group: str) -> NDArray[np.int64]:
        """Row that a group of fields is taken from, shape (P,)."""
        return np.ascontiguousarray(self.rows[:, GROUPS.index(group)])


def companies_once(
    rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Proposals with each row of a client at its first place only; later ones move up.

    Args:
        rows: Rows of N clients, best first, -1 where there are no more, shape (N, limit).
        scores: Their retrieval scores, 0 for -1, same shape.
    """
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    repeated = np.zeros(rows.shape, dtype=np.bool_)
    np.put_along_axis(repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    gone = repeated | (rows < 0)
    front = np.argsort(gone, axis=1, kind="stable")
    kept, values = np.where(gone, -1, rows), np.where(gone, 0, scores).astype(np.float32)
    return np.take_along_axis(kept, front, axis=1), np.take_along_axis(values, front, axis=1)


def with_inherited(records: RecordBatch) -> RecordBatch:
    """The records with what a site lacks of the name, URL and number of its company's first row.

    Reading and Latin name are inherited by sites of the same name; address and phone by none.
    """
    if len(set(records.ids)) == len(records.ids):
        return records
    first: dict[str, int] = {}
    heads = [first.setdefault(one, row) if one else row for row, one in enumerate(records.ids)]
    name = records.column("name")
    named = [name[row] in ("", name[head]) for row, head in enumerate(heads)]
    always = [True] * len(heads)
    inherited = {
        "name": named,
        "name_kana": named,
        "name_en": named,
        "url": always,
        "corporate_number": always,
    }
    columns = dict(records.columns)
    for field in inherited.keys() & columns.keys():
        texts = columns[field]
        columns[field] = [
            text or (texts[head] if may else "")
            for text, head, may in zip(texts, heads, inherited[field], strict=True)
        ]
    return RecordBatch(records.ids, columns)
