# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Numbers of three bytes, as `narrow` explains them, read four bytes at a time."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

DEF THREE_BYTES = 0xFFFFFF


cdef inline int32_t number_at(const uint8_t* numbers, int64_t place) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, numbers + 3 * place, 4)
    return <int32_t>(value & THREE_BYTES)


cdef inline void write_at(uint8_t* numbers, int64_t place, uint32_t value) noexcept nogil:
    cdef uint8_t* out = numbers + 3 * place
    out[0] = <uint8_t>value
    out[1] = <uint8_t>(value >> 8)
    out[2] = <uint8_t>(value >> 16)
