# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over lists of n-grams: inverting names into postings, the norms of names."""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from linkage_rl.candidates._narrow cimport number_at, write_at


def invert(const uint32_t[::1] doc_ends, const uint8_t[::1] doc_grams, int buckets):
    """The inverted index: for each n-gram bucket the documents that contain it (its postings).

    Returns:
        Starts, shape (buckets + 1,), and postings: those of bucket g are
        postings[starts[g]:starts[g + 1]], ascending. They are `narrow` where the numbers of
        all documents fit.
    """
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g, size = doc_ends[3 * documents]
    cdef int32_t gram
    cdef bint is_narrow = documents <= 1 << 24
    starts = np.zeros(buckets + 1, dtype=np.uint32)
    cdef uint32_t[::1] at = starts
    for g in range(size):
        at[number_at(&doc_grams[0], g) + 1] += 1
    for g in range(buckets):
        at[g + 1] += at[g]
    postings = np.zeros(3 * size + 1, np.uint8) if is_narrow else np.empty(size, np.int32)
    cdef uint8_t[::1] out = postings.view(np.uint8)
    cdef uint32_t[::1] cursor = starts[:buckets].copy()
    with nogil:
        for d in range(documents):
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                gram = number_at(&doc_grams[0], g)
                if is_narrow:
                    write_at(&out[0], cursor[gram], <uint32_t>d)
                else:
                    (<int32_t*>&out[0])[cursor[gram]] = <int32_t>d
                cursor[gram] += 1
    return starts, postings


def highest(const uint8_t[::1] narrow):
    """The largest number of a narrow array, -1 where it has none."""
    cdef int64_t i, count = narrow.shape[0] // 3
    cdef int32_t most = -1
    with nogil:
        for i in range(count):
            most = max(most, number_at(&narrow[0], i))
    return most


def document_norms(
    const uint32_t[::1] doc_ends, const uint8_t[::1] doc_grams, const float[::1] idf
):
    """Square root of the sum of squared idf over all n-grams of each document; shape (M,).

    At least 1e-6, so that it can be divided by.
    """
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    norms = np.empty(documents, dtype=np.float32)
    cdef float[::1] out = norms
    cdef float mass, weight
    with nogil:
        for d in range(documents):
            mass = <float>1e-12
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                weight = idf[number_at(&doc_grams[0], g)]
                mass += weight * weight
            out[d] = <float>sqrt(mass)
    return norms
