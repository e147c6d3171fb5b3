# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that walk a block of texts character by character and return a new block."""

import numpy as np

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport (
    PyUnicode_4BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    NEWLINE = 0x0A
    SPACE = 0x20
    HYPHEN = 0x2D
    LONG_VOWEL = 0x30FC


cdef Py_UCS4* _buffer(Py_ssize_t size) except NULL:
    cdef Py_UCS4* buffer = <Py_UCS4*>PyMem_Malloc((size + 1) * sizeof(Py_UCS4))
    if buffer == NULL:
        raise MemoryError
    return buffer


cdef str _as_text(Py_UCS4* buffer, Py_ssize_t size):
    try:
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, buffer, size)
    finally:
        PyMem_Free(buffer)


def flagged(str block, const uint8_t[::1] flags):
    """The distinct characters of a block that are flagged."""
    cdef Py_ssize_t i
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    found = set()
    for i in range(PyUnicode_GET_LENGTH(block)):
        if flags[PyUnicode_READ(kind, chars, i)]:
            found.add(block[i])
    return found


cdef inline uint32_t _moved(Py_UCS4 code, const uint32_t[::1] shifts) noexcept nogil:
    return <uint32_t>code + shifts[code]


cdef inline bint _digit(Py_UCS4 code) noexcept nogil:
    return 48 <= code <= 57


def flagged_lines(str block, const uint8_t[::1] flags, const uint8_t[::1] first_flags):
    """Numbers of the lines that hold a flagged character, begin with one of `first_flags`, or
    begin with a code: at most four letters and a digit, dot, colon, hyphen or space."""
    cdef Py_ssize_t i, line = 0, last = -1, at = 0
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    cdef Py_UCS4 code
    cdef bint hit
    found = []
    for i in range(PyUnicode_GET_LENGTH(block)):
        code = PyUnicode_READ(kind, chars, i)
        if code == NEWLINE:
            line += 1
            at = 0
            continue
        hit = flags[code] or (at == 0 and first_flags[code])
        if at <= 4:
            if 97 <= code <= 122:
                at += 1
            else:
                hit = hit or (at > 0 and (_digit(code) or code in (u"-", u".", u":", u" ")))
                at = 5
        if hit and line != last:
            found.append(line)
            last = line
    return found


def lines_with(str block, const uint8_t[::1] flags):
    """Numbers of the lines that hold a flagged character."""
    cdef Py_ssize_t i, line = 0, last = -1
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    cdef Py_UCS4 code
    found = []
    for i in range(PyUnicode_GET_LENGTH(block)):
        code = PyUnicode_READ(kind, chars, i)
        if code == NEWLINE:
            line += 1
        elif line != last and flags[code]:
            found.append(line)
            last = line
    return found


def translate(str block, const uint32_t[::1] shifts):
    """The block with each character moved by its entry; the last code of the table drops it."""
    cdef Py_ssize_t i, at = 0, size = PyUnicode_GET_LENGTH(block)
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    cdef Py_UCS4 drop = <Py_UCS4>(shifts.shape[0] - 1), code
    cdef Py_UCS4* out = _buffer(size)
    for i in range(size):
        code = _moved(PyUnicode_READ(kind, chars, i), shifts)
        if code != drop:
            out[at] = code
            at += 1
    return _as_text(out, at)


def fold(str block, const uint32_t[::1] shifts, const uint8_t[::1] is_kana):
    """The block by the table, then as by `normalise_dashes`; None where the table does not tell.

    The last code of the table drops a character; a higher one cannot be read on its own.
    """
    cdef Py_ssize_t i, at = 0, size = PyUnicode_GET_LENGTH(block)
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    cdef uint32_t drop = <uint32_t>(shifts.shape[0] - 1), code, last = NEWLINE
    cdef Py_UCS4* out = _buffer(size)
    for i in range(size):
        code = _moved(PyUnicode_READ(kind, chars, i), shifts)
        if code >= drop:
            if code == drop:
                continue
            PyMem_Free(out)
            return None
        if code == HYPHEN or code == LONG_VOWEL:
            code = LONG_VOWEL if is_kana[last] else HYPHEN
        else:
            last = code
        if code == SPACE and (at == 0 or out[at - 1] == SPACE or out[at - 1] == NEWLINE):
            continue
        if code == NEWLINE and at and out[at - 1] == SPACE:
            at -= 1
        out[at] = code
        at += 1
    if at and out[at - 1] == SPACE:
        at -= 1
    return _as_text(out, at)


