# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over Python texts: stable hashes, n-gram buckets, and gathers from a text blob."""

import numpy as np

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport (
    PyUnicode_CopyCharacters,
    PyUnicode_DATA,
    PyUnicode_DecodeUTF8,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_New,
    PyUnicode_READ,
    PyUnicode_WRITE,
)
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from linkage_rl.candidates._hashes cimport hash_text, mix

cdef extern from "Python.h":
    Py_UCS4 PyUnicode_MAX_CHAR_VALUE(str text)

cdef uint32_t _EDGE = 1
"""Marks the place before the first and after the last character of a text."""


cdef _refuse_lengths(columns):
    raise ValueError(
        f"expected {len(columns[0])} texts in each column, got {[*map(len, columns)]}"
    )


def hash_columns(columns, uint64_t salt):
    """64-bit hashes of columns of N texts each, 0 for the empty text; shape (columns, N).

    Raises:
        TypeError: A text is missing.
        ValueError: A column has another number of texts than the first.
    """
    cdef Py_ssize_t c, i, n = len(columns[0])
    hashes = np.empty((len(columns), n), dtype=np.uint64)
    cdef uint64_t[:, ::1] out = hashes
    for c in range(out.shape[0]):
        texts = columns[c]
        if len(texts) != n:
            _refuse_lengths(columns)
        for i in range(n):
            out[c, i] = hash_text(<str?>texts[i], salt)
    return hashes


def joined(tuple columns not None, tuple needed not None):
    """N texts, each made of those of F columns with '|' between them.

    '' where one of the columns `needed`, given by their positions, has none.
    """
    cdef Py_ssize_t n = len(columns[0]), fields = len(columns), i, f, length, at
    cdef Py_UCS4 largest
    cdef str text, out
    cdef bint present
    for column in columns:
        if len(column) != n:
            _refuse_lengths(columns)
    texts = []
    for i in range(n):
        present = True
        for f in needed:
            if PyUnicode_GET_LENGTH(<str?>columns[f][i]) == 0:
                present = False
        if not present:
            texts.append("")
            continue
        length = fields - 1
        largest = u"|"
        for f in range(fields):
            text = <str?>columns[f][i]
            length += PyUnicode_GET_LENGTH(text)
            largest = max(largest, PyUnicode_MAX_CHAR_VALUE(text))
        out = PyUnicode_New(length, largest)
        at = 0
        for f in range(fields):
            if f:
                PyUnicode_WRITE(PyUnicode_KIND(out), PyUnicode_DATA(out), at, u"|")
                at += 1
            text = columns[f][i]
            at += PyUnicode_CopyCharacters(out, at, text, 0, PyUnicode_GET_LENGTH(text))
        texts.append(out)
    return texts


cdef inline bint _alphabetic(uint32_t char) noexcept nogil:
    return char < 0x3400


cdef inline int32_t _bucket(
    uint64_t field, uint32_t a, uint32_t b, uint32_t c, uint32_t mask
) noexcept nogil:
    return <int32_t>(mix((field << 60) ^ (<uint64_t>a << 40) ^ (<uint64_t>b << 20) ^ c) & mask)


