# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Forms of a core that kernels compare, see `likeness`; texts are arrays of code points."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

DEF CODES = 0x10000
DEF DROPPED = 0x110000

cdef enum:
    SOUND = 1
    NUMERAL = 2
    WORD = 4
    SILENT = 8
    MARK = 16
    READ_ALIKE = 15
    MARKED = 18

cdef enum:
    VU = 0x30F4
    TEN = 0x5341


cdef class Likeness:
    """Tables of `likeness`, in the form in which kernels read them."""

    cdef uint8_t kinds[CODES]
    cdef uint32_t sounds[CODES]
    cdef uint32_t voiced[16][3]
    cdef uint32_t words[16][4]
    cdef int64_t voiced_count, words_count, longest


cdef inline int kinds_in(Likeness tables, const uint32_t* text, int64_t size) noexcept nogil:
    """Kinds of the characters of a text, one bit each."""
    cdef int kinds = 0
    cdef int64_t i
    for i in range(size):
        if text[i] < CODES:
            kinds |= tables.kinds[text[i]]
    return kinds


cdef inline bint _is(Likeness tables, uint32_t char, int kind) noexcept nogil:
    return char < CODES and tables.kinds[char] & kind != 0


cdef inline int _value(uint32_t char) noexcept nogil:
    """Value of a kanji numeral below ten."""
    if char == 0x4E00:
        return 1
    if char == 0x4E8C:
        return 2
    if char == 0x4E09:
        return 3
    if char == 0x56DB:
        return 4
    if char == 0x4E94:
        return 5
    if char == 0x516D:
        return 6
    if char == 0x4E03:
        return 7
    if char == 0x516B:
        return 8
    return 9 if char == 0x4E5D else 0


cdef inline int64_t _add(
    uint32_t* total, int64_t digits, const uint32_t* numeral, int64_t size, bint tens
) noexcept nogil:
    """Add a number to another one, whose digits come last to first; returns how many it has then.

    Args:
        numeral: Kanji digits, first to last; tens of them where so, of which there is one at least.
    """
    cdef int64_t place = 0, i, places = max(size, 1) + tens
    cdef uint32_t carry = 0
    cdef bint zero = True
    for i in range(size):
        zero = zero and _value(numeral[i]) == 0
    while place < places or carry:
        if place == digits:
            total[digits] = 0
            digits += 1
        if zero:
            carry += tens and place == 1
        elif place >= tens and place < size + tens:
            carry += _value(numeral[size + tens - 1 - place])
        carry += total[place]
        total[place] = carry % 10
        carry = carry // 10
        place += 1
    return digits


cdef inline int64_t _number(const uint32_t* numeral, int64_t size, uint32_t* out) noexcept nogil:
    """Write the digits of a kanji numeral by place or by unit; returns how many, <= size + 1."""
    cdef int64_t i, begin = 0, digits = 0
    cdef uint32_t digit
    for i in range(size):
        if numeral[i] == TEN:
            digits = _add(out, digits, &numeral[begin], i - begin, True)
            begin = i + 1
    if begin == 0:
        for i in range(size):
            out[i] = 48 + _value(numeral[i])
        return size
    digits = _add(out, digits, &numeral[begin], size - begin, False)
    while digits > 1 and out[digits - 1] == 0:
        digits -= 1
    for i in range((digits + 1) // 2):
        digit = out[i]
        out[i] = 48 + out[digits - 1 - i]
        out[digits - 1 - i] = 48 + digit
    return digits


cdef inline int64_t in_digits(
    Likeness tables, const uint32_t* text, int64_t size, uint32_t* out
) noexcept nogil:
    """Write a text with kanji numerals in digits, at most twice as long; returns its length."""
    cdef int64_t i = 0, end, length = 0
    while i < size:
        end = i
        while end < size and _is(tables, text[end], NUMERAL):
            end += 1
        if end > i:
            length += _number(&text[i], end - i, &out[length])
            i = end
        else:
            out[length] = text[i]
            length += 1
            i += 1
    return length


cdef inline uint32_t _katakana(uint32_t char) noexcept nogil:
    return char + 0x60 if 0x3041 <= char < 0x3097 else char


cdef inline int64_t _as_sounded(
    Likeness tables, const uint32_t* text, int64_t size, uint32_t* out
) noexcept nogil:
    """Write a text with kana spelled as they sound, not longer; returns its length."""
    cdef int64_t i = 0, k, length = 0
    cdef uint32_t char, after
    cdef bint found
    while i < size:
        char = text[i]
        i += 1
        if _katakana(char) == VU and i < size:
            after = _katakana(text[i])
            found = False
            for k in range(tables.voiced_count):
                if tables.voiced[k][0] == after:
                    out[length] = tables.voiced[k][1]
                    length += 1
                    if tables.voiced[k][2]:
                        out[length] = tables.voiced[k][2]
                        length += 1
                    found = True
            if found:
                i += 1
                continue
        if char < CODES:
            char = tables.sounds[char]
        if char != DROPPED:
            out[length] = char
            length += 1
    return length


cdef inline int64_t read_alike_form(
    Likeness tables, const uint32_t* text, int64_t size, uint32_t* scratch, uint32_t* out
) noexcept nogil:
    """Write `likeness.read_alike` of a text; returns its length.

    Args:
        scratch: As long as the text.
        out: Twice as long as the text.
    """
    cdef int64_t i, k, length, kept = 0
    length = _as_sounded(tables, text, min(size, tables.longest), scratch)
    length = in_digits(tables, scratch, length, out)
    for i in range(length):
        if _is(tables, out[i], SILENT):
            continue
        if i + 1 < length and _is(tables, out[i], WORD):
            for k in range(tables.words_count):
                if tables.words[k][0] == out[i] and tables.words[k][1] == out[i + 1]:
                    out[i] = tables.words[k][2]
                    out[i + 1] = tables.words[k][3]
                    break
        out[kept] = out[i]
        kept += 1
    return kept


cdef inline int64_t only_marks(
    Likeness tables, const uint32_t* text, int64_t size, bint marks, uint32_t* out
) noexcept nogil:
    """Write `likeness.marks` of a text, or what is left without them; returns its length.

    Args:
        out: Twice as long as the text.
    """
    cdef int64_t i, kept = 0
    cdef int64_t length = in_digits(tables, text, min(size, tables.longest), out)
    for i in range(length):
        if _is(tables, out[i], MARK) == marks:
            out[kept] = out[i]
            kept += 1
    return kept
