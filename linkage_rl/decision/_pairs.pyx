# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over the pairs of clients, sorted by client, falling retrieval score and row."""

import numpy as np

from libc.stdint cimport int64_t, uint16_t
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
    """
    cdef Py_ssize_t clients = starts.shape[0] - 1, c, b, k, at = 0, begin, place, size
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
