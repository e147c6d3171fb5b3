# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernel that writes columns of texts as the lines of a CSV file, in UTF-8."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.unicode cimport (
    PyUnicode_Check,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport uint8_t, uint32_t


cdef extern from "Python.h":
    PyObject* PySequence_Fast_GET_ITEM(object sequence, Py_ssize_t place)


cdef struct Buffer:
    char* bytes
    Py_ssize_t length
    Py_ssize_t capacity


cdef int _reserve(Buffer* out, Py_ssize_t more) except -1:
    """Make room for some more bytes."""
    cdef Py_ssize_t capacity = out.capacity
    cdef void* grown
    if out.length + more <= capacity:
        return 0
    while capacity < out.length + more:
        capacity = 2 * capacity + 4096
    grown = PyMem_Realloc(out.bytes, capacity)
    if grown == NULL:
        raise MemoryError()
    out.bytes = <char*>grown
    out.capacity = capacity
    return 0


cdef inline bint _is_special(uint32_t char) noexcept nogil:
    """Whether a field with this character is put into quotes: comma, quote, line breaks."""
    return char == 0x2C or char == 0x22 or char == 0x0A or char == 0x0D


cdef inline char* _put(char* at, uint32_t char) noexcept nogil:
    """Write a character in UTF-8, U+FFFD for a lone surrogate, and return where it ends."""
    if char < 0x80:
        at[0] = <char>char
        return at + 1
    if char < 0x800:
        at[0] = <char>(0xC0 | (char >> 6))
        at[1] = <char>(0x80 | (char & 0x3F))
        return at + 2
    if 0xD800 <= char < 0xE000:
        char = 0xFFFD
    if char < 0x10000:
        at[0] = <char>(0xE0 | (char >> 12))
        at[1] = <char>(0x80 | ((char >> 6) & 0x3F))
        at[2] = <char>(0x80 | (char & 0x3F))
        return at + 3
    at[0] = <char>(0xF0 | (char >> 18))
    at[1] = <char>(0x80 | ((char >> 12) & 0x3F))
    at[2] = <char>(0x80 | ((char >> 6) & 0x3F))
    at[3] = <char>(0x80 | (char & 0x3F))
    return at + 4


cdef int _append(Buffer* out, PyObject* cell, bint quoted) except -1:
    """Write one field, in quotes where it needs them or they are wanted."""
    if not PyUnicode_Check(<object>cell):
        raise TypeError(f"expected texts, got {<object>cell!r}")
    cdef Py_ssize_t j, length = PyUnicode_GET_LENGTH(<object>cell)
    cdef int kind = PyUnicode_KIND(<object>cell)
    cdef void* chars = PyUnicode_DATA(<object>cell)
    cdef uint32_t char
    cdef char* at
    # four bytes of a character at most, a quote in front and behind, a separator
    _reserve(out, 4 * length + 3)
    if not quoted:
        for j in range(length):
            if _is_special(PyUnicode_READ(kind, chars, j)):
                quoted = True
                break
    at = out.bytes + out.length
    if quoted:
        at[0] = 0x22
        at += 1
    for j in range(length):
        char = PyUnicode_READ(kind, chars, j)
        if char == 0x22:
            at[0] = 0x22
            at += 1
        at = _put(at, char)
    if quoted:
        at[0] = 0x22
        at += 1
    out.length = at - out.bytes
    return 0


def csv_lines(columns, const uint8_t[::1] quoted=None):
    """The lines of N rows in C columns of texts, as the csv module writes them, ended by '\\n'.

    A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.

    Args:
        columns: C sequences of N texts.
        quoted: Shape (N,), 1 for a row whose fields are all in quotes; None for no such row.
    """
    cdef list cells = [
        column if type(column) in (list, tuple) else list(column) for column in columns
    ]
    cdef Py_ssize_t width = len(cells), rows = len(cells[0]) if cells else 0, i, c
    cdef Buffer out = Buffer(NULL, 0, 0)
    cdef bint all_quoted
    for column in cells:
        if len(column) != rows:
            raise ValueError(f"expected columns of {rows} texts, got one of {len(column)}")
    if quoted is not None and quoted.shape[0] != rows:
        raise ValueError(f"expected {rows} flags, got {quoted.shape[0]}")
    try:
        for i in range(rows):
            all_quoted = quoted is not None and quoted[i]
            # a line without anything would be no row
            if width == 1 and not cells[0][i]:
                all_quoted = True
            for c in range(width):
                _append(&out, PySequence_Fast_GET_ITEM(cells[c], i), all_quoted)
                # the place is reserved with the field
                out.bytes[out.length] = 0x2C if c + 1 < width else 0x0A
                out.length += 1
        return PyBytes_FromStringAndSize(out.bytes, out.length)
    finally:
        PyMem_Free(out.bytes)
