# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Reads names of the usual kind in one pass: a company form at one edge, and nothing beside it."""

import numpy as np

from cpython.unicode cimport (
    PyUnicode_4BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport int8_t, uint8_t, uint32_t

cdef enum:
    SPACE = 0x20
    HYPHEN = 0x2D
    LONG_VOWEL = 0x30FC
    # characters of each form that is read here
    FORM = 4
    MAX_FORMS = 8
    # longer names are not of the usual kind: a usual one has room with every character spelled out
    MAX_CHARS = 120
    BUFFER = 480

    # kinds of characters, see `usual_names`
    HARD = 1
    FIRST = 2
    HINT = 4
    BESIDE = 8
    TITLE = 16

    # codes of the table above all characters
    DROP = 0x110000
    OPEN = 0x110002
    CLOSE = 0x110003
    SPELLED = 0x110004

    LEADING = 1
    TRAILING = 2


cdef class Forms:
    """The forms that are read here, and what tells them from longer ones."""

    cdef Py_UCS4 spelled[MAX_FORMS][FORM]
    cdef Py_UCS4 short[MAX_FORMS]
    cdef int8_t code[MAX_FORMS]
    cdef list longer
    cdef object leading
    cdef int count

    def __init__(self, forms, leading):
        """Take at most eight forms.

        Args:
            forms: Spelling in four characters, the character that stands for it in brackets, code,
                and the characters before it that make another form at the end of a name.
            leading: The first four characters of all forms that may begin a name.
        """
        cdef int i, j
        if len(forms) > MAX_FORMS or any([len(form[0]) != FORM for form in forms]):
            raise ValueError("expected at most 8 forms of four characters")
        self.longer = [longer for _, _, _, longer in forms]
        self.leading = leading
        self.count = len(forms)
        for i in range(self.count):
            spelling, short, code, _ = forms[i]
            for j in range(FORM):
                self.spelled[i][j] = ord(spelling[j])
            self.short[i] = ord(short)
            self.code[i] = code

    cdef int at(self, const Py_UCS4* text) noexcept:
        """Number of the form that these four characters are, -1 for none."""
        cdef int i
        for i in range(self.count):
            if (
                text[0] == self.spelled[i][0]
                and text[1] == self.spelled[i][1]
                and text[2] == self.spelled[i][2]
                and text[3] == self.spelled[i][3]
            ):
                return i
        return -1

    cdef int of_short(self, uint32_t char) noexcept:
        cdef int i
        for i in range(self.count):
            if char == self.short[i]:
                return i
        return -1

    cdef bint begins(self, const Py_UCS4* text, Py_ssize_t size):
        """Whether a text begins as a form does that may begin a name."""
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text, min(size, FORM)) in self.leading


cdef inline uint32_t _moved(Py_UCS4 code, const uint32_t[::1] shifts) noexcept nogil:
    return <uint32_t>code + shifts[code]


cdef inline bint _latin(uint32_t code) noexcept nogil:
    return 97 <= code <= 122 or 48 <= code <= 57


