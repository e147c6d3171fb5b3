"""A searchable part of the company table: built in one pass, immutable, mapped from disk."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _search
from linkage_rl.candidates.encode import (
    FIELDS_SEARCHED,
    GRAM_BUCKETS,
    ROW,
    Documents,
    document_keys,
    encode_documents,
    encode_rows,
    hash_texts,
)
from linkage_rl.candidates.keys import COUNTED, FILED, KEYS, filings, hashed_keys
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.records import FIELDS, CanonicalBatch, CompanyRows
from linkage_rl.text.canonical import canonicalise

_DOCUMENT_CHUNK = 200_000


@dataclass(frozen=True)
class KeyIndex:
    """Rows sorted by the hash of their key, then by row; rows without the key are left out."""

    keys: NDArray[np.uint64]
    rows: NDArray[np.int32]

    @classmethod
    def build(cls, hashes: NDArray[np.uint64], rows: NDArray[np.int32] | None = None) -> "KeyIndex":
        """Sort the rows that have a key.

        Args:
            hashes: Keys, shape (F,).
            rows: Row of each key, rising, shape (F,); None for one key per row.
        """
        present = np.flatnonzero(hashes)
        order = present[np.argsort(hashes[present], kind="stable")]
        return cls(hashes[order], (order if rows is None else rows[order]).astype(np.int32))

    def count(self, asked: NDArray[np.uint64], alive: NDArray[np.uint8]) -> NDArray[np.int32]:
        """How many rows that are alive bear each asked key, at most 65,535; shape (N,)."""
        return _search.count_keys(self.keys, self.rows, alive, asked)


@dataclass(frozen=True)
class Segment:
    """n rows over M documents with everything that retrieval and features read."""

    rows: NDArray[np.void]
    """`encode.ROW`, shape (n,)."""
    ids: StringColumn
    documents: Documents
    document_row_ends: NDArray[np.int64]
    """Rows of document m: document_rows[document_row_ends[m]:document_row_ends[m + 1]]."""
    document_rows: NDArray[np.int32]
    document_norms: NDArray[np.float32]
    gram_starts: NDArray[np.int64]
    """Documents of bucket g: postings[gram_starts[g]:gram_starts[g + 1]]."""
    postings: NDArray[np.int32]
    counts: NDArray[np.uint16]
    """Rows of the segment that share each of `COUNTED` with this row, shape (n, C)."""
    keys: dict[str, KeyIndex]
    """One per exact route and counted key, and `company_id`."""
    idf: NDArray[np.float32]
    """Weight of each gram bucket, from the base segment; shape (GRAM_BUCKETS,)."""
    snapshot: dict[str, StringColumn]
    """Raw fields of the rows as they stood in the table; fields that no row has are left out."""

    def __len__(self) -> int:
        return len(self.rows)

    def raw(self, name: str, rows: NDArray[np.integer]) -> list[str]:
        """A raw field of these rows, '' where missing."""
        column = self.snapshot.get(name)
        return [""] * len(rows) if column is None else column.take(rows)


@dataclass
class SegmentBuilder:
    """Collects chunks of company rows, then builds their segment."""

    rows: list[NDArray[np.void]] = field(default_factory=list)
    ids: list[StringColumn] = field(default_factory=list)
    keys: list[dict[str, NDArray[np.uint64]]] = field(default_factory=list)
    filed: dict[str, list[tuple[NDArray[np.uint64], NDArray[np.int32]]]] = field(
        default_factory=lambda: {name: [] for name in FILED}
    )
    """Hashes of each key of `FILED` with their rows, a chunk at a time."""
    document_keys: list[NDArray[np.uint64]] = field(default_factory=list)
    texts: dict[str, list[StringColumn]] = field(
        default_factory=lambda: {name: [] for name in FIELDS_SEARCHED}
    )
    text_keys: list[NDArray[np.uint64]] = field(default_factory=list)
    snapshot: dict[str, list[StringColumn]] = field(
        default_factory=lambda: {name: [] for name in FIELDS}
    )

    def add(self, companies: CompanyRows) -> None:
        """Take over the open companies of a chunk."""
        is_open = [row for row, closed in enumerate(companies.closed_at) if not closed]
        records = companies.records
        if len(is_open) < len(records):
            records = records.take(is_open)
        if len(records) == 0:
            return
        canonical = canonicalise(records)
        for name, (hashes, own) in filings(canonical).items():
            self.filed[name].append((hashes, own + np.int32(sum(map(len, self.rows)))))
        self.rows.append(encode_rows(canonical))
        self.ids.append(StringColumn.from_texts(records.ids))
        keys = {name: hashes[0] for name, hashes in hashed_keys(canonical).items()}
        self.keys.append({"company_id": hash_texts(records.ids), **keys})
        self._add_documents(canonical)
        for name in FIELDS:
            self.snapshot[name].append(StringColumn.from_texts(records.column(name)))

    def _add_documents(self, canonical: CanonicalBatch) -> None:
        keys = document_keys(canonical)
        distinct, first = np.unique(keys, return_index=True)
        self.document_keys.append(keys)
        self.text_keys.append(distinct)
        for name in FIELDS_SEARCHED:
            texts: list[str] = getattr(canonical, name)
            self.texts[name].append(StringColumn.from_texts([texts[row] for row in first]))

    def build(self, base: Segment | None = None) -> Segment:
        """The segment of all rows added.

        Args:
            base: The segment that this one amends; it lends its idf.
        """
        rows = np.concatenate([np.zeros(0, dtype=ROW), *self.rows])
        documents, rows["doc"] = self._documents()
        keys = {
            name: KeyIndex.build(
                np.concatenate([np.zeros(0, np.uint64), *(part[name] for part in self.keys)])
            )
            for name in ("company_id", *{**KEYS, **COUNTED})
            if name not in FILED
        }
        for name, parts in self.filed.items():
            hashes = np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _ in parts)])
            own = np.concatenate([np.zeros(0, np.int32), *(own for _, own in parts)])
            keys[name] = KeyIndex.build(hashes, own)
        starts, postings = _search.invert(documents.gram_offsets, documents.grams, GRAM_BUCKETS)
        idf = inverse_document_frequency(starts, len(documents)) if base is None else base.idf
        order = np.argsort(rows["doc"], kind="stable").astype(np.int32)
        row_ends = np.zeros(len(documents) + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows["doc"], minlength=len(documents)), out=row_ends[1:])
        return Segment(
            rows,
            StringColumn.concatenate(self.ids),
            documents,
            row_ends,
            order,
            _search.document_norms(documents.gram_offsets, documents.grams, idf),
            starts,
            postings,
            _counts(keys, len(rows)),
            keys,
            idf,
            {
                name: StringColumn.concatenate(parts)
                for name, parts in self.snapshot.items()
                if any(len(part.blob) for part in parts)
            },
        )

    def _documents(self) -> tuple[Documents, NDArray[np.int32]]:
        """Each distinct name once, and the document of every row."""
        keys = np.concatenate([np.zeros(0, np.uint64), *self.document_keys])
        distinct = np.unique(keys)
        doc = np.searchsorted(distinct, keys).astype(np.int32)
        known = np.concatenate([np.zeros(0, np.uint64), *self.text_keys])
        _, first = np.unique(known, return_index=True)
        columns = [StringColumn.concatenate(self.texts[name]) for name in FIELDS_SEARCHED]
        parts = [
            encode_documents(*(column.take(first[at : at + _DOCUMENT_CHUNK]) for column in columns))
            for at in range(0, max(len(first), 1), _DOCUMENT_CHUNK)
        ]
        ends = np.cumsum([0, *(int(part.gram_offsets[-1]) for part in parts)])
        offsets = [part.gram_offsets[1:] + end for part, end in zip(parts, ends[:-1], strict=True)]
        core, kana, latin = (column.select(first) for column in columns)
        return Documents(
            core,
            kana,
            latin,
            np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
            np.concatenate([part.grams for part in parts]),
        ), doc


def _counts(keys: dict[str, KeyIndex], rows: int) -> NDArray[np.uint16]:
    counts = np.zeros((rows, len(COUNTED)), dtype=np.uint16)
    for place, name in enumerate(COUNTED):
        index = keys[name]
        _, inverse, sizes = np.unique(index.keys, return_inverse=True, return_counts=True)
        counts[index.rows, place] = np.minimum(sizes[inverse], 65_535)
    return counts


def inverse_document_frequency(starts: NDArray[np.int64], documents: int) -> NDArray[np.float32]:
    """log((M + 1) / (df + 1)), at least 0.1, of every gram bucket; shape (GRAM_BUCKETS,).

    The smoothed form of Spärck Jones (1972).
    """
    frequency = np.diff(starts)
    return np.maximum(np.log((documents + 1) / (frequency + 1)), 0.1).astype(np.float32)


def build_segment(chunks: Iterable[CompanyRows], base: Segment | None = None) -> Segment:
    """The segment of all open companies in these chunks."""
    builder = SegmentBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return builder.build(base)
