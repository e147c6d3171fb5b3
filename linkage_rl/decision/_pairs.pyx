# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over the pairs of many clients, each client's by falling retrieval score, then rising row."""

import numpy as np

from libc.stdint cimport int64_t, uint16_t
from libc.string cimport memcpy, memmove


def merge(
    const int64_t[::1] starts, const int64_t[::1] rows, const uint16_t[::1] blockers,
    const float[::1] retrieval_score, const int64_t[::1] feature_rows,
    const int64_t[::1] cases, const int64_t[:, :] found, const float[:, :] promise, int blocker,
):
    """Add what a blocker found for some clients; a pair that is known only gains the blocker.

    Args:
        starts: Pairs of client i are starts[i]..starts[i + 1]; shape (N + 1,).
        cases: Clients that run the blocker, shape (B,).
        found: Rows for each of them, -1 where there are no more; shape (B, limit).
        promise: Their retrieval score, shape (B, limit).

    Returns:
        The first five arguments anew; `feature_rows` is -1 for pairs that were not known.
    """
    cdef Py_ssize_t clients = starts.shape[0] - 1, c, b, k, at = 0, begin, place, size
    most = starts[clients] + found.shape[0] * found.shape[1]
    new_starts = np.zeros(clients + 1, dtype=np.int64)
    new_rows = np.empty(most, dtype=np.int64)
    new_blockers = np.empty(most, dtype=np.uint16)
    new_retrieval_score = np.empty(most, dtype=np.float32)
    new_features = np.empty(most, dtype=np.int64)
    buyer = np.empty(clients, dtype=np.int64)
    cdef int64_t[::1] out_starts = new_starts, out_rows = new_rows, out_features = new_features
    cdef int64_t[::1] buyers = buyer
    cdef uint16_t[::1] out_blockers = new_blockers
    cdef float[::1] out_retrieval_score = new_retrieval_score
    cdef uint16_t bit = <uint16_t>(1 << blocker)
    cdef int64_t row
    cdef float value
    buyers[:] = -1
    for b in range(cases.shape[0]):
        buyers[cases[b]] = b
    with nogil:
        for c in range(clients):
            begin = at
            size = starts[c + 1] - starts[c]
            if size:
                memcpy(&out_rows[at], &rows[starts[c]], size * sizeof(int64_t))
                memcpy(&out_blockers[at], &blockers[starts[c]], size * sizeof(uint16_t))
                memcpy(&out_retrieval_score[at], &retrieval_score[starts[c]], size * sizeof(float))
                memcpy(&out_features[at], &feature_rows[starts[c]], size * sizeof(int64_t))
                at += size
            b = buyers[c]
            for k in range(found.shape[1] if b >= 0 else 0):
                row = found[b, k]
                if row < 0:
                    continue
                value = promise[b, k]
                place = at
                size = 0
                while size < at - begin and out_rows[begin + size] != row:
                    size += 1
                if size < at - begin:
                    out_blockers[begin + size] |= bit
                    continue
                while place > begin and (
                    out_retrieval_score[place - 1] < value
                    or (out_retrieval_score[place - 1] == value and out_rows[place - 1] > row)
                ):
                    place -= 1
                size = at - place
                if size:
                    memmove(&out_rows[place + 1], &out_rows[place], size * sizeof(int64_t))
                    memmove(&out_blockers[place + 1], &out_blockers[place], size * sizeof(uint16_t))
                    memmove(&out_retrieval_score[place + 1], &out_retrieval_score[place], size * sizeof(float))
                    memmove(&out_features[place + 1], &out_features[place], size * sizeof(int64_t))
                out_rows[place] = row
                out_blockers[place] = bit
                out_retrieval_score[place] = value
                out_features[place] = -1
                at += 1
            out_starts[c + 1] = at
    return new_starts, new_rows[:at], new_blockers[:at], new_retrieval_score[:at], new_features[:at]


def find(
    const int64_t[::1] starts, const int64_t[::1] rows,
    const int64_t[::1] clients, const int64_t[::1] wanted,
):
    """Pair of each client with the row wanted of it, shape (B,); KeyError where there is none."""
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
