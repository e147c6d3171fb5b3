# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Binary search in sorted arrays, shared by every kernel that looks something up."""

from libc.stdint cimport int32_t, int64_t, uint64_t

ctypedef fused Sortable:
    int32_t
    uint64_t


cdef inline int64_t lower_bound(
    const Sortable* values, int64_t begin, int64_t end, Sortable value
) noexcept nogil:
    """First position in [begin, end) whose value is not below the given one; `end` if none is."""
    cdef int64_t middle
    while begin < end:
        middle = (begin + end) >> 1
        if values[middle] < value:
            begin = middle + 1
        else:
            end = middle
    return begin


cdef inline int64_t find_key(const uint64_t[::1] keys, uint64_t key) noexcept nogil:
    """Position of a key among ascending ones, -1 where it is missing."""
    cdef int64_t place = lower_bound(&keys[0], 0, keys.shape[0], key)
    return place if place < keys.shape[0] and keys[place] == key else -1
