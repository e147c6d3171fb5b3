# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Packs canonical records into rows of fixed width."""

import numpy as np

from cpython.unicode cimport (
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport int8_t, int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from linkage_rl.candidates._hashes cimport continued, ended, hash_text, mix, started, upper
from linkage_rl.candidates._rows cimport Row


cdef void _read_block(str text, Row* row) noexcept:
    """The first three numbers of a block such as '2-38-甲'."""
    cdef Py_ssize_t j, length = PyUnicode_GET_LENGTH(text)
    cdef int kind = PyUnicode_KIND(text), column = 0
    cdef void* chars = PyUnicode_DATA(text)
    cdef uint32_t char
    cdef uint64_t value = 0
    cdef bint lettered = False
    if length == 0:
        return
    for j in range(length + 1):
        char = PyUnicode_READ(kind, chars, j) if j < length else 45
        if char == 45:
            # Lots such as 甲 or イ become a code above every real number.
            if lettered or value > 0x7FFF:
                value = 0x8000 | (mix(value) & 0x7FFF)
            row.block[column] = <uint16_t>value
            column += 1
            if column == 3:
                return
            value = 0
            lettered = False
        elif 48 <= char <= 57:
            value = value * 10 + (char - 48)
        else:
            lettered = True
            value = value * 31 + char


cdef int32_t _number(str text, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """The decimal digits of a text from `begin` to `end`."""
    cdef int kind = PyUnicode_KIND(text)
    cdef void* chars = PyUnicode_DATA(text)
    cdef int32_t value = 0
    cdef Py_ssize_t j
    for j in range(begin, min(end, PyUnicode_GET_LENGTH(text))):
        value = value * 10 + <int32_t>PyUnicode_READ(kind, chars, j) - 48
    return value


def pack_rows(
    list name not None,
    list written not None,
    list core not None,
    list stem not None,
    list kana not None,
    list reading not None,
    list city not None,
    list town not None,
    list building not None,
    list phone not None,
    list domain not None,
    list page not None,
    list corporate not None,
    list postal not None,
    list block not None,
    const int8_t[::1] prefecture,
    const int8_t[::1] form,
    const int8_t[::1] side,
    uint64_t salt,
):
    """N records as bytes of `Row`, each a document of its own; shape (N * sizeof(Row),).

    Numbers are those of canonical records: a postal code and a corporate number are decimal
    digits, and so is a phone that begins with 0.

    Raises:
        TypeError: A text is missing.
        ValueError: A column has another number of records than the first.
    """
    cdef Py_ssize_t n = len(name), i
    cdef str text, where
    cdef uint64_t h
    cdef Row* row
    if not (
        n == len(written) == len(core) == len(stem) == len(kana) == len(reading) == len(city)
        == len(town) == len(building) == len(phone) == len(domain) == len(page) == len(corporate)
        == len(postal) == len(block) == prefecture.shape[0] == form.shape[0] == side.shape[0]
    ):
        raise ValueError(f"expected {n} records in each column")
    packed = np.zeros(n * sizeof(Row), dtype=np.uint8)
    if n == 0:
        return packed
    cdef uint8_t[::1] out = packed
    for i in range(n):
        row = <Row*>&out[i * sizeof(Row)]
        row.name = upper(hash_text(<str?>name[i], salt))
        row.written = upper(hash_text(<str?>written[i], salt))
        row.core = upper(hash_text(<str?>core[i], salt))
        row.stem = upper(hash_text(<str?>stem[i], salt))
        row.kana = upper(hash_text(<str?>kana[i], salt))
        row.reading = upper(hash_text(<str?>reading[i], salt))
        row.doc = <int32_t>i
        where = <str?>city[i]
        row.city = upper(hash_text(where, salt))
        text = <str?>town[i]
        if text:
            # the hash of 'city|town', as there is a 本町 in many cities
            h = continued(continued(started(salt), where), "|")
            row.town = upper(ended(continued(h, text)))
        row.building = upper(hash_text(<str?>building[i], salt))
        text = <str?>phone[i]
        row.phone = upper(hash_text(text, salt))
        if text and text[0] == u"0":
            row.phone_area = <int8_t>_number(text, 1, 3)
        row.domain = upper(hash_text(<str?>domain[i], salt))
        row.page = upper(hash_text(<str?>page[i], salt))
        text = <str?>corporate[i]
        row.corporate = upper(hash_text(text, salt))
        row.office = <uint16_t>_number(text, 1, 5)
        text = <str?>postal[i]
        row.postal = _number(text, 0, 7) if text else -1
        _read_block(<str?>block[i], row)
        row.prefecture = prefecture[i]
        row.form = form[i]
        row.side = side[i]
    return packed
