# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over packed fields: what of a pair agrees, how near and how common it is; clients alone."""

import numpy as np

from libc.math cimport sqrtf
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._sorted cimport find_key
from linkage_rl.features._ahead cimport AHEAD, prefetch

DEF AGREEMENTS = 34
DEF QUERIES = 17
DEF LONGEST = 20.0
DEF HEAVIEST = 40.0
DEF KNOWN = 512


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


def check_pairs(
    const int64_t[:] client_of_pair, const int64_t[:] row_of_pair, int64_t clients, int64_t rows
):
    """Make sure that P pairs name clients and rows that there are.

    Args:
        client_of_pair: Client of each pair, shape (P,).
        row_of_pair: Row of the index of each pair, shape (P,).
        clients: Number of clients.
        rows: Number of rows.

    Raises:
        IndexError: There is no such client or row.
        ValueError: There are not as many clients as rows.
    """
    cdef Py_ssize_t i, n = row_of_pair.shape[0]
    if client_of_pair.shape[0] != n:
        raise ValueError(f"expected the client of {n} pairs, got {client_of_pair.shape[0]}")
    for i in range(n):
        if not 0 <= row_of_pair[i] < rows:
            raise IndexError(f"row {row_of_pair[i]} of an index of {rows} rows")
        if not 0 <= client_of_pair[i] < clients:
            raise IndexError(f"client {client_of_pair[i]} of {clients} clients")


cdef struct Found:
    uint64_t key
    int64_t place


cdef inline int64_t _find(const uint64_t[::1] keys, uint64_t key, Found* known) noexcept nogil:
    """`find_key` of a key below its highest value, of which most were asked for before.

    Args:
        known: `KNOWN` places that were found; -1 is the key of those that are empty.
    """
    cdef Found* found = &known[(key * <uint64_t>0x9E3779B97F4A7C15) >> 55]
    if found.key != key:
        found.key = key
        found.place = find_key(keys, key) if keys.shape[0] else -1
    return found.place


cdef inline int64_t _locate(
    const uint64_t[::1] keys, const Row* record, Found* known
) noexcept nogil:
    cdef uint64_t prefecture = <uint64_t>record.prefecture << 32
    cdef int64_t place = _find(keys, prefecture | record.city, known) if record.city else -1
    return place if place >= 0 else _find(keys, prefecture, known)


cdef inline void _near(
    int64_t here, int64_t there, const float[:, ::1] points, float* out
) noexcept nogil:
    """Nearness of two places at a scale of 10 and of 100 km, and 1 where it is unknown."""
    cdef float x, y, z, distance
    if here < 0 or there < 0:
        out[2] = 1
        return
    # chord instead of arc: at 1,000 km it is 0.1 % shorter
    x = points[here, 0] - points[there, 0]
    y = points[here, 1] - points[there, 1]
    z = points[here, 2] - points[there, 2]
    distance = sqrtf(x * x + y * y + z * z)
    out[0] = <float>1 / (<float>1 + distance / <float>10)
    out[1] = <float>1 / (<float>1 + distance / <float>100)


cdef inline float _office_share(
    const uint64_t[::1] keys, const float[::1] shares, uint32_t city, uint16_t office,
    Found* known,
) noexcept nogil:
    """How common an office is in a city, see `offices.OfficeTable`; 0 where it is unknown."""
    cdef int64_t place = -1
    if city and office:
        place = _find(keys, (<uint64_t>city << 16) | office, known)
    return shares[place] if place >= 0 else 0


def take_rows(
    const Row[::1] companies, const int64_t[::1] row_of_pair, int64_t first_row, Row[::1] out
):
    """Write the packed rows of P pairs; pairs with a row of another segment are left out.

    Args:
        companies: Rows of a segment.
        row_of_pair: Row of the index of each pair, shape (P,).
        first_row: Row of the index at which the segment begins.
        out: Written, shape (P,).
    """
    cdef Py_ssize_t i, n = row_of_pair.shape[0]
    cdef int64_t row, rows = companies.shape[0]
    with nogil:
        for i in range(n):
            if i + AHEAD < n:
                row = row_of_pair[i + AHEAD] - first_row
                if 0 <= row < rows:
                    # a row of 72 bytes lies in two lines of the cache
                    prefetch(&companies[row])
                    prefetch(&companies[row].corporate)
            row = row_of_pair[i] - first_row
            if 0 <= row < rows:
                out[i] = companies[row]


