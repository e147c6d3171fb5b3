# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over rows: those of a company that fit a client best become one; proposals are checked."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._score cimport NameLists, NameScore, prepare_name
from linkage_rl.candidates._sites cimport GROUPS, best_sites, count_sites, join_groups


def are_rows(const int64_t[:, :] rows, int64_t count):
    """Whether all of these are in -1..count-1."""
    cdef Py_ssize_t i, k
    cdef bint right = True
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            right &= -1 <= rows[i, k] < count
    return right


def join_sites(
    const Row[::1] clients, const uint32_t[::1] client_ends, const int32_t[::1] client_grams,
    const int64_t[::1] client_of_pair, const int64_t[::1] row_of_pair,
    const Row[::1] companies, const uint32_t[::1] doc_ends, const uint8_t[::1] doc_grams,
    const float[::1] idf,
    const int32_t[::1] heads, const int32_t[::1] begins, const int32_t[::1] rows,
    Row[::1] joined, int32_t[:, ::1] chosen,
):
    """Write for P pairs the row that each group of fields is taken from, and the joined row.

    Args:
        row_of_pair: Any row of the company of each pair.
        heads: Head row of each row.
        begins: Place in `rows` at which the rows of its company begin, of each row.
        rows: All rows, those of one company side by side, its head row first.
        joined: Written; the joined row of each pair, shape (P,).
        chosen: Written; the row of each group, shape (P, groups).
    """
    cdef Py_ssize_t i, n = row_of_pair.shape[0], client
    cdef int64_t begin
    cdef NameScore names
    cdef NameLists client_name
    cdef const int32_t* own_grams = NULL
    cdef const uint8_t* their_grams = NULL
    if client_grams.shape[0]:
        own_grams = &client_grams[0]
    if doc_grams.shape[0]:
        their_grams = &doc_grams[0]
    with nogil:
        for i in range(n):
            client = client_of_pair[i]
            begin = begins[row_of_pair[i]]
            if i == 0 or client != client_of_pair[i - 1]:
                prepare_name(own_grams, &client_ends[3 * client], &idf[0], &client_name)
            best_sites(
                &clients[client], &client_name,
                &companies[0], their_grams, &doc_ends[0], &idf[0],
                &rows[begin], count_sites(&heads[0], &rows[0], begin, rows.shape[0]),
                &chosen[i, 0], &names,
            )
            join_groups(&companies[0], &chosen[i, 0], &joined[i])