cdef Py_ssize_t _folded(
    str text,
    const uint32_t[::1] shifts,
    const uint8_t[::1] is_kana,
    const uint8_t[::1] kinds,
    Forms forms,
    Py_UCS4* out,
    uint8_t* spaces,
):
    """Write the folded name with its forms spelled out; -1 for a name that is not usual.

    A space may be between Latin letters or digits (HINT in `spaces`), or behind a leading form,
    where it is left out (BESIDE).
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), i = 0, at = 0
    cdef int kind = PyUnicode_KIND(text), j, form
    cdef void* chars = PyUnicode_DATA(text)
    cdef uint32_t code, last = 10
    cdef bint spaced = False
    spaces[0] = 0
    if size > MAX_CHARS:
        return -1
    while i < size:
        code = _moved(PyUnicode_READ(kind, chars, i), shifts)
        i += 1
        if code == DROP:
            continue
        if code == SPACE:
            spaced = at > 0
            last = SPACE
            continue
        form = -1
        if code == OPEN and i + 1 < size and _moved(
            PyUnicode_READ(kind, chars, i + 1), shifts
        ) == CLOSE:
            form = forms.of_short(_moved(PyUnicode_READ(kind, chars, i), shifts))
            i += 2
        elif code >= SPELLED:
            form = <int>(code - SPELLED)
        if form >= 0:
            if spaced:
                return -1
            for j in range(FORM):
                out[at] = forms.spelled[form][j]
                at += 1
            last = out[at - 1]
            continue
        if code > DROP:
            return -1
        if code == HYPHEN or code == LONG_VOWEL:
            code = LONG_VOWEL if is_kana[last] else HYPHEN
        else:
            last = code
        if spaced:
            if _latin(out[at - 1]) and _latin(code):
                out[at] = SPACE
                at += 1
                spaces[0] |= HINT
            elif at == FORM and not kinds[code] & TITLE and forms.at(out) >= 0:
                spaces[0] |= BESIDE
            else:
                return -1
            spaced = False
        out[at] = code
        at += 1
    return -1 if spaced else at


cdef bint _begins_with_code(const Py_UCS4* text, Py_ssize_t size) noexcept nogil:
    """Whether at most four letters and a digit, dot, colon or hyphen come first, or a space and a
    digit soon behind it."""
    cdef Py_ssize_t i = 0, j
    while i < size and i <= 4 and 97 <= text[i] <= 122:
        i += 1
    if i == 0 or i > 4 or i == size:
        return False
    if text[i] == SPACE:
        for j in range(i + 1, min(i + 6, size)):
            if 48 <= text[j] <= 57:
                return True
        return False
    return 48 <= text[i] <= 58 or text[i] == 45 or text[i] == 46


def read_usual(
    names,
    const uint32_t[::1] shifts,
    const uint8_t[::1] kinds,
    const uint8_t[::1] is_kana,
    const uint32_t[::1] core_shifts,
    Forms forms not None,
):
    """Names, cores, codes and sides of the N names, for those of the usual kind.

    Returns:
        The four columns, three more lists of positions: those of names that may hint at something
        beside the company, those that have a space, and those of names that are not usual, for
        which the columns are empty.
    """
    cdef Py_ssize_t row = 0, size, i, at, begin, end
    cdef Py_UCS4 line[BUFFER]
    cdef Py_UCS4 core[BUFFER]
    cdef uint32_t code
    cdef uint8_t seen, spaces = 0
    cdef int form
    cdef str text
    codes = np.zeros(len(names), dtype=np.int8)
    sides = np.zeros(len(names), dtype=np.int8)
    cdef int8_t[::1] code_of = codes
    cdef int8_t[::1] side_of = sides
    lines, cores, hinted, spaced, others = [], [], [], [], []
    for text in names:
        if text is None:
            raise TypeError("expected texts, got None")
        lines.append("")
        cores.append("")
        row += 1
        if PyUnicode_GET_LENGTH(text) == 0:
            continue
        size = _folded(text, shifts, is_kana, kinds, forms, line, &spaces)
        seen = kinds[line[0]] & FIRST if size > FORM else HARD
        for i in range(size):
            seen |= kinds[line[i]] & (HARD | HINT | BESIDE)
        if size > 0 and spaces & BESIDE and (
            (seen | spaces) & HINT
            or seen & BESIDE
            or _latin(line[size - 1])
            or line[size - 1] == u"."
        ):
            seen |= HARD
        if seen & (HARD | FIRST) or _begins_with_code(line, size):
            others.append(row - 1)
            continue
        begin, end = 0, size
        form = forms.at(line)
        if form >= 0:
            begin = FORM
            code_of[row - 1], side_of[row - 1] = forms.code[form], LEADING
            if forms.begins(&line[FORM], size - FORM):
                form = -1
        elif not forms.begins(line, size):
            form = forms.at(&line[size - FORM])
            end = size - FORM
            if form >= 0:
                code_of[row - 1], side_of[row - 1] = forms.code[form], TRAILING
                if line[end - 1] in forms.longer[form]:
                    form = -1
        at = 0
        for i in range(begin, end):
            if line[i] == u"会" and i + 1 < end and line[i + 1] == u"社":
                form = -1
            code = _moved(line[i], core_shifts)
            if code != DROP:
                core[at] = code
                at += 1
        if form < 0 or at == 0:
            code_of[row - 1], side_of[row - 1] = 0, 0
            others.append(row - 1)
            continue
        lines[row - 1] = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line, size)
        cores[row - 1] = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, core, at)
        if seen & HINT:
            hinted.append(row - 1)
        elif spaces & HINT:
            spaced.append(row - 1)
    return lines, cores, codes, sides, hinted, spaced, others
