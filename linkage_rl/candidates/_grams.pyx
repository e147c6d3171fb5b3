# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over lists of n-grams: inverting names into postings, the norms of names."""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t


def invert(const uint32_t[::1] doc_ends, const int32_t[::1] doc_grams, int buckets):
    """The inverted index: for each n-gram bucket the documents that contain it (its postings).

    Returns:
        Starts, shape (buckets + 1,), and postings: those of bucket g are
        postings[starts[g]:starts[g + 1]], ascending.
    """
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    starts = np.zeros(buckets + 1, dtype=np.uint32)
    cdef uint32_t[::1] at = starts
    for g in range(doc_grams.shape[0]):
        at[doc_grams[g] + 1] += 1
    for g in range(buckets):
        at[g + 1] += at[g]
    postings = np.empty(doc_grams.shape[0], dtype=np.int32)
    cdef int32_t[::1] out = postings
    cdef uint32_t[::1] cursor = starts[:buckets].copy()
    with nogil:
        for d in range(documents):
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                out[cursor[doc_grams[g]]] = <int32_t>d
                cursor[doc_grams[g]] += 1
    return starts, postings


def document_norms(
    const uint32_t[::1] doc_ends, const int32_t[::1] doc_grams, const float[::1] idf
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