def normalise_dashes(str block, const uint8_t[::1] is_kana):
    """Dashes and long vowels as long vowels after kana, else as hyphens; spaces as single ones."""
    cdef Py_ssize_t i, at = 0, size = PyUnicode_GET_LENGTH(block)
    cdef int kind = PyUnicode_KIND(block)
    cdef void* chars = PyUnicode_DATA(block)
    cdef Py_UCS4 code, last = NEWLINE
    cdef Py_UCS4* out = _buffer(size)
    for i in range(size):
        code = PyUnicode_READ(kind, chars, i)
        if code == HYPHEN or code == LONG_VOWEL:
            code = LONG_VOWEL if is_kana[last] else HYPHEN
        else:
            last = code
        if code == SPACE and (at == 0 or out[at - 1] == SPACE or out[at - 1] == NEWLINE):
            continue
        if code == NEWLINE and at and out[at - 1] == SPACE:
            at -= 1
        out[at] = code
        at += 1
    if at and out[at - 1] == SPACE:
        at -= 1
    return _as_text(out, at)


cdef Py_ssize_t _without(Py_UCS4* text, Py_ssize_t size, str word) noexcept:
    """Remove a word from a buffer of `size` characters, wherever it is; returns the new size."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(word), i = 0, at = 0, j
    cdef int kind = PyUnicode_KIND(word)
    cdef void* chars = PyUnicode_DATA(word)
    cdef Py_UCS4 first = PyUnicode_READ(kind, chars, 0)
    while i < size:
        if text[i] == first and i + length <= size:
            j = 1
            while j < length and text[i + j] == PyUnicode_READ(kind, chars, j):
                j += 1
            if j == length:
                i += length
                continue
        text[at] = text[i]
        at += 1
        i += 1
    return at


def have_check_digits(texts):
    """1 for thirteen ASCII digits of which the first is 9 less the weighted sum mod 9, else 0.

    The weights of the twelve digits behind it are 2, 1, 2, 1 and so on; shape (N,).
    """
    cdef Py_ssize_t row = 0, i
    cdef int kind, total
    cdef void* chars
    cdef uint32_t digit
    cdef str text
    valid = np.zeros(len(texts), dtype=np.uint8)
    cdef uint8_t[::1] out = valid
    for text in texts:
        if text is None:
            raise TypeError("expected texts, got None")
        if PyUnicode_GET_LENGTH(text) == 13:
            kind = PyUnicode_KIND(text)
            chars = PyUnicode_DATA(text)
            total = 0
            for i in range(13):
                digit = PyUnicode_READ(kind, chars, i)
                if not _digit(digit):
                    break
                if i:
                    total += <int>(digit - 48) * (1 + i % 2)
            else:
                digit = PyUnicode_READ(kind, chars, 0)
                out[row] = digit - 48 == <uint32_t>(9 - total % 9)
        row += 1
    return valid


def translated(texts, const uint32_t[::1] shifts, Py_ssize_t limit, tuple without=()):
    """The first `limit` characters of each text by the table, without these words.

    The last code of the table drops a character; a higher code cannot be read on its own.

    Returns:
        The N texts, '' where a character cannot be read, and the positions of these.
    """
    cdef Py_ssize_t i, row = 0, size, at
    cdef Py_UCS4 drop = <Py_UCS4>(shifts.shape[0] - 1), new = 0
    cdef int kind
    cdef void* chars
    cdef str text, word
    cdef Py_UCS4* out = _buffer(limit)
    written, unread = [], []
    try:
        for text in texts:
            if text is None:
                raise TypeError("expected texts, got None")
            size = min(PyUnicode_GET_LENGTH(text), limit)
            kind = PyUnicode_KIND(text)
            chars = PyUnicode_DATA(text)
            at = 0
            for i in range(size):
                new = _moved(PyUnicode_READ(kind, chars, i), shifts)
                if new > drop:
                    unread.append(row)
                    at = 0
                    break
                if new != drop:
                    out[at] = new
                    at += 1
            for word in without:
                at = _without(out, at, word)
            written.append(PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, out, at) if at else "")
            row += 1
    finally:
        PyMem_Free(out)
    return written, unread
