# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over the pairs of clients, sorted by client, falling retrieval score and row."""

import numpy as np

from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memcpy, memmove


def merge(
    const int64_t[::1] starts, const int64_t[::1] rows, const uint16_t[::1] blockers,
    const float[::1] scores, const int64_t[::1] feature_rows, const int64_t[::1] asking,
    const int64_t[:, :] found, const float[:, :] found_scores, int blocker,
):
    """Add what a blocker found for some clients; known pairs only gain the bit of the blocker.

    Args:
        starts: Pairs of client i are starts[i]..starts[i + 1]; shape (N + 1,).
        rows: Index row of each pair, shape (P,).
        blockers: Blockers that propose each pair, one bit per blocker, shape (P,).
        scores: Retrieval score of each pair, shape (P,).
        feature_rows: Row of each pair in the matrix of features, shape (P,).
        asking: Clients for which the blocker ran, shape (B,).
        found: Index rows for each of them, -1 where there are no more; shape (B, limit).
        found_scores: Their retrieval scores, shape (B, limit).
        blocker: Position of the blocker, which is its bit.

    Returns:
        The first five arguments with the new pairs, whose `feature_rows` are -1.

    Raises:
        ValueError: Sizes differ, or a client is out of range; unchecked, it would write past an
            array.
    """
    cdef Py_ssize_t clients = starts.shape[0] - 1, c, b, k, at = 0, begin, place, size
    if not (
        found.shape[0] == found_scores.shape[0] == asking.shape[0]
        and found.shape[1] == found_scores.shape[1]
    ):
        raise ValueError(
            f"expected rows and scores for {asking.shape[0]} clients, got rows of shape "
            f"({found.shape[0]}, {found.shape[1]}) and scores of shape "
            f"({found_scores.shape[0]}, {found_scores.shape[1]})"
        )
    if clients < 0 or not (
        starts[clients] == rows.shape[0] == blockers.shape[0] == scores.shape[0]
        == feature_rows.shape[0]
    ):
        raise ValueError(f"expected {rows.shape[0]} pairs in every array, and where they start")
    for b in range(asking.shape[0]):
        if not 0 <= asking[b] < clients:
            raise ValueError(f"expected clients in 0..{clients - 1}, got {asking[b]}")
    capacity = starts[clients] + found.shape[0] * found.shape[1]
    new_starts = np.zeros(clients + 1, dtype=np.int64)
    new_rows = np.empty(capacity, dtype=np.int64)
    new_blockers = np.empty(capacity, dtype=np.uint16)
    new_scores = np.empty(capacity, dtype=np.float32)
    new_features = np.empty(capacity, dtype=np.int64)
    positions = np.empty(clients, dtype=np.int64)
    cdef int64_t[::1] out_starts = new_starts, out_rows = new_rows, out_features = new_features
    cdef int64_t[::1] asked_at = positions
    cdef uint16_t[::1] out_blockers = new_blockers
    cdef float[::1] out_scores = new_scores
    cdef uint16_t bit = <uint16_t>(1 << blocker)
    cdef int64_t row
    cdef float value
    asked_at[:] = -1
    for b in range(asking.shape[0]):
        asked_at[asking[b]] = b
    with nogil:
        for c in range(clients):
            begin = at
            size = starts[c + 1] - starts[c]
            if size:
                memcpy(&out_rows[at], &rows[starts[c]], size * sizeof(int64_t))
                memcpy(&out_blockers[at], &blockers[starts[c]], size * sizeof(uint16_t))
                memcpy(&out_scores[at], &scores[starts[c]], size * sizeof(float))
                memcpy(&out_features[at], &feature_rows[starts[c]], size * sizeof(int64_t))
                at += size
            b = asked_at[c]
            for k in range(found.shape[1] if b >= 0 else 0):
                row = found[b, k]
                if row < 0:
                    continue
                value = found_scores[b, k]
                place = at
                size = 0
                while size < at - begin and out_rows[begin + size] != row:
                    size += 1
                if size < at - begin:
                    out_blockers[begin + size] |= bit
                    continue
                while place > begin and (
                    out_scores[place - 1] < value
                    or (out_scores[place - 1] == value and out_rows[place - 1] > row)
                ):
                    place -= 1
                size = at - place
                if size:
                    memmove(&out_rows[place + 1], &out_rows[place], size * sizeof(int64_t))
                    memmove(&out_blockers[place + 1], &out_blockers[place], size * sizeof(uint16_t))
                    memmove(&out_scores[place + 1], &out_scores[place], size * sizeof(float))
                    memmove(&out_features[place + 1], &out_features[place], size * sizeof(int64_t))
                out_rows[place] = row
                out_blockers[place] = bit
                out_scores[place] = value
                out_features[place] = -1
                at += 1
            out_starts[c + 1] = at
    return new_starts, new_rows[:at], new_blockers[:at], new_scores[:at], new_features[:at]


def number_new(
    const int64_t[::1] starts, const int64_t[::1] rows, int64_t[::1] feature_rows, int64_t first
):
    """Give pairs without features the next rows of the matrix: `feature_rows` below 0 are replaced.

    Args:
        starts: As for `merge`, as are `rows` and `feature_rows`.
        first: Row of the matrix for the first of them.

    Returns:
        Client and index row of each pair that had no features, in order, shape (B,) both.
    """
    cdef Py_ssize_t c, pair, new = 0, at = 0
    for pair in range(rows.shape[0]):
        new += feature_rows[pair] < 0
    clients = np.empty(new, dtype=np.int64)
    companies = np.empty(new, dtype=np.int64)
    cdef int64_t[::1] out_clients = clients, out_companies = companies
    with nogil:
        for c in range(starts.shape[0] - 1):
            for pair in range(starts[c], starts[c + 1]):
                if feature_rows[pair] < 0:
                    feature_rows[pair] = first + at
                    out_clients[at] = c
                    out_companies[at] = rows[pair]
                    at += 1
    return clients, companies


def as_bits(columns, Py_ssize_t size):
    """One bit per column where it is not 0, the first column lowest; shape (size,).

    Args:
        columns: At most 16 arrays of bytes, shape (size,) each.
    """
    bits = np.zeros(size, dtype=np.uint16)
    cdef uint16_t[::1] out = bits
    cdef const uint8_t[:] column
    cdef Py_ssize_t i, place = 0
    for column in columns:
        if column.shape[0] != size:
            raise ValueError(f"expected {size} values in a column, got {column.shape[0]}")
        for i in range(size):
            out[i] |= <uint16_t>((column[i] != 0) << place)
        place += 1
    return bits


def find(
    const int64_t[::1] starts, const int64_t[::1] rows,
    const int64_t[::1] clients, const int64_t[::1] wanted,
):
    """Pair of each client with the index row wanted, shape (B,); KeyError where there is none."""
    cdef Py_ssize_t i, pair
    places = np.empty(clients.shape[0], dtype=np.int64)
    cdef int64_t[::1] out = places
    for i in range(clients.shape[0]):
        pair = starts[clients[i]]
        while pair < starts[clients[i] + 1] and rows[pair] != wanted[i]:
            pair += 1
        if pair == starts[clients[i] + 1]:
            raise KeyError(f"row {wanted[i]} was not found for client {clients[i]}")
        out[i] = pair
    return places
