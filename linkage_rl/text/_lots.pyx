# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Reads what follows the city in an address: town, numbers, building, each text in one pass."""

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
    DROP = 0x110000

cdef enum:
    MAX_WORDS = 16
    MAX_WORD = 4


cdef inline bint _digit(Py_UCS4 code) noexcept nogil:
    return 48 <= code <= 57


cdef inline Py_UCS4 _separator(
    Py_UCS4 code, Py_UCS4 before, Py_UCS4 after, bint kanji_after
) noexcept nogil:
    """What a character of an address becomes between its neighbours; 0 drops it."""
    cdef bint between = _digit(before) and _digit(after)
    if code in (u"の", u"ノ", u"之", u"乃"):
        if between:
            return HYPHEN
        return u"ノ" if (code == u"の" or kanji_after) and not _digit(before) else code
    if code == LONG_VOWEL:
        return HYPHEN if between else code
    if code in (u"が", u"ガ", u"ケ", u"ゲ"):
        return u"ケ" if kanji_after and before != NEWLINE else code
    if code == u"番":
        # 三番町 and 東一番丁 are towns; 南花田口町2丁3番 is how 堺市 writes 2丁目.
        return u":" if _digit(before) and after != u"町" and after != u"丁" else code
    if code == u"丁":
        return u"=" if between or (_digit(before) and after == NEWLINE) else code
    if code == u"字":
        # 十文字 and 大文字 are towns; any other 字 only marks a small area.
        return code if before == u"文" else 0
    if code == u"第" and _digit(after):
        return SPACE if _digit(before) else 0
    return code


cdef class LotWords:
    """Words of the numbering, each with the character that takes its place, in their order."""

    cdef Py_UCS4 words[MAX_WORDS][MAX_WORD]
    cdef Py_ssize_t length[MAX_WORDS]
    cdef Py_UCS4 new[MAX_WORDS]
    cdef int count

    def __init__(self, dict words not None):
        """Take at most 16 words of two to four characters; '' drops one."""
        cdef int i, j
        if len(words) > MAX_WORDS or not all([2 <= len(word) <= MAX_WORD for word in words]):
            raise ValueError("expected at most 16 words of two to four characters")
        self.count = len(words)
        for i, (word, new) in enumerate(words.items()):
            self.length[i] = len(word)
            for j in range(len(word)):
                self.words[i][j] = ord(word[j])
            self.new[i] = ord(new) if new else 0

    cdef Py_ssize_t apply(self, Py_UCS4* text, Py_ssize_t size) noexcept:
        """Replace the words in a text, one word after the other; returns the new size."""
        cdef int i
        for i in range(self.count):
            size = _replaced(text, size, self.words[i], self.length[i], self.new[i])
        return size


cdef Py_ssize_t _replaced(
    Py_UCS4* text, Py_ssize_t size, const Py_UCS4* word, Py_ssize_t length, Py_UCS4 new
) noexcept nogil:
    """Replace a word of at least two characters by one, or by none for 0, wherever it is."""
    cdef Py_ssize_t i = 0, at, j
    while i + length <= size and not (text[i] == word[0] and text[i + 1] == word[1]):
        i += 1
    at = i
    while i < size:
        if i + length <= size and text[i] == word[0]:
            j = 1
            while j < length and text[i + j] == word[j]:
                j += 1
            if j == length:
                if new:
                    text[at] = new
                    at += 1
                i += length
                continue
        text[at] = text[i]
        at += 1
        i += 1
    return at


cdef Py_ssize_t _separated(
    Py_UCS4* text, Py_ssize_t size, const uint8_t[::1] is_kanji
) noexcept:
    """Replace particles and single lot words by separators, by what is next to them."""
    cdef Py_ssize_t i, at = 0
    cdef Py_UCS4 code, new, before = NEWLINE, after = text[0] if size else NEWLINE
    for i in range(size):
        code = after
        after = text[i + 1] if i + 1 < size else <Py_UCS4>NEWLINE
        new = _separator(code, before, after, is_kanji[after])
        if new:
            text[at] = new
            at += 1
        before = code
    return at


