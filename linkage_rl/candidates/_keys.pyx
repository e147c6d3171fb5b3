# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that look keys up: how often a key occurs, who is filed under it, shares of offices."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from linkage_rl.candidates._key_rows cimport KeyRows, find_rows, holds_row
from linkage_rl.candidates._sorted cimport first_place, run_end


DEF MAX_COUNTED = 32


cdef inline int64_t _occurrences(const uint64_t* keys, int64_t size, uint64_t key) noexcept nogil:
    cdef int64_t begin = first_place(keys, size, key)
    return run_end(keys, begin, size, key) - begin


def count_keys(const uint64_t[::1] keys, const uint64_t[:] wanted):
    """How often each wanted key occurs among the ascending keys, shape (N,)."""
    cdef Py_ssize_t i, n = wanted.shape[0]
    counts = np.zeros(n, dtype=np.int64)
    cdef int64_t[::1] out = counts
    with nogil:
        for i in range(n if keys.shape[0] else 0):
            out[i] = _occurrences(&keys[0], keys.shape[0], wanted[i])
    return counts


cdef struct KeyPair:
    # ascending keys, and those of them that do not count
    const uint64_t* keys
    int64_t size
    const uint64_t* uncounted
    int64_t uncounted_size
    # where each key's run ends in the array of all of them; NULL where `keys` is that array
    const int64_t* ends


cdef inline int64_t _run_of(const KeyPair* pair, uint64_t key) noexcept nogil:
    """How often a key occurs among those of an index."""
    cdef int64_t place
    if pair.ends == NULL:
        return _occurrences(pair.keys, pair.size, key)
    place = first_place(pair.keys, pair.size, key)
    if place == pair.size or pair.keys[place] != key:
        return 0
    return pair.ends[place] - (pair.ends[place - 1] if place else 0)


cdef class KeyCounts:
    """Several key indexes of a segment, as their keys are counted for clients."""

    cdef object arrays
    cdef KeyPair pairs[MAX_COUNTED]
    cdef int count

    def __init__(self, arrays):
        """Keep the arrays.

        Args:
            arrays: Of each of at most 32 indexes its keys, ascending, and the keys among them that
                do not count, ascending, too. A third array, where there is one, says that the keys
                are distinct, and where the run of each ends in the array that repeats them.

        Raises:
            ValueError: There are more indexes, or ends of another number of keys.
        """
        cdef const uint64_t[::1] keys, uncounted
        cdef const int64_t[::1] ends
        cdef KeyPair* pair
        if len(arrays) > MAX_COUNTED:
            raise ValueError(f"expected at most {MAX_COUNTED} key indexes, got {len(arrays)}")
        self.arrays = tuple(arrays)
        self.count = 0
        for keys, uncounted, *runs in self.arrays:
            pair = &self.pairs[self.count]
            pair.ends = NULL
            for ends in runs:
                if ends.shape[0] != keys.shape[0]:
                    raise ValueError(f"expected ends of {keys.shape[0]} keys, got {ends.shape[0]}")
                pair.ends = &ends[0] if ends.shape[0] else NULL
            pair.keys = &keys[0] if keys.shape[0] else NULL
            pair.size = keys.shape[0]
            pair.uncounted = &uncounted[0] if uncounted.shape[0] else NULL
            pair.uncounted_size = uncounted.shape[0]
            self.count += 1

    def __reduce__(self):
        return KeyCounts, (self.arrays,)

    def add(self, wanted, int64_t[:, ::1] counts):
        """Add how often each wanted key counts.

        Args:
            wanted: For each of the C indexes N keys, 0 for none.
            counts: Added to, shape (N, C).

        Raises:
            ValueError: Sizes differ; unchecked, it would read and write past an array.
        """
        cdef const uint64_t[:] column
        cdef KeyPair* pair
        cdef Py_ssize_t i, n = counts.shape[0]
        cdef int c
        if not len(wanted) == counts.shape[1] == self.count:
            raise ValueError(
                f"expected keys and counts of {self.count} indexes, got {len(wanted)} and "
                f"{counts.shape[1]}"
            )
        for c in range(self.count):
            column = wanted[c]
            if column.shape[0] != n:
                raise ValueError(f"expected {n} keys of each index, got {column.shape[0]}")
            pair = &self.pairs[c]
            with nogil:
                for i in range(n if pair.size else 0):
                    if column[i]:
                        counts[i, c] += _run_of(pair, column[i])
                        counts[i, c] -= _occurrences(
                            pair.uncounted, pair.uncounted_size, column[i]
                        )


def have_key(
    const uint64_t[:, ::1] client_keys, const uint64_t[::1] keys, const int32_t[::1] key_rows,
    const int64_t[::1] client_of_pair, const int64_t[::1] row_of_pair,
):
    """1 where the company of a pair is filed under a key of its client, else 0; shape (P,).

    Args:
        client_keys: Both alternative keys of each client, 0 for none, shape (2, N).
        keys: Keys under which companies are filed, ascending.
        key_rows: Row of the company of each key; ascending among equal keys.
        client_of_pair: Client of each pair, equal ones side by side, shape (P,).
        row_of_pair: Row of the company of each pair, shape (P,).
    """
    cdef Py_ssize_t i, n = row_of_pair.shape[0]
    found = np.zeros(n, dtype=np.uint8)
    cdef uint8_t[::1] out = found
    cdef KeyRows filed
    if keys.shape[0] == 0:
        return found
    with nogil:
        for i in range(n):
            if i == 0 or client_of_pair[i] != client_of_pair[i - 1]:
                find_rows(client_keys, client_of_pair[i], keys, &filed)
            out[i] = holds_row(&filed, key_rows, <int32_t>row_of_pair[i])
    return found