cdef Py_ssize_t _append_grams(
    str text, uint64_t field, uint32_t mask, int32_t[::1] out, Py_ssize_t begin
):
    """Write the sorted distinct buckets of a text from `begin` on; returns where they end."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text), j, k, m, at = begin
    cdef int kind = PyUnicode_KIND(text)
    cdef void* chars = PyUnicode_DATA(text)
    cdef uint32_t a = _EDGE, b, c
    cdef int32_t bucket
    if length == 0:
        return at
    for j in range(length + 1):
        b = PyUnicode_READ(kind, chars, j) if j < length else _EDGE
        if _alphabetic(a) and _alphabetic(b):
            if j >= length:
                break
            c = PyUnicode_READ(kind, chars, j + 1) if j + 1 < length else _EDGE
            bucket = _bucket(field, a, b, c, mask)
        else:
            bucket = _bucket(field, a, b, 0, mask)
        # Insertion keeps the short list sorted and distinct.
        k = at
        while k > begin and out[k - 1] > bucket:
            k -= 1
        if k == begin or out[k - 1] != bucket:
            for m in range(at, k, -1):
                out[m] = out[m - 1]
            out[k] = bucket
            at += 1
        a = b
    return at


def gram_lists(columns, uint32_t mask):
    """Offsets (F N + 1,) and sorted distinct buckets of the n-grams of N texts in F columns.

    The lists come text by text, and within a text column by column. A pair of characters with an
    ideograph is an n-gram; a pair without one (kana, Latin) says too little, so its n-gram has a
    third character.

    Raises:
        TypeError: A text is missing.
        ValueError: A column has another number of texts than the first.
    """
    cdef Py_ssize_t fields = len(columns), n = len(columns[0]), i, f, at = 0, total = 0
    for column in columns:
        if len(column) != n:
            _refuse_lengths(columns)
        for text in column:
            total += PyUnicode_GET_LENGTH(<str?>text) + 1
    buckets = np.empty(total, dtype=np.int32)
    offsets = np.zeros(fields * n + 1, dtype=np.uint32)
    cdef int32_t[::1] out = buckets
    cdef uint32_t[::1] ends = offsets
    for i in range(n):
        for f in range(fields):
            at = _append_grams(columns[f][i], f, mask, out, at)
            ends[fields * i + f + 1] = at
    return offsets, buckets[:at].copy()


def gather_texts(const uint32_t[::1] offsets, const uint8_t[::1] blob, const int64_t[::1] rows):
    """The texts of these rows; IndexError for rows that there are not."""
    cdef Py_ssize_t i
    cdef int64_t row, begin, length
    texts = []
    for i in range(rows.shape[0]):
        row = rows[i]
        if row < 0 or row >= offsets.shape[0] - 1:
            raise IndexError(f"row {row} of a column of {offsets.shape[0] - 1} texts")
        begin = offsets[row]
        length = <int64_t>offsets[row + 1] - begin
        if length < 0 or begin > blob.shape[0] or length > blob.shape[0] - begin:
            raise IndexError(f"text {row} lies outside of its column")
        text = PyUnicode_DecodeUTF8(<const char*>&blob[begin], length, NULL) if length else ""
        texts.append(text)
    return texts


def gather_bytes(const uint32_t[::1] offsets, const uint8_t[::1] blob, const int64_t[::1] rows):
    """The texts of these rows, joined by newlines, as one bytes object; IndexError for others."""
    cdef Py_ssize_t n = rows.shape[0], i
    cdef int64_t size = 0, begin, length
    for i in range(n):
        if rows[i] < 0 or rows[i] >= offsets.shape[0] - 1:
            raise IndexError(f"row {rows[i]} of a column of {offsets.shape[0] - 1} texts")
        begin = offsets[rows[i]]
        length = <int64_t>offsets[rows[i] + 1] - begin
        if length < 0 or begin > blob.shape[0] or length > blob.shape[0] - begin:
            raise IndexError(f"text {rows[i]} lies outside of its column")
        size += length + 1
    if size == 0:
        return b""
    out = PyBytes_FromStringAndSize(NULL, size - 1)
    cdef char* target = PyBytes_AS_STRING(out)
    cdef int64_t at = 0
    for i in range(n):
        begin = offsets[rows[i]]
        length = <int64_t>offsets[rows[i] + 1] - begin
        if length:
            memcpy(target + at, &blob[begin], length)
        at += length
        if i + 1 < n:
            target[at] = 10
            at += 1
    return out


cdef uint8_t _misplaced(const uint8_t* blob, Py_ssize_t size) noexcept nogil:
    """Above 0 where a byte from the fourth on may not follow those before it in UTF-8.

    Table 3-7 of the Unicode standard without a branch, so that the compiler makes it 16 bytes wide.
    """
    cdef Py_ssize_t i
    cdef uint8_t bad = 0, at, before
    for i in range(3, size):
        at = blob[i]
        before = blob[i - 1]
        bad |= ((at & 0xC0) == 0x80) ^ (
            (before >= 0xC0) | (blob[i - 2] >= 0xE0) | (blob[i - 3] >= 0xF0)
        )
        bad |= ((at & 0xFE) == 0xC0) | (at > 0xF4)
        bad |= ((before == 0xE0) & (at < 0xA0)) | ((before == 0xED) & (at > 0x9F))
        bad |= ((before == 0xF0) & (at < 0x90)) | ((before == 0xF4) & (at > 0x8F))
    return bad


def are_texts(const uint32_t[::1] offsets, const uint8_t[::1] blob):
    """Whether offsets rise from 0 to the end of a blob of UTF-8, each to the start of a character.

    Trusts neither array: every offset is compared with the size of the blob before it is followed.
    """
    cdef Py_ssize_t i, size = blob.shape[0], count = offsets.shape[0], edge = min(size, 3)
    cdef int64_t at, before = 0
    cdef bint rises = True
    # no byte precedes the first one, and none follows the last one
    cdef uint8_t first[6]
    cdef uint8_t last[6]
    if count == 0 or offsets[0] != 0 or offsets[count - 1] != size:
        return False
    for i in range(6):
        first[i] = 0
        last[i] = 0
    for i in range(edge):
        first[3 + i] = blob[i]
        last[2 - i] = blob[size - 1 - i]
    if _misplaced(first, 3 + edge) or _misplaced(last, 6):
        return False
    with nogil:
        for i in range(1, count):
            at = offsets[i]
            if at < before or at > size or (at < size and (blob[at] & 0xC0) == 0x80):
                rises = False
                break
            before = at
        if rises and size:
            rises = not _misplaced(&blob[0], size)
    return bool(rises)
