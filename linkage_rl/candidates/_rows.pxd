"""The record that kernels walk: `encode.ROW` as C sees it."""

from libc.stdint cimport int8_t, int32_t, uint16_t, uint32_t


cdef packed struct Row:
    uint32_t name
    uint32_t written
    uint32_t core
    uint32_t stem
    uint32_t kana
    uint32_t reading
    int32_t doc
    int32_t postal
    uint32_t city
    uint32_t town
    uint32_t building
    uint32_t phone
    uint32_t domain
    uint32_t page
    uint32_t corporate
    uint16_t block[3]
    uint16_t office
    int8_t prefecture
    int8_t form
    int8_t side
    int8_t phone_area
