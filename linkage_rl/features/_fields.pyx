# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over packed fields: agreement and distance of pairs, and what a client has."""

import numpy as np

from libc.math cimport sqrtf
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._sorted cimport find_key

DEF AGREEMENTS = 34
DEF QUERIES = 17
DEF LONGEST = 20.0
DEF HEAVIEST = 40.0


cdef inline bint _equal(uint32_t a, uint32_t b) noexcept nogil:
    return a == b and a != 0


cdef inline bint _missing(uint32_t a, uint32_t b) noexcept nogil:
    return a == 0 or b == 0


cdef inline void _agree(const Row* a, const Row* b, float* out) noexcept nogil:
    cdef bint town = _equal(a.town, b.town)
    cdef bint first = town and _equal(a.block[0], b.block[0])
    cdef bint block = first and a.block[1] == b.block[1] and a.block[2] == b.block[2]
    cdef bint postal = a.postal >= 0 and b.postal >= 0
    cdef bint domain = _equal(a.domain, b.domain)
    cdef bint pages = domain and a.page != b.page and not _missing(a.page, b.page)
    out[0] = _equal(a.name, b.name)
    out[1] = _equal(a.written, b.written)
    out[2] = _equal(a.core, b.core)
    out[3] = _equal(a.stem, b.core)
    out[4] = _equal(a.kana, b.kana)
    out[5] = _equal(a.reading, b.reading)
    out[6] = a.form == b.form
    out[7] = _missing(a.form, b.form)
    out[8] = a.side == b.side
    out[9] = _equal(a.prefecture, b.prefecture)
    out[10] = _missing(a.prefecture, b.prefecture)
    out[11] = _equal(a.city, b.city)
    out[12] = _missing(a.city, b.city)
    out[13] = town
    out[14] = _missing(a.town, b.town)
    out[15] = first
    out[16] = block
    out[17] = _missing(a.block[0], b.block[0])
    out[18] = _equal(a.building, b.building)
    out[19] = _missing(a.building, b.building)
    out[20] = block and a.building == b.building
    out[21] = postal and a.postal == b.postal
    out[22] = postal and a.postal // 10000 == b.postal // 10000
    out[23] = not postal
    out[24] = _equal(a.phone, b.phone)
    out[25] = _equal(a.phone_area, b.phone_area)
    out[26] = _missing(a.phone, b.phone)
    out[27] = domain and not pages
    out[28] = _missing(a.domain, b.domain)
    out[29] = _equal(a.corporate, b.corporate)
    out[30] = _missing(a.corporate, b.corporate)
    out[31] = _equal(a.core, b.stem) or _equal(a.stem, b.stem)
    out[32] = domain and _equal(a.page, b.page)
    out[33] = pages


def agreement(
    const Row[::1] clients, const int64_t[::1] client_of_pair, const Row[::1] companies,
    const uint8_t[::1] kind_of_form, int kinds,
):
    """Agreement of P pairs in the order of `structure.NAMES`, each 0 or 1.

    Args:
        companies: Packed company of each pair.
        kind_of_form: Kind of each legal form, 0 for none.
        kinds: Number of kinds.
    """
    cdef Py_ssize_t i, n = companies.shape[0], client
    cdef int kind
    values = np.zeros((n, AGREEMENTS + kinds), dtype=np.float32)
    cdef float[:, ::1] out = values
    with nogil:
        for i in range(n):
            client = client_of_pair[i]
            _agree(&clients[client], &companies[i], &out[i, 0])
            kind = kind_of_form[companies[i].form]
            if kind:
                out[i, AGREEMENTS + kind - 1] = 1
    return values


cdef inline int64_t _locate(const uint64_t[::1] keys, const Row* record) noexcept nogil:
    cdef uint64_t prefecture = <uint64_t>record.prefecture << 32
    cdef int64_t place = find_key(keys, prefecture | record.city) if record.city else -1
    return place if place >= 0 else find_key(keys, prefecture)