def compare(
    const Row[::1] clients, const int64_t[::1] client_of_pair, const Row[::1] companies,
    const uint8_t[::1] kind_of_form,
    const uint64_t[::1] place_keys, const float[:, ::1] points,
    const uint64_t[::1] office_keys, const float[::1] shares,
    float[:, ::1] out, Py_ssize_t structure, Py_ssize_t places,
):
    """Write the features of P pairs in the order of the `NAMES` of two modules.

    Args:
        companies: Packed company of each pair, shape (P,).
        kind_of_form: Kind of each legal form, 0 for none.
        place_keys: Prefecture and city of each known place in one number, ascending.
        points: Where they lie, in km, shape (places, 3).
        office_keys: Of an `offices.OfficeTable`; `shares` likewise.
        out: Written, 0 before, shape (P, F).
        structure: First column of `structure.NAMES`; `places` likewise.
    """
    cdef Py_ssize_t i, n = client_of_pair.shape[0], client, last = -1
    cdef int64_t here = -1
    cdef int kind
    cdef const Row* company
    cdef Found towns[KNOWN]
    cdef Found offices[KNOWN]
    with nogil:
        memset(towns, 0xFF, sizeof(towns))
        memset(offices, 0xFF, sizeof(offices))
        for i in range(n):
            client = client_of_pair[i]
            company = &companies[i]
            if client != last:
                last = client
                here = _locate(place_keys, &clients[client], towns)
            _agree(&clients[client], company, &out[i, structure])
            kind = kind_of_form[company.form]
            if kind:
                out[i, structure + AGREEMENTS + kind - 1] = 1
            _near(here, _locate(place_keys, company, towns), points, &out[i, places])
            out[i, places + 3] = _office_share(
                office_keys, shares, clients[client].city, company.office, offices
            )
            out[i, places + 4] = _office_share(
                office_keys, shares, company.city, company.office, offices
            )
            out[i, places + 5] = company.office == 0


def scale_counts(
    const uint16_t[:, ::1] counts, const int64_t[::1] row_of_pair, int64_t first_row,
    const float[::1] scale, const int64_t[::1] begin, const int64_t[::1] most,
    const uint8_t[::1] chosen, float[:, ::1] out, Py_ssize_t at,
):
    """Write counts of P rows on a scale; pairs with a row of another segment are left out.

    Args:
        counts: Of the rows of a segment, shape (n, C).
        row_of_pair: Row of the index of each pair, shape (P,).
        first_row: Row of the index at which the segment begins.
        scale: Scales of all columns, one after the other.
        begin: Place of the count 0 of each column in `scale`, shape (C,).
        most: Highest count on the scale of each column, shape (C,).
        chosen: 1 for the columns to write, shape (C,).
        out: Written, shape (P, F).
        at: First of the C columns that belong to the counts.
    """
    cdef Py_ssize_t i, k, n = row_of_pair.shape[0]
    cdef int64_t row, rows = counts.shape[0]
    with nogil:
        for i in range(n):
            if i + AHEAD < n:
                row = row_of_pair[i + AHEAD] - first_row
                if 0 <= row < rows:
                    prefetch(&counts[row, 0])
            row = row_of_pair[i] - first_row
            if row < 0 or row >= rows:
                continue
            for k in range(counts.shape[1]):
                if chosen[k]:
                    out[i, at + k] = scale[begin[k] + min(<int64_t>counts[row, k], most[k])]


def spread(
    const float[:, ::1] values, const int64_t[::1] client_of_pair, float[:, ::1] out, Py_ssize_t at,
):
    """Write the values of its client, shape (N, C), to each of P pairs, from column `at` on."""
    cdef Py_ssize_t i, n = client_of_pair.shape[0]
    if n == 0 or values.shape[1] == 0:
        return
    with nogil:
        for i in range(n):
            memcpy(&out[i, at], &values[client_of_pair[i], 0], values.shape[1] * sizeof(float))


cdef inline int _script(Py_UCS4 char) noexcept nogil:
    """0 for a kanji, 1 for kana, 2 for a plain letter or digit, 3 for anything else."""
    if 0x3400 <= char <= 0x9FFF or char == 0x3005:
        return 0
    if 0x3041 <= char <= 0x30FF:
        return 1
    return 2 if 48 <= char <= 57 or 97 <= char <= 122 else 3


def describe(
    const Row[::1] clients, list cores not None, const uint64_t[:] core_keys, const uint64_t[:] stem_keys,
    const uint32_t[::1] gram_ends, const int32_t[::1] grams, const float[::1] idf,
    const uint8_t[::1] kind_of_form, int kinds,
):
    """Features of N clients in the order of `matrix.QUERY_FEATURES`, in [0, 1].

    Args:
        core_keys: Hash of each core; `stem_keys` likewise.
        gram_ends: Grams of client i's core are those from ends[3 i] to ends[3 i + 1].
        idf: Weight of each gram.
        kind_of_form: Kind of each legal form, 0 for none.
        kinds: Number of kinds.

    Raises:
        TypeError: A core is missing.
        ValueError: Columns have other numbers of clients.
    """
    cdef Py_ssize_t i, j, n = clients.shape[0], length
    cdef int64_t gram
    cdef int kind
    cdef Py_ssize_t count[4]
    cdef double mass
    cdef str core
    cdef const Row* row
    if not (
        n == len(cores) == core_keys.shape[0] == stem_keys.shape[0]
        and gram_ends.shape[0] == 3 * n + 1 and gram_ends[3 * n] <= grams.shape[0]
    ):
        raise ValueError(f"expected {n} clients in each column")
    values = np.zeros((n, QUERIES + kinds), dtype=np.float32)
    cdef float[:, ::1] out = values
    for i in range(n):
        row = &clients[i]
        core = <str?>cores[i]
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