cdef inline Py_ssize_t _digits_end(const Py_UCS4* text, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
    """Where the digits that begin here end."""
    while at < size and _digit(text[at]):
        at += 1
    return at


cdef void _join_houses(Py_UCS4* text, Py_ssize_t size, Py_UCS4 behind, Py_UCS4 new) noexcept nogil:
    """Replace each 号 whose digits `behind` follows.

    福井 has 家久町第24号3番地, and 1丁目8号3号 is typed for 8番3号.
    """
    cdef Py_ssize_t i, end
    for i in range(size):
        if text[i] == u"号":
            end = _digits_end(text, size, i + 1)
            if end > i + 1 and end < size and text[end] == behind:
                text[i] = new


cdef inline bint _floor(const Py_UCS4* text, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
    """Whether what is here makes a floor of the digits before it."""
    return at < size and (text[at] == u"f" or text[at] == u"階")


cdef Py_ssize_t _town_end(const Py_UCS4* text, Py_ssize_t size) noexcept nogil:
    """Where the town ends: at the first digit that does not belong to it, as in 北3条 or 2番町."""
    cdef Py_ssize_t at = 0, end
    cdef Py_UCS4 code, next_one
    while True:
        while at < size and not _digit(text[at]):
            at += 1
        end = _digits_end(text, size, at)
        if end == size:
            return at
        code = text[end]
        next_one = text[end + 1] if end + 1 < size else <Py_UCS4>NEWLINE
        if code == u"条" or code == u"線" or code == u"区" or code == u"軒":
            at = end + 1
        elif code == u"番" and (next_one == u"町" or next_one == u"丁"):
            at = end + 2
        elif code == u"丁" and next_one != u"=":
            at = end + 1
        else:
            return at


cdef Py_ssize_t _number_end(const Py_UCS4* text, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
    """Where a number behind a separator ends; `at` where there is none, or it is a floor."""
    cdef Py_ssize_t end = _digits_end(text, size, at)
    return at if _floor(text, size, end) else end


cdef Py_ssize_t _block_end(const Py_UCS4* text, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
    """Where the block of at most three numbers that begins here ends.

    Two numbers without 丁目 before a 番地; a third one of three digits without 丁目 is a room:
    大山町46-11-205.
    """
    cdef Py_ssize_t first = _digits_end(text, size, at), second, third
    cdef Py_UCS4 code
    if first == size:
        return first
    code = text[first]
    if code == u"=":
        second = _digits_end(text, size, first + 1)
        if second == first + 1:
            return first
        if second < size and (text[second] == u":" or text[second] == HYPHEN):
            third = _number_end(text, size, second + 1)
            if third > second + 1:
                return third
        return second
    if code != u":" and code != HYPHEN:
        return first
    second = _number_end(text, size, first + 1)
    if second == first + 1:
        return first
    if code == HYPHEN and second < size and text[second] == HYPHEN:
        third = _number_end(text, size, second + 1)
        if 0 < third - second - 1 <= 2:
            return third
    return second


cdef str _as_core(
    const Py_UCS4* text, Py_ssize_t size, const uint32_t[::1] core, Py_UCS4* out
):
    """The text by the table of `normalise.CORE`."""
    cdef Py_ssize_t i, at = 0
    cdef uint32_t code
    for i in range(size):
        code = <uint32_t>text[i] + core[text[i]]
        if code != DROP:
            out[at] = code
            at += 1
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, out, at) if at else ""


cdef bint _has_floor(str building) noexcept:
    cdef Py_ssize_t i
    cdef int kind = PyUnicode_KIND(building)
    cdef void* chars = PyUnicode_DATA(building)
    for i in range(PyUnicode_GET_LENGTH(building)):
        if PyUnicode_READ(kind, chars, i) in (u"階", u"号", u"室"):
            return True
    return False


def read_lots(
    list texts not None,
    LotWords words not None,
    const uint8_t[::1] is_kanji,
    const uint32_t[::1] core,
):
    """Towns, blocks and buildings of N texts, and the positions of buildings that may name a floor.

    Digits are ASCII; a town may have a number of its own, as 北3条 and 2番町 have.
    """
    cdef Py_ssize_t i, row, size = 0, town, first, end, rest
    cdef int kind
    cdef void* chars
    cdef str text, building
    cdef Py_UCS4 code
    for text in texts:
        size = max(size, PyUnicode_GET_LENGTH(text))
    cdef Py_UCS4* line = <Py_UCS4*>PyMem_Malloc(2 * (size + 1) * sizeof(Py_UCS4))
    if line == NULL:
        raise MemoryError
    cdef Py_UCS4* out = line + size + 1
    cdef Py_UCS4 after_lot[2]
    cdef Py_UCS4 after_area[2]
    after_lot[0], after_lot[1] = u":", u"-"
    after_area[0], after_area[1] = u"=", u"-"
    towns, blocks, buildings, floors = [], [], [], []
    try:
        for row in range(len(texts)):
            text = texts[row]
            size = PyUnicode_GET_LENGTH(text)
            kind = PyUnicode_KIND(text)
            chars = PyUnicode_DATA(text)
            for i in range(size):
                line[i] = PyUnicode_READ(kind, chars, i)
            size = words.apply(line, size)
            size = _separated(line, size, is_kanji)
            size = _replaced(line, size, after_lot, 2, u":")
            size = _replaced(line, size, after_area, 2, u"=")
            _join_houses(line, size, u":", u"=")
            _join_houses(line, size, u"号", u":")
            town = _town_end(line, size)
            end = _block_end(line, size, town)
            rest = end
            if end > town:
                if rest < size and (line[rest] == u"=" or line[rest] == u":"):
                    rest += 1
                if rest < size and line[rest] == u"号":
                    rest += 1
            towns.append(_as_core(line, town, core, out))
            for i in range(town, end):
                code = line[i]
                out[i - town] = HYPHEN if code == u"=" or code == u":" else code
            blocks.append(
                PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, out, end - town) if end > town else ""
            )
            building = _as_core(&line[rest], size - rest, core, out)
            buildings.append(building)
            if _has_floor(building):
                floors.append(row)
    finally:
        PyMem_Free(line)
    return towns, blocks, buildings, floors


cdef inline bint _may_number(Py_UCS4 code) noexcept nogil:
    """Whether a kanji numeral before this character may number something; NEWLINE is the end."""
    return code in (
        u"丁", u"番", u"号", u"条", u"線", u"地", u"-", u"の", u"ノ", u" ", u"\n"
    )


def to_read_first(list texts not None, const uint8_t[::1] is_numeral):
    """Positions of texts that may hold a kanji number of a lot, or a lot that became a date."""
    cdef Py_ssize_t i, row, size
    cdef int kind
    cdef void* chars
    cdef str text
    cdef Py_UCS4 code, after
    cdef bint hit
    found = []
    for row in range(len(texts)):
        text = texts[row]
        size = PyUnicode_GET_LENGTH(text)
        kind = PyUnicode_KIND(text)
        chars = PyUnicode_DATA(text)
        after = PyUnicode_READ(kind, chars, 0) if size else <Py_UCS4>NEWLINE
        for i in range(size):
            code = after
            after = PyUnicode_READ(kind, chars, i + 1) if i + 1 < size else <Py_UCS4>NEWLINE
            if code < 0x3000:
                hit = code == HYPHEN and 97 <= after <= 122
            elif is_numeral[code]:
                hit = _may_number(after)
            else:
                hit = _digit(after) and (code == u"月" or code == u"線" or code == u"布")
            if hit:
                found.append(row)
                break
    return found


def separate(str text, const uint8_t[::1] is_kanji):
    """Particles and single lot words of a text as addresses are read."""
    cdef Py_ssize_t i, size = PyUnicode_GET_LENGTH(text)
    cdef Py_UCS4* line = <Py_UCS4*>PyMem_Malloc((size + 1) * sizeof(Py_UCS4))
    if line == NULL:
        raise MemoryError
    try:
        for i in range(size):
            line[i] = text[i]
        size = _separated(line, size, is_kanji)
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line, size)
    finally:
        PyMem_Free(line)
