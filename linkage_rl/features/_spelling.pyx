# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over the names of many pairs: the distinct ones, and their spelling features."""

import numpy as np

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t


def distinct(const int64_t[::1] client_of_pair, const int64_t[::1] names):
    """First pair of each client with each name, and for every pair its position among those."""
    cdef Py_ssize_t i, k, n = names.shape[0], begin = 0, found = 0
    firsts = np.empty(n, dtype=np.int64)
    places = np.empty(n, dtype=np.int64)
    cdef int64_t[::1] first = firsts, place = places
    with nogil:
        for i in range(n):
            if i and client_of_pair[i] != client_of_pair[i - 1]:
                begin = found
            # the candidates of a client have few names: a scan is faster than sorting
            k = begin
            while k < found and names[first[k]] != names[i]:
                k += 1
            if k == found:
                first[k] = i
                found += 1
            place[i] = k
    return firsts[:found], places


cdef Py_ssize_t _shared(str a, str b, bint at_end):
    """Number of leading characters that two texts share, or of trailing ones."""
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(a), m = PyUnicode_GET_LENGTH(b), i = 0
    cdef int a_kind = PyUnicode_KIND(a), b_kind = PyUnicode_KIND(b)
    cdef void* a_chars = PyUnicode_DATA(a)
    cdef void* b_chars = PyUnicode_DATA(b)
    if at_end:
        while i < n and i < m and (
            PyUnicode_READ(a_kind, a_chars, n - 1 - i) == PyUnicode_READ(b_kind, b_chars, m - 1 - i)
        ):
            i += 1
    else:
        while i < n and i < m and (
            PyUnicode_READ(a_kind, a_chars, i) == PyUnicode_READ(b_kind, b_chars, i)
        ):
            i += 1
    return i


def spell(
    list core, list company_core, list loose, list company_loose, list marks, list company_marks,
    list bare, list company_bare,
    list kana, list company_kana, list latin, list company_latin,
    const float[:, ::1] similarity, const float[:, ::1] grams,
):
    """Features of P pairs of names in the order of `spelling.NAMES`, in [0, 1].

    Args:
        core: Core of each pair's client; the other texts likewise, of client and company in turn.
        similarity: Ratio, Jaro-Winkler, partial ratio, stem ratio and edits of the cores, ratio and
            Jaro-Winkler of the readings, ratio of the Latin names; shape (8, P).
        grams: From `CompanyIndex.compare_names`, shape (P, 5).
    """
    cdef Py_ssize_t i, n = len(core), a, b, shorter
    cdef int k
    cdef bint read
    cdef str own, their
    values = np.zeros((n, 20), dtype=np.float32)
    cdef float[:, ::1] out = values
    for i in range(n):
        own, their = core[i], company_core[i]
        a, b = PyUnicode_GET_LENGTH(own), PyUnicode_GET_LENGTH(their)
        # rapidfuzz gives two empty texts the similarity 1
        if a and b:
            shorter = min(a, b)
            out[i, 0] = similarity[0, i]
            out[i, 1] = similarity[1, i]
            out[i, 2] = <float>(<double>_shared(own, their, False) / shorter)
            out[i, 3] = <float>(<double>_shared(own, their, True) / shorter)
            out[i, 4] = similarity[2, i] / <float>100
            out[i, 5] = similarity[3, i]
            out[i, 6] = <float>(<double>shorter / max(a, b))
            out[i, 7] = <float>1 / (<float>1 + similarity[4, i])
            out[i, 8] = loose[i] == company_loose[i]
            out[i, 9] = marks[i] != company_marks[i]
            out[i, 10] = out[i, 9] != 0 and bare[i] == company_bare[i]
        read = kana[i] != "" and company_kana[i] != ""
        if read:
            out[i, 11] = similarity[5, i]
            out[i, 12] = similarity[6, i]
        out[i, 13] = not read
        if latin[i] != "" and company_latin[i] != "":
            out[i, 14] = similarity[7, i]
        for k in range(5):
            out[i, 15 + k] = grams[i, k]
    return values
