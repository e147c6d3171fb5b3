# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Stable hashes of texts, equal on every machine."""

from cpython.unicode cimport (
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport uint32_t, uint64_t

cdef inline uint64_t mix(uint64_t value) noexcept nogil:
    # Finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL
    return value ^ (value >> 31)


cdef inline uint64_t started(uint64_t salt) noexcept nogil:
    return mix(salt + 0x9E3779B97F4A7C15ULL)


cdef inline uint64_t continued(uint64_t h, str text) noexcept:
    cdef Py_ssize_t j
    cdef int kind = PyUnicode_KIND(text)
    cdef void* chars = PyUnicode_DATA(text)
    for j in range(PyUnicode_GET_LENGTH(text)):
        h = (h ^ <uint64_t>PyUnicode_READ(kind, chars, j)) * 0x9E3779B97F4A7C15ULL
        h ^= h >> 29
    return h


cdef inline uint64_t ended(uint64_t h) noexcept nogil:
    h = mix(h)
    return h if h else 1


cdef inline uint64_t hash_text(str text, uint64_t salt) noexcept:
    """0 for the empty text only."""
    return ended(continued(started(salt), text)) if PyUnicode_GET_LENGTH(text) else 0


cdef inline uint32_t upper(uint64_t h) noexcept nogil:
    """The upper half of a hash, 0 for 0 only."""
    return max(<uint32_t>(h >> 32), 1) if h else 0
