"""Canonical texts as numbers of fixed width: what kernels compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _pack, _text
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.records import CanonicalBatch

ROW: Final = np.dtype(
    [
        ("name", "<u4"),
        ("written", "<u4"),
        ("core", "<u4"),
        ("stem", "<u4"),
        ("kana", "<u4"),
        ("reading", "<u4"),
        ("doc", "<i4"),
        ("postal", "<i4"),
        ("city", "<u4"),
        ("town", "<u4"),
        ("building", "<u4"),
        ("phone", "<u4"),
        ("domain", "<u4"),
        ("page", "<u4"),
        ("corporate", "<u4"),
        ("block", "<u2", (3,)),
        ("office", "<u2"),
        ("prefecture", "i1"),
        ("form", "i1"),
        ("side", "i1"),
        ("phone_area", "i1"),
    ]
)
"""A record in 72 bytes. Texts are hashes, 0 where missing; `doc` is the number of its document, see
`Documents`; `office` is the registry office in the corporate number (digits 2-5), 0 if unknown."""

GRAM_BUCKETS: Final = 1 << 21
"""N-grams are hashed into this many buckets, so that there is no vocabulary to keep up to date."""
FIELDS_SEARCHED: Final = ("core", "kana", "latin")
"""Fields of a document, in the order of its n-gram lists."""
_SALT: Final = 20_261_123


def hash_columns(columns: Sequence[Sequence[str]], salt: int = 0) -> NDArray[np.uint64]:
    """64-bit hashes, equal on every machine; 0 for the empty text only. Shape (columns, N)."""
    return _text.hash_columns(columns, _SALT + salt)


def hash_texts(texts: Sequence[str], salt: int = 0) -> NDArray[np.uint64]:
    """`hash_columns` of one column, shape (N,)."""
    hashes: NDArray[np.uint64] = hash_columns((texts,), salt)[0]
    return hashes


def short_hashes(texts: Sequence[str]) -> NDArray[np.uint32]:
    """32-bit hashes, equal on every machine; 0 for the empty text only. Shape (N,)."""
    return shortened(hash_texts(texts))


def shortened(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The upper half of 64-bit hashes, 0 for 0 only; same shape."""
    upper = (hashes >> np.uint64(32)).astype(np.uint32)
    return np.where(hashes != 0, np.maximum(upper, 1), 0).astype(np.uint32)


class DocumentTexts(NamedTuple):
    """What makes n documents: a field each."""

    core: Sequence[str]
    kana: Sequence[str]
    latin: Sequence[str]


@dataclass(frozen=True)
class Documents:
    """M documents in the order of `document_keys`; each is a core, kana and Latin name of records.

    Their n-grams are runs of two or three characters: 'abc' has '^ab', 'abc', 'bc$' (^ and $ mark
    the edges), '五洋' has '^五', '五洋', '洋$'. Each n-gram is a number, its bucket.
    """

    core: StringColumn
    kana: StringColumn
    latin: StringColumn
    gram_offsets: NDArray[np.uint32]
    """Field f of document m has grams[gram_offsets[3 m + f]:gram_offsets[3 m + f + 1]]; shape
    (3 M + 1,)."""
    grams: NDArray[np.uint8]
    """Buckets, ascending and distinct within a field, as `narrow` has them."""

    def __len__(self) -> int:
        return len(self.core)

    def texts(self, chosen: NDArray[np.int64]) -> DocumentTexts:
        """The fields of these documents."""
        columns = (self.core, self.kana, self.latin)
        return DocumentTexts(*(column.take(chosen) for column in columns))


@dataclass(frozen=True)
class EncodedBatch:
    """N records as kernels read them."""

    rows: NDArray[np.void]
    """Structured array of `ROW`, shape (N,)."""
    gram_offsets: NDArray[np.uint32]
    """As those of `Documents`, every record being a document of its own; shape (3 N + 1,)."""
    grams: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)


def gram_lists(
    core: Sequence[str], kana: Sequence[str], latin: Sequence[str]
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Offsets and n-grams of M documents, as `Documents` has them."""
    return _text.gram_lists((core, kana, latin), GRAM_BUCKETS - 1)


def encode_rows(records: CanonicalBatch) -> NDArray[np.void]:
    """The fixed-width part of N canonical records, each a document of its own; shape (N,)."""
    return _pack.pack_rows(
        records.name,
        records.written,
        records.core,
        records.stem,
        records.kana,
        records.reading,
        records.city,
        records.town,
        records.building,
        records.phone,
        records.domain,
        records.page,
        records.corporate_number,
        records.postal_code,
        records.block,
        records.prefecture,
        records.legal_form,
        records.legal_side,
        _SALT,
    ).view(ROW)


def document_keys(records: CanonicalBatch | DocumentTexts) -> NDArray[np.uint64]:
    """One hash per record over all fields of its document; shape (N,)."""
    parts = [
        hash_texts(getattr(records, field), 1 + place)
        for place, field in enumerate(FIELDS_SEARCHED)
    ]
    mixed = parts[0]
    for part in parts[1:]:
        mixed = (mixed ^ part) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def encode(records: CanonicalBatch) -> EncodedBatch:
    """N records, each with a document of its own, as clients are looked up."""
    grams = gram_lists(records.core, records.kana, records.latin)
    return EncodedBatch(encode_rows(records), *grams)
