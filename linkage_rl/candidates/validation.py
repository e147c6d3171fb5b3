"""Checks every array of an index that was read from disk, before a kernel or a query touches it.

Kernels walk the arrays without bounds checks, and a file is data from outside: its checksum says
that it is as its writer left it, not that its writer was honest. All checks read an array once and
in pieces that fit the cache, several arrays at a time, so that millions of rows take a fraction of
a second. The pages of a mapped array are given back after its check, or all of the file would count
as memory.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from linkage_rl.candidates import _grams, _text
from linkage_rl.candidates.container import shown_kind
from linkage_rl.candidates.encode import GRAM_BUCKETS, ROW
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED, KEYS
from linkage_rl.candidates.mapping import forget
from linkage_rl.candidates.narrow import LIMIT
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import KeyIndex, Segment
from linkage_rl.candidates.strings import StringColumn, TextColumn
from linkage_rl.text.legal_forms import KIND_OF_FORM
from linkage_rl.text.municipalities import PREFECTURES
from linkage_rl.threads import spread

ALWAYS_HELD: Final = (*COUNTED, "former_name", "company_id")
"""Keys that linking reads whatever blockers are in use."""
MAX_ROWS: Final = 2**31 - 1
"""Rows of an index: kernels number them by 32 bits."""
_MAX_WEIGHT: Final = 100.0
"""Above every idf: the logarithm of `MAX_ROWS` is 22."""
_MAX_NORM: Final = 1e9
"""Above that of a name with as many n-grams as there can be."""
_PIECE: Final = 1 << 15
"""Elements of an array that are looked at together."""


_Check = Callable[[], None]
"""Looks at one or two arrays; raises `_Fault`. None of them relies on what another one checks."""


class _Fault(Exception):
    """What is wrong with an array: the middle of a sentence."""


def find_fault(index: CompanyIndex, keys: Collection[str] | None = None) -> str:
    """What is wrong with a loaded index, as the middle of a sentence; '' where nothing is.

    Args:
        index: An index over arrays as they were read.
        keys: Keys that will be searched, by name; None for every one of `keys.KEYS`.
    """
    needed = {*(KEYS if keys is None else keys), *ALWAYS_HELD}
    try:
        checks: list[_Check] = [*_checks_of_parts(index, needed)]
        checks += [partial(_check_offices, index), partial(_check_known, index)]
        for _ in spread(_run, checks):
            pass
    except _Fault as fault:
        return str(fault)
    return ""


def _run(check: _Check) -> None:
    check()


def _check_offices(index: CompanyIndex) -> None:
    offices = index.offices
    entries = _vector("offices.keys", offices.keys, np.uint64)
    _require(_rises(offices.keys), "offices.keys must ascend")
    _vector("offices.shares", offices.shares, np.float32, entries)
    _require(_lies(offices.shares, 0, 1), "offices.shares must lie in [0, 1]")


def _checks_of_parts(index: CompanyIndex, needed: Collection[str]) -> Iterator[_Check]:
    _require(1 <= len(index.parts) <= 2, f"expected one or two segments, got {len(index.parts)}")
    first_row = 0
    for place, part in enumerate(index.parts):
        prefix = "changes." if place else ""
        yield from _checks_of_segment(prefix, part.segment, needed)
        yield partial(_check_part, prefix, part)
        _require(part.first_row == first_row, f"{prefix}rows begin at another row")
        first_row += len(part.segment)
    _require(first_row <= MAX_ROWS, f"expected at most {MAX_ROWS} rows, got {first_row}")


def _check_part(prefix: str, part: Part) -> None:
    rows = len(part.segment)
    _vector(f"{prefix}alive", part.alive, np.uint8, rows)
    _within(f"{prefix}alive", part.alive, 2)
    _array(f"{prefix}counts", part.counts, np.uint16, (rows, len(COUNTED)))


def _checks_of_segment(prefix: str, segment: Segment, needed: Collection[str]) -> Iterator[_Check]:
    """Looks at the lengths, and gives the checks of what the arrays hold."""
    rows = _vector(f"{prefix}rows", segment.rows, ROW)
    _require(rows <= MAX_ROWS, f"expected at most {MAX_ROWS} rows, got {rows}")
    core = segment.documents.core
    documents = _vector(f"{prefix}documents.core.offsets", core.offsets, np.uint32) - 1
    missing = sorted(set(needed) - segment.keys.keys())
    _require(not missing, f"it lacks the arrays of the keys {missing}")
    yield from _checks_of_documents(prefix, segment, documents)
    yield partial(_check_rows, prefix, segment.rows, documents)
    yield partial(_check_strings, f"{prefix}ids", segment.ids, rows)
    yield partial(_check_document_rows, prefix, segment, rows, documents)
    for name, held in segment.keys.items():
        check = _check_company_ids if name == "company_id" else _check_key
        yield partial(check, f"{prefix}keys.{name}", held, rows)
    for name, column in segment.snapshot.items():
        yield partial(_check_texts, f"{prefix}snapshot.{name}", column, rows)


def _check_document_rows(prefix: str, segment: Segment, rows: int, documents: int) -> None:
    _ends(f"{prefix}document_row_ends", segment.document_row_ends, documents + 1)
    size = _vector(f"{prefix}document_rows", segment.document_rows, np.int32)
    _require(
        size == segment.document_row_ends[-1],
        f"{prefix}document_rows end elsewhere than their ends",
    )
    _within(f"{prefix}document_rows", segment.document_rows, rows)
    _array(f"{prefix}counts", segment.counts, np.uint16, (rows, len(COUNTED)))
    forget(segment.document_rows, segment.counts)


def _check_rows(prefix: str, rows: NDArray[np.void], documents: int) -> None:
    """The fields by which other arrays are read."""
    limits = {"doc": documents, "form": len(KIND_OF_FORM), "prefecture": 1 + len(PREFECTURES)}
    for name, limit in limits.items():
        if len(rows):
            column = rows[name]
            low, high = int(column.min()), int(column.max())
            _require(
                low >= 0 and high < limit,
                f"{prefix}rows.{name} must lie in 0..{limit - 1}, got {low}..{high}",
            )
    forget(rows)


def _checks_of_documents(prefix: str, segment: Segment, count: int) -> Iterator[_Check]:
    """Checks of the distinct names with their n-grams and the inverted index."""
    held = segment.documents
    for name in ("core", "kana", "latin"):
        yield partial(_check_strings, f"{prefix}documents.{name}", getattr(held, name), count)
    ends = held.gram_offsets
    _vector(f"{prefix}documents.gram_offsets", ends, np.uint32, 3 * count + 1)
    grams = int(ends[-1])
    yield partial(_ends, f"{prefix}documents.gram_offsets", ends, 3 * count + 1)
    yield partial(_check_narrow, f"{prefix}documents.grams", held.grams, grams, GRAM_BUCKETS)
    yield partial(_check_weights, prefix, segment, count)
    yield partial(_check_gram_starts, prefix, segment, grams)
    yield partial(_check_postings, f"{prefix}postings", segment.postings, grams, count)


def _check_weights(prefix: str, segment: Segment, documents: int) -> None:
    _vector(f"{prefix}document_norms", segment.document_norms, np.float32, documents)
    _require(
        _lies(segment.document_norms, 1e-7, _MAX_NORM),
        f"{prefix}document_norms must lie in (0, {_MAX_NORM}]",
    )
    _vector(f"{prefix}idf", segment.idf, np.float32, GRAM_BUCKETS)
    _require(_lies(segment.idf, 1e-3, _MAX_WEIGHT), f"{prefix}idf must lie in (0, {_MAX_WEIGHT}]")


def _check_gram_starts(prefix: str, segment: Segment, grams: int) -> None:
    _ends(f"{prefix}gram_starts", segment.gram_starts, GRAM_BUCKETS + 1)
    _require(
        segment.gram_starts[-1] == grams, f"{prefix}gram_starts end elsewhere than the postings"
    )


def _check_postings(name: str, postings: NDArray[Any], size: int, documents: int) -> None:
    if documents <= LIMIT:
        _check_narrow(name, postings, size, documents)
        return
    _vector(name, postings, np.int32, size)
    _within(name, postings, documents)
    forget(postings)


def _check_narrow(name: str, narrow: NDArray[np.uint8], size: int, limit: int) -> None:
    """Numbers of three bytes, and the byte that follows them."""
    _vector(name, narrow, np.uint8, 3 * size + 1)
    _require(_grams.highest(narrow) < limit, f"{name} must lie in 0..{limit - 1}")
    forget(narrow)


def _check_key(name: str, held: KeyIndex, rows: int) -> None:
    size = _vector(f"{name}.keys", held.keys, np.uint64)
    _require(_rises(held.keys), f"{name}.keys must ascend")
    _vector(f"{name}.rows", held.rows, np.int32, size)
    _within(f"{name}.rows", held.rows, rows)
    forget(held.keys, held.rows)


def _check_company_ids(name: str, held: KeyIndex, rows: int) -> None:
    """Every row has one company; the first row of a company stands for it."""
    _check_key(name, held, rows)
    seen = np.zeros(rows, dtype=np.bool_)
    seen[held.rows] = True
    _require(np.count_nonzero(seen) == len(held.rows), f"{name}.rows must name each row once")
    again = held.keys[1:] == held.keys[:-1]
    descends = again & (held.rows[1:] < held.rows[:-1])
    _require(not descends.any(), f"{name}.rows of one company must ascend")
    forget(held.keys, held.rows)


def _check_known(index: CompanyIndex) -> None:
    known = index.known
    texts = (("hashing", known.hashing), ("latest_stamp", index.latest_stamp))
    for name, text in texts:
        _require(isinstance(text, str), f"{name} must be a text, got {type(text).__name__}")
    rows = _vector("known.companies", known.companies, np.uint64)
    _vector("known.hashes", known.hashes, np.uint64, rows)
    pages = _vector("known.ends", known.ends, np.int64)
    last = int(known.ends[-1]) if pages else 0
    rising = _rises(known.ends) and (pages == 0 or known.ends[0] >= 0)
    _require(rising and last == rows, f"known.ends must rise from 0 to {rows}")
    forget(known.companies, known.hashes)
    _check_strings("known.bounds", known.bounds, pages)


def _check_strings(name: str, column: StringColumn, size: int) -> None:
    _vector(f"{name}.offsets", column.offsets, np.uint32, size + 1)
    _vector(f"{name}.blob", column.blob, np.uint8)
    _require(
        _text.are_texts(column.offsets, column.blob),
        f"{name} must hold UTF-8 with offsets that rise from 0 to its end",
    )
    forget(column.offsets, column.blob)


def _check_texts(name: str, column: TextColumn, size: int) -> None:
    if isinstance(column, StringColumn):
        _check_strings(name, column, size)
        return
    kind = np.uint8 if column.codes.dtype == np.uint8 else np.uint16
    _vector(f"{name}.codes", column.codes, kind, size)
    texts = _vector(f"{name}.texts.offsets", column.texts.offsets, np.uint32) - 1
    _check_strings(f"{name}.texts", column.texts, texts)
    _within(f"{name}.codes", column.codes, texts)
    forget(column.codes)


def _vector(name: str, array: NDArray[Any], dtype: DTypeLike, size: int | None = None) -> int:
    """Length of a one-dimensional array, which must have this dtype and size."""
    _array(name, array, dtype, array.shape if size is None else (size,))
    _require(array.ndim == 1, f"{name} must have one dimension, got shape {array.shape}")
    return len(array)


def _array(name: str, array: NDArray[Any], dtype: DTypeLike, shape: tuple[int, ...]) -> None:
    expected, got = np.dtype(dtype), array.dtype
    _require(got == expected, f"{name} must be of type {_kind(expected)}, got {shown_kind(got)}")
    _require(array.shape == shape, f"{name} must have shape {shape}, got {array.shape}")
    _require(array.flags.c_contiguous, f"{name} must be in C order")


def _kind(dtype: np.dtype[Any]) -> str:
    return "packed row" if dtype.fields else str(dtype)


def _ends(name: str, offsets: NDArray[np.uint32], size: int) -> None:
    """Offsets that rise from 0."""
    _vector(name, offsets, np.uint32, size)
    _require(size > 0 and offsets[0] == 0 and _rises(offsets), f"{name} must rise from 0")
    forget(offsets)


def _within(name: str, numbers: NDArray[Any], limit: int) -> None:
    """Numbers from 0 to below the limit; -1 is seen as the largest one, so one look is enough."""
    unsigned = numbers.view(f"u{numbers.itemsize}")
    highest = int(unsigned.max()) if len(unsigned) else -1
    _require(highest < limit, f"{name} must lie in 0..{limit - 1}")


def _lies(values: NDArray[np.float32], low: float, high: float) -> bool:
    """Whether all values lie in [low, high]; NaN does not."""
    return not len(values) or bool(values.min() >= low and values.max() <= high)


def _rises(values: NDArray[Any]) -> bool:
    """Whether no value is below the one before it."""
    return not any((piece[1:] < piece[:-1]).any() for piece in _pieces(values, 1))


def _pieces(values: NDArray[Any], overlap: int = 0) -> Iterator[NDArray[Any]]:
    for begin in range(0, len(values), _PIECE):
        yield values[begin : begin + _PIECE + overlap]


def _require(holds: object, fault: str) -> None:
    if not holds:
        raise _Fault(fault)
