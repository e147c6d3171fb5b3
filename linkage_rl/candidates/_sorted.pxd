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


cdef inline int64_t first_place(const uint64_t* keys, int64_t size, uint64_t key) noexcept nogil:
    """`lower_bound` over all of `size` ascending hashes, of which there are at most 2**32.

    Hashes spread evenly, so that the place of a key follows from the key (interpolation search,
    Peterson 1957): the two guesses read two lines of memory where halving reads about ten.
    """
    cdef int64_t low = 0, high = size, at, near, step = 8
    if size == 0:
        return 0
    at = <int64_t>(((key >> 32) * <uint64_t>size) >> 32)
    # the second guess corrects the first by what the key there misses
    if keys[at] < key:
        near = at + <int64_t>((((key - keys[at]) >> 32) * <uint64_t>size) >> 32)
    else:
        near = at - <int64_t>((((keys[at] - key) >> 32) * <uint64_t>size) >> 32)
    near = min(max(near, 0), size - 1)
    if keys[near] < key:
        low = near + 1
        while low + step < size and keys[low + step] < key:
            low += step + 1
            step *= 4
        high = min(low + step + 1, size)
    else:
        high = near
        while high - step > 0 and keys[high - step] >= key:
            high -= step
            step *= 4
        low = max(high - step, 0)
    return lower_bound(keys, low, high, key)


cdef inline int64_t run_end(
    const uint64_t* keys, int64_t begin, int64_t size, uint64_t key
) noexcept nogil:
    """End of the run of equal keys that begins here, if any; most runs are short."""
    cdef int64_t at = begin, stride = 1
    while at + stride <= size and keys[at + stride - 1] == key:
        at += stride
        stride *= 2
    while stride:
        if at + stride <= size and keys[at + stride - 1] == key:
            at += stride
        stride //= 2
    return at


cdef inline int64_t find_key(const uint64_t[::1] keys, uint64_t key) noexcept nogil:
    """Position of a key among ascending ones, -1 where it is missing."""
    cdef int64_t place = lower_bound(&keys[0], 0, keys.shape[0], key)
    return place if place < keys.shape[0] and keys[place] == key else -1
