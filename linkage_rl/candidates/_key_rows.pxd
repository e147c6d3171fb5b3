# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Rows of a `KeyIndex` that are filed under the keys of one client."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from linkage_rl.candidates._sorted cimport first_place, lower_bound, run_end

DEF ALTERNATIVES = 2


cdef struct KeyRows:
    int64_t begin[ALTERNATIVES]
    int64_t end[ALTERNATIVES]


cdef inline void find_rows(
    const uint64_t[:, ::1] client_keys, Py_ssize_t client, const uint64_t[::1] keys, KeyRows* out
) noexcept nogil:
    """Range of positions in `keys` that equal each alternative key of a client."""
    cdef Py_ssize_t k
    cdef uint64_t key
    cdef int64_t size = keys.shape[0]
    for k in range(ALTERNATIVES):
        out.begin[k] = 0
        out.end[k] = 0
        key = client_keys[k, client] if size and k < client_keys.shape[0] else 0
        if key and not (k and key == client_keys[0, client]):
            out.begin[k] = first_place(&keys[0], size, key)
            out.end[k] = run_end(&keys[0], out.begin[k], size, key)


cdef inline bint holds_row(
    const KeyRows* found, const int32_t[::1] rows, int32_t row
) noexcept nogil:
    """Whether a row is filed in one of the ranges; the rows of one key ascend."""
    cdef Py_ssize_t k
    cdef int64_t place
    for k in range(ALTERNATIVES):
        if found.begin[k] < found.end[k]:
            place = lower_bound(&rows[0], found.begin[k], found.end[k], row)
            if place < found.end[k] and rows[place] == row:
                return True
    return False
