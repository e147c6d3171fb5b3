# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Forms of a core under which spellings of one name fall together, over lists of texts."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport (
    PyUnicode_4BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport int64_t, uint8_t, uint32_t

DEF CODES = 0x10000


cdef class Likeness:
    """Tables of `likeness`, in the form in which kernels read them."""

    def __cinit__(
        self, const uint8_t[::1] kinds, const uint32_t[::1] sounds,
        const uint32_t[:, ::1] voiced, const uint32_t[:, ::1] words, int64_t longest,
    ):
        """Copy the tables.

        Args:
            kinds: Kinds of each code point, see `likeness`, shape (0x10000,).
            sounds: What each code point becomes, shape (0x10000,).
            voiced: What follows ヴ, and the two characters that both become, shape (at most 16, 3).
            words: Two characters, and those that replace them, shape (at most 16, 4).
            longest: Characters of a text that are read.
        """
        cdef int64_t i, k
        if kinds.shape[0] != CODES or sounds.shape[0] != CODES:
            raise ValueError(f"expected tables of {CODES} code points")
        if max(voiced.shape[0], words.shape[0]) > 16:
            raise ValueError("expected 16 replacements at most")
        for i in range(CODES):
            self.kinds[i] = kinds[i]
            self.sounds[i] = sounds[i]
        for i in range(voiced.shape[0]):
            for k in range(3):
                self.voiced[i][k] = voiced[i, k]
        for i in range(words.shape[0]):
            for k in range(4):
                self.words[i][k] = words[i, k]
        self.voiced_count = voiced.shape[0]
        self.words_count = words.shape[0]
        self.longest = longest


def forms(Likeness tables not None, texts, str form):
    """The `read_alike`, `marks` or `without_marks` of each text."""
    return [_form(tables, <str?>text, form) for text in texts]


cdef str _form(Likeness tables, str text, str form):
    cdef int64_t i, size = PyUnicode_GET_LENGTH(text), length
    cdef int kind = PyUnicode_KIND(text)
    cdef void* chars = PyUnicode_DATA(text)
    cdef uint32_t* buffer = <uint32_t*>PyMem_Malloc((4 * size + 1) * sizeof(uint32_t))
    if buffer == NULL:
        raise MemoryError
    try:
        for i in range(size):
            buffer[i] = PyUnicode_READ(kind, chars, i)
        if form == "read_alike":
            length = read_alike_form(tables, buffer, size, &buffer[size], &buffer[2 * size])
        else:
            length = only_marks(tables, buffer, size, form == "marks", &buffer[2 * size])
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, &buffer[2 * size], length)
    finally:
        PyMem_Free(buffer)