def nearness(
    const Row[::1] clients, const int64_t[::1] client_of_pair, const Row[::1] companies,
    const uint64_t[::1] place_keys, const float[:, ::1] points,
):
    """Nearness of P pairs at a scale of 10 and of 100 km, and 1 where it is unknown; shape (P, 3).

    Args:
        companies: Packed company of each pair.
        place_keys: Prefecture and city of each known place in one number, ascending.
        points: Where they lie, in km, shape (places, 3).
    """
    cdef Py_ssize_t i, n = companies.shape[0], last = -1
    cdef int64_t here = -1, there
    cdef float x, y, z, distance
    values = np.zeros((n, 3), dtype=np.float32)
    cdef float[:, ::1] out = values
    with nogil:
        for i in range(n):
            if client_of_pair[i] != last:
                last = client_of_pair[i]
                here = _locate(place_keys, &clients[last])
            there = _locate(place_keys, &companies[i])
            if here >= 0 and there >= 0:
                # chord instead of arc: at 1,000 km it is 0.1 % shorter
                x = points[here, 0] - points[there, 0]
                y = points[here, 1] - points[there, 1]
                z = points[here, 2] - points[there, 2]
                distance = sqrtf(x * x + y * y + z * z)
                out[i, 0] = <float>1 / (<float>1 + distance / <float>10)
                out[i, 1] = <float>1 / (<float>1 + distance / <float>100)
            else:
                out[i, 2] = 1
    return values


cdef inline int _script(Py_UCS4 char) noexcept nogil:
    """0 for a kanji, 1 for kana, 2 for a plain letter or digit, 3 for anything else."""
    if 0x3400 <= char <= 0x9FFF or char == 0x3005:
        return 0
    if 0x3041 <= char <= 0x30FF:
        return 1
    return 2 if 48 <= char <= 57 or 97 <= char <= 122 else 3


def describe(
    const Row[::1] clients, list cores, const uint64_t[:] core_keys, const uint64_t[:] stem_keys,
    const int64_t[::1] gram_ends, const int32_t[::1] grams, const float[::1] idf,
    const uint8_t[::1] kind_of_form, int kinds,
):
    """Features of N clients in the order of `matrix.QUERY_FEATURES`, in [0, 1].

    Args:
        core_keys: Hash of each core; `stem_keys` likewise.
        gram_ends: Grams of client i's core are those from ends[3 i] to ends[3 i + 1].
        idf: Weight of each gram.
        kind_of_form: Kind of each legal form, 0 for none.
        kinds: Number of kinds.
    """
    cdef Py_ssize_t i, j, n = clients.shape[0], length
    cdef int64_t gram
    cdef int kind
    cdef Py_ssize_t count[4]
    cdef double mass
    cdef str core
    cdef const Row* row
    values = np.zeros((n, QUERIES + kinds), dtype=np.float32)
    cdef float[:, ::1] out = values
    for i in range(n):
        row = &clients[i]
        core = cores[i]
        length = len(core)
        out[i, 0] = row.kana != 0
        out[i, 1] = row.prefecture != 0
        out[i, 2] = row.city != 0
        out[i, 3] = row.town != 0
        out[i, 4] = row.block[0] != 0
        out[i, 5] = row.postal >= 0
        out[i, 6] = row.phone != 0
        out[i, 7] = row.domain != 0
        out[i, 8] = row.corporate != 0
        out[i, 9] = row.form != 0
        out[i, 10] = row.side == 1
        out[i, 11] = <float>min(length / LONGEST, <double>1)
        for kind in range(4):
            count[kind] = 0
        for j in range(length):
            count[_script(core[j])] += 1
        for kind in range(3):
            out[i, 12 + kind] = <float>(<double>count[kind] / max(length, 1))
        out[i, 15] = core_keys[i] != stem_keys[i]
        mass = 0
        for gram in range(gram_ends[3 * i], gram_ends[3 * i + 1]):
            mass += idf[grams[gram]]
        out[i, 16] = <float>min(mass / HEAVIEST, <double>1)
        kind = kind_of_form[row.form]
        if kind:
            out[i, QUERIES + kind - 1] = 1
    return values
