"""A segment: a searchable part of the company table, built in one pass and never changed.

Many companies share a name, so names are searched once each: a *document* is a distinct searchable
name (core, kana and Latin name together), and a segment knows the rows of each document. Its
inverted index lists for each n-gram the documents that contain it, the *postings* of the n-gram. An
n-gram weighs by its *idf* (inverse document frequency): a rare one says more than a common one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from linkage_rl.candidates import _grams, _propose, _sorting
from linkage_rl.candidates.encode import (
    FIELDS_SEARCHED,
    GRAM_BUCKETS,
    ROW,
    Documents,
    document_keys,
    encode_rows,
    gram_lists,
    hash_texts,
)
from linkage_rl.candidates.further_rows import FURTHER, TRADE_NAME, with_further_rows
from linkage_rl.candidates.growing import GrowingArray, checked_offsets, kept_in
from linkage_rl.candidates.keys import COUNTED, FILED, KEYS, filings, hashed_keys
from linkage_rl.candidates.mapping import forget
from linkage_rl.candidates.narrow import END, three_bytes
from linkage_rl.candidates.sites import Sites, with_inherited
from linkage_rl.candidates.strings import GrowingStrings, GrowingTexts, StringColumn, TextColumn
from linkage_rl.records import FIELDS, CanonicalBatch, CompanyRows
from linkage_rl.tables.closing import is_closed
from linkage_rl.text.canonical import canonicalise

_CHUNK: Final = 50_000
"""Rows or documents that are treated together while they are Python texts, or pages of a file."""
_NONE: Final = np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True)
class KeyIndex:
    """Rows sorted by the hash of their key, then by row; rows without the key are left out."""

    keys: NDArray[np.uint64]
    rows: NDArray[np.int32]

    @classmethod
    def build(cls, hashes: NDArray[np.uint64], rows: NDArray[np.int32] | None = None) -> "KeyIndex":
        """Sort the rows that have a key.

        Args:
            hashes: Hash of each key, 0 for none, shape (F,).
            rows: Row of each key, ascending, shape (F,); None for one key per row.
        """
        return cls(*_sorting.sort_keys(hashes, rows))

    def kept_in(self, folder: Path | None) -> "KeyIndex":
        """The same in files of the folder if one is given."""
        return KeyIndex(kept_in(folder, self.keys), kept_in(folder, self.rows))


@dataclass(frozen=True)
class Segment:
    """n rows over M documents with everything that retrieval and features read."""

    rows: NDArray[np.void]
    """`encode.ROW`, shape (n,)."""
    ids: StringColumn
    documents: Documents
    document_row_ends: NDArray[np.uint32]
    """Rows of document m are document_rows[document_row_ends[m]:document_row_ends[m + 1]]."""
    document_rows: NDArray[np.int32]
    """A company with several sites of one name is listed once."""
    document_norms: NDArray[np.float32]
    gram_starts: NDArray[np.uint32]
    """Documents of n-gram bucket g are postings[gram_starts[g]:gram_starts[g + 1]]."""
    postings: NDArray[np.uint8] | NDArray[np.int32]
    """As `narrow` has them where there are no more documents than fit."""
    counts: NDArray[np.uint16]
    """Companies of the segment that share each of `COUNTED` with this row, shape (n, C)."""
    keys: dict[str, KeyIndex]
    """Key name to its index: every key of `KEYS` and `COUNTED`, and `company_id`."""
    idf: NDArray[np.float32]
    """Weight of each n-gram bucket, the same in all segments of an index; shape (GRAM_BUCKETS,)."""
    snapshot: dict[str, TextColumn]
    """Raw fields of the rows as they were in the table; fields that no row has are left out. The
    column `further_rows.FURTHER` tells rows of the table from those that were added."""

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def sites(self) -> Sites:
        """Which rows belong to one company."""
        ids = self.keys["company_id"]
        found = Sites.of(ids.keys, ids.rows, len(self))
        forget(ids.keys, ids.rows)
        return found

    @cached_property
    def searchable(self) -> _propose.Searchable:
        """The arrays as the kernels of `_propose` take them."""
        return _propose.Searchable(
            self.rows,
            self.documents.gram_offsets,
            self.documents.grams,
            self.idf,
            self.gram_starts,
            self.postings,
            self.document_norms,
            self.document_row_ends,
            self.document_rows,
            self.keys["former_name"].keys,
            self.keys["former_name"].rows,
            self.sites.heads,
            self.sites.begins,
            self.sites.rows,
        )

    @cached_property
    def of_table(self) -> NDArray[np.bool_]:
        """Whether each row is one of the table, and not added for a further value; shape (n,)."""
        column = self.snapshot.get(FURTHER)
        if column is None:
            return np.ones(len(self), dtype=np.bool_)
        own: NDArray[np.bool_] = column.lengths() == 0
        return own

    @cached_property
    def is_trade_name(self) -> NDArray[np.bool_]:
        """Whether each row was added for a trade name, shape (n,)."""
        column = self.snapshot.get(FURTHER)
        if column is None:
            return np.zeros(len(self), dtype=np.bool_)
        # every other entry of the column is shorter
        trade: NDArray[np.bool_] = column.lengths() == len(TRADE_NAME)
        return trade

    def with_weights(self, idf: NDArray[np.float32], norms: NDArray[np.float32]) -> "Segment":
        """The same rows and documents with other weights and norms; what was derived is kept."""
        segment = replace(self, idf=idf, document_norms=norms)
        for name in ("sites", "of_table", "is_trade_name"):
            if name in vars(self):
                vars(segment)[name] = vars(self)[name]
        return segment

    def raw(self, name: str, rows: NDArray[np.integer]) -> list[str]:
        """A raw field of these rows, '' where missing."""
        column = self.snapshot.get(name)
        return [""] * len(rows) if column is None else column.take(rows)


class SegmentBuilder:
    """Collects chunks of company rows, then builds a segment of them."""

    def __init__(self, folder: Path | None = None) -> None:
        """No rows yet.

        Args:
            folder: Where arrays lie that grow long, as `GrowingArray` has it; None for memory.
        """
        self._folder = folder
        self._rows = self._growing(ROW)
        self._ids = GrowingStrings(folder)
        # the company ids first: they say which rows are sites of one company
        names = [name for name in ("company_id", *{**KEYS, **COUNTED}) if name not in FILED]
        self._keys = {name: self._growing(np.uint64) for name in names}
        # hashes of each key of `FILED`, and the row of each
        self._filed = {name: (self._growing(np.uint64), self._growing(np.int32)) for name in FILED}
        self._document_keys = self._growing(np.uint64)
        self._texts = {name: GrowingStrings(folder) for name in FIELDS_SEARCHED}
        self._text_keys = self._growing(np.uint64)
        self._snapshot = {name: GrowingTexts(folder) for name in (*FIELDS, FURTHER)}

    def _growing(self, dtype: DTypeLike) -> GrowingArray:
        return GrowingArray(dtype, self._folder)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, companies: CompanyRows) -> None:
        """Add the open companies of a chunk; closed ones are skipped."""
        # most texts are '', which need no look at the calendar
        is_open = [
            row for row, text in enumerate(companies.closed_at) if not (text and is_closed(text))
        ]
        records = companies.records
        if len(is_open) < len(records):
            records = records.take(is_open)
        if len(records) == 0:
            return
        compared, records, further = with_further_rows(records)
        canonical = canonicalise(with_inherited(compared))
        for name, (hashes, own) in filings(canonical).items():
            self._filed[name][0].append(hashes)
            self._filed[name][1].append(own + np.int32(len(self)))
        self._rows.append(encode_rows(canonical))
        self._ids.append(StringColumn.from_texts(records.ids))
        self._keys["company_id"].append(hash_texts(records.ids))
        keys = hashed_keys(canonical)
        for name in self._keys.keys() & keys.keys():
            self._keys[name].append(keys[name][0])
        self._add_documents(canonical)
        for name in FIELDS:
            self._snapshot[name].append(records.column(name))
        self._snapshot[FURTHER].append(further or [""] * len(records))

    def _add_documents(self, canonical: CanonicalBatch) -> None:
        keys = document_keys(canonical)
        distinct, first = np.unique(keys, return_index=True)
        self._document_keys.append(keys)
        self._text_keys.append(distinct)
        for name in FIELDS_SEARCHED:
            texts: list[str] = getattr(canonical, name)
            self._texts[name].append(StringColumn.from_texts([texts[row] for row in first]))

    def build(self, base: Segment | None = None) -> Segment:
        """The segment of all rows added; the builder cannot be used again.

        Args:
            base: The base segment, if this is one of changes; its idf is used.
        """
        rows = self._rows.array()
        documents, doc, order = self._documents()
        for begin in range(0, len(rows), _CHUNK):
            some = slice(begin, begin + _CHUNK)
            rows["doc"][some] = doc[some]
            forget(rows[some])
        keys, counts, sites = self._sorted_keys(len(rows))
        if sites:
            order = order[~sites.repeats(doc[order].astype(np.uint64), order)]
        row_ends = np.zeros(len(documents) + 1, dtype=np.uint32)
        row_ends[1:] = np.cumsum(np.bincount(doc[order], minlength=len(documents)))
        del doc
        starts, postings = _grams.invert(documents.gram_offsets, documents.grams, GRAM_BUCKETS)
        forget(documents.gram_offsets, documents.grams)
        if base is None:
            idf = inverse_document_frequency(np.diff(starts), len(documents))
        else:
            idf = base.idf
        norms = _grams.document_norms(documents.gram_offsets, documents.grams, idf)
        forget(documents.gram_offsets, documents.grams)
        return Segment(
            rows,
            self._ids.column(),
            documents,
            row_ends,
            order,
            norms,
            starts,
            kept_in(self._folder, postings),
            counts,
            keys,
            idf,
            {
                name: column
                for name, texts in self._snapshot.items()
                if (column := texts.column()).has_text
            },
        )

    def _sorted_keys(self, count: int) -> tuple[dict[str, KeyIndex], NDArray[np.uint16], Sites]:
        """Every key, how many companies share those that are counted, and the sites."""
        counts = np.zeros((count, len(COUNTED)), dtype=np.uint16)
        keys: dict[str, KeyIndex] = {}
        sites = Sites.of(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int32), count)
        # popped one by one, so that hashes and sorted keys are never all in memory
        for name in [*self._keys, *self._filed]:
            if name in self._filed:
                hashes, own = self._filed.pop(name)
                index = _filed_once(hashes.array(), own.array(), sites)
            else:
                index = KeyIndex.build(self._keys.pop(name).array())
            if name == "company_id":
                sites = Sites.of(index.keys, index.rows, count)
            if name in COUNTED:
                repeats = sites.repeats(index.keys, index.rows) if sites else _NONE
                place = [*COUNTED].index(name)
                _sorting.count_sharing(index.keys, index.rows, repeats, counts[:, place])
            keys[name] = index.kept_in(self._folder)
        return keys, counts, sites

    def _documents(self) -> tuple[Documents, NDArray[np.int32], NDArray[np.int32]]:
        """The documents, each distinct name once, the document of every row, and rows by it."""
        numbered = _sorting.sort_keys(self._document_keys.array(), keep_zero=True)
        doc, _ = _sorting.number_runs(*numbered, len(self))
        places = _sorting.sort_keys(self._text_keys.array(), keep_zero=True)
        _, first = _sorting.number_runs(*places, len(self._text_keys))
        core, kana, latin = (
            self._texts.pop(name).column().select(first).kept_in(self._folder)
            for name in FIELDS_SEARCHED
        )
        offsets, grams = self._growing(np.uint32), self._growing(np.uint8)
        offsets.append(np.zeros(1, dtype=np.uint32))
        for begin in range(0, len(first), _CHUNK):
            part = np.arange(begin, min(begin + _CHUNK, len(first)))
            ends, buckets = gram_lists(core.take(part), kana.take(part), latin.take(part))
            offsets.append(checked_offsets(len(grams) // 3 + ends[1:].astype(np.int64)))
            grams.append(three_bytes(buckets))
        grams.append(END)
        return Documents(core, kana, latin, offsets.array(), grams.array()), doc, numbered[1]


def _filed_once(hashes: NDArray[np.uint64], rows: NDArray[np.int32], sites: Sites) -> KeyIndex:
    """Keys filed under the head row of each company, once per company."""
    if not sites:
        return KeyIndex.build(hashes, rows)
    heads = sites.head_of(rows)
    order = np.argsort(heads, kind="stable")
    index = KeyIndex.build(hashes[order], heads[order].astype(np.int32))
    kept = ~sites.repeats(index.keys, index.rows)
    return KeyIndex(index.keys[kept], index.rows[kept])


def inverse_document_frequency(
    frequency: NDArray[np.integer], documents: int
) -> NDArray[np.float32]:
    """log((M + 1) / (df + 1)), at least 0.1, of every n-gram bucket; shape (GRAM_BUCKETS,).

    df is the number of the M documents that contain the n-gram. The smoothed form of Spärck Jones
    (1972).

    Args:
        frequency: df of each bucket, shape (GRAM_BUCKETS,).
        documents: M.
    """
    # most buckets are empty or rare, so a logarithm per frequency is ten times faster
    frequencies = np.arange(int(frequency.max()) + 1)
    idf = np.maximum(np.log((documents + 1) / (frequencies + 1)), 0.1).astype(np.float32)
    weights: NDArray[np.float32] = idf[frequency]
    return weights


def build_segment(
    chunks: Iterable[CompanyRows], base: Segment | None = None, folder: Path | None = None
) -> Segment:
    """The segment of all open companies in these chunks; arguments as for `SegmentBuilder`."""
    builder = SegmentBuilder(folder)
    for chunk in chunks:
        builder.add(chunk)
    return builder.build(base)
