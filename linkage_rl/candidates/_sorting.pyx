# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels of the index build: sorting rows by the hash of their key, numbering and counting runs.

Sorting is by digits, the lowest first (Knuth, The Art of Computer Programming 3, 5.2.5): it is
stable, and takes the same time whatever the hashes are.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

DEF BITS = 11
DEF DIGITS = 1 << BITS
DEF PASSES = 6


def sort_keys(const uint64_t[:] hashes, const int32_t[:] rows=None, bint keep_zero=False):
    """Hashes in ascending order with the row of each; of equal ones, the first comes first.

    Args:
        hashes: F hashes.
        rows: Row of each hash; None for the place of the hash itself.
        keep_zero: Whether hashes that are 0 are kept; they stand for rows without the key.

    Raises:
        ValueError: There are not as many rows as hashes.
    """
    cdef Py_ssize_t i, n = hashes.shape[0], size = 0
    cdef int p, shift
    cdef int64_t at, begin, place
    cdef uint64_t value
    if rows is not None and rows.shape[0] != n:
        raise ValueError(f"expected the rows of {n} hashes, got {rows.shape[0]}")
    for i in range(n):
        size += keep_zero or hashes[i] != 0
    keys, others = np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.uint64)
    filed, further = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    starts = np.zeros((PASSES, DIGITS), dtype=np.int64)
    cdef int64_t[:, ::1] counts = starts
    cdef uint64_t[::1] from_keys = keys, to_keys = others, keys_between
    cdef int32_t[::1] from_rows = filed, to_rows = further, rows_between
    with nogil:
        size = 0
        for i in range(n):
            value = hashes[i]
            if value == 0 and not keep_zero:
                continue
            from_keys[size] = value
            from_rows[size] = <int32_t>i if rows is None else rows[i]
            size += 1
            for p in range(PASSES):
                counts[p, (value >> (p * BITS)) & (DIGITS - 1)] += 1
        for p in range(PASSES):
            begin = 0
            for i in range(DIGITS):
                at = counts[p, i]
                counts[p, i] = begin
                begin += at
            shift = p * BITS
            for i in range(size):
                value = from_keys[i]
                place = counts[p, (value >> shift) & (DIGITS - 1)]
                counts[p, (value >> shift) & (DIGITS - 1)] = place + 1
                to_keys[place] = value
                to_rows[place] = from_rows[i]
            keys_between = from_keys
            from_keys = to_keys
            to_keys = keys_between
            rows_between = from_rows
            from_rows = to_rows
            to_rows = rows_between
    # the number of passes is even, so that they end where they began
    return keys, filed


def number_runs(const uint64_t[::1] keys, const int32_t[::1] rows, int count):
    """Which of the distinct keys each row has, in ascending order of the keys.

    Args:
        keys: One key of each of N rows, ascending.
        rows: Row of each key.
        count: Number N of rows.

    Returns:
        Number of the key of each row, shape (N,); the first row of each distinct key, shape (M,).
    """
    cdef Py_ssize_t i, n = keys.shape[0]
    cdef int32_t number = -1
    numbers = np.zeros(count, dtype=np.int32)
    first = np.empty(n, dtype=np.int32)
    cdef int32_t[::1] out = numbers, out_first = first
    with nogil:
        for i in range(n):
            if i == 0 or keys[i] != keys[i - 1]:
                number += 1
                out_first[number] = rows[i]
            out[rows[i]] = number
    return numbers, first[:number + 1].copy()


def count_sharing(
    const uint64_t[::1] keys, const int32_t[::1] rows, const uint8_t[::1] repeats,
    uint16_t[:] counts,
):
    """Write into `counts` of each row how many entries have its key, at most 65,535.

    Args:
        keys: Keys, ascending.
        rows: Row of each key.
        repeats: 1 for entries that do not count; empty where all do.
        counts: Of every row, shape (N,); that of rows without a key is left as it is.
    """
    cdef Py_ssize_t i, j, n = keys.shape[0]
    cdef int64_t size
    cdef uint16_t shown
    cdef bint all_count = repeats.shape[0] == 0
    with nogil:
        i = 0
        while i < n:
            j = i
            size = 0
            while j < n and keys[j] == keys[i]:
                size += all_count or not repeats[j]
                j += 1
            shown = <uint16_t>min(size, 65535)
            while i < j:
                counts[rows[i]] = shown
                i += 1
