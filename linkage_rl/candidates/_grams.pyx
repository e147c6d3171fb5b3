# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over lists of n-grams: comparing names, inverting names into postings, their norms."""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t

from linkage_rl.candidates cimport _score
from linkage_rl.candidates._score cimport NameLists, NameScore, prepare_name


def compare_names(
    const int64_t[::1] client_of_pair, const int64_t[::1] client_ends,
    const int32_t[::1] client_grams,
    const int64_t[::1] doc_of_pair, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf,
):
    """Columns of P pairs: n-gram cosine of core, kana and Latin name, then both covers; (P, 5).

    Arguments named `_ends` and `_grams` are lists as `encode.Documents` holds them; `idf` weighs
    each n-gram.
    """
    cdef Py_ssize_t i, n = client_of_pair.shape[0]
    scores = np.zeros((n, 5), dtype=np.float32)
    cdef float[:, ::1] out = scores
    cdef NameScore names
    cdef NameLists client_name
    cdef int field
    if client_grams.shape[0] == 0 or doc_grams.shape[0] == 0:
        return scores
    with nogil:
        for i in range(n):
            if i == 0 or client_of_pair[i] != client_of_pair[i - 1]:
                prepare_name(
                    &client_grams[0], &client_ends[3 * client_of_pair[i]], &idf[0], &client_name
                )
            _score.compare_names(
                &client_name, &doc_grams[0], &doc_ends[3 * doc_of_pair[i]], &idf[0], &names
            )
            for field in range(3):
                out[i, field] = names.cosine[field]
            out[i, 3] = names.client_cover
            out[i, 4] = names.company_cover
    return scores


def invert(const int64_t[::1] doc_ends, const int32_t[::1] doc_grams, int buckets):
    """The inverted index: for each n-gram bucket the documents that contain it (its postings).

    Returns:
        Starts, shape (buckets + 1,), and postings: those of bucket g are
        postings[starts[g]:starts[g + 1]], ascending.
    """
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    starts = np.zeros(buckets + 1, dtype=np.int64)
    cdef int64_t[::1] at = starts
    for g in range(doc_grams.shape[0]):
        at[doc_grams[g] + 1] += 1
    for g in range(buckets):
        at[g + 1] += at[g]
    postings = np.empty(doc_grams.shape[0], dtype=np.int32)
    cdef int32_t[::1] out = postings
    cdef int64_t[::1] cursor = starts[:buckets].copy()
    with nogil:
        for d in range(documents):
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                out[cursor[doc_grams[g]]] = <int32_t>d
                cursor[doc_grams[g]] += 1
    return starts, postings


def document_norms(
    const int64_t[::1] doc_ends, const int32_t[::1] doc_grams, const float[::1] idf
):
    """Square root of the sum of squared idf over all n-grams of each document; shape (M,).

    At least 1e-6, so that it can be divided by.
    """
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    norms = np.empty(documents, dtype=np.float32)
    cdef float[::1] out = norms
    cdef float mass
    with nogil:
        for d in range(documents):
            mass = <float>1e-12
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                mass += idf[doc_grams[g]] * idf[doc_grams[g]]
            out[d] = <float>sqrt(mass)
    return norms
