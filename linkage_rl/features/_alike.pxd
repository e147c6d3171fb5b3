# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How alike two texts are: a text prepared once is compared with any number of others.

Texts are arrays of code points. The length of the longest common subsequence (LCS) comes from words
of bits, one for each character of the prepared text (Hyyrö, "Bit-parallel LCS-length computation
revisited", 2004), the edit distance likewise (Hyyrö, "A bit-vector algorithm for computing
Levenshtein and Damerau edit distances", 2003). The scores are those of rapidfuzz to the bit.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset


cdef struct Buffer:
    void* at
    int64_t size


cdef inline void* reserve(Buffer* buffer, int64_t size) noexcept nogil:
    """Memory of at least this many bytes; NULL where there is none. What was in it may be lost."""
    cdef void* larger
    if size > buffer.size or buffer.at == NULL:
        larger = realloc(buffer.at, 2 * size + 64)
        if larger == NULL:
            return NULL
        buffer.at = larger
        buffer.size = 2 * size + 64
    return buffer.at


cdef struct Prepared:
    const uint32_t* text
    int64_t size
    # words of bits per character; the last one has a bit to spare
    int64_t words
    uint32_t slot_mask
    uint32_t* slots
    int32_t* numbers
    # where each distinct character occurs, one bit per place; none for number 0
    uint64_t* forward
    # the same of the reversed text
    uint64_t* backward
    uint64_t* state
    Buffer memory


cdef inline int64_t _slot(const Prepared* own, uint32_t char) noexcept nogil:
    """The slot of a character, or the empty one where it would be."""
    cdef uint32_t at = (char * <uint32_t>2654435761) >> 16
    while own.numbers[at & own.slot_mask] and own.slots[at & own.slot_mask] != char:
        at += 1
    return at & own.slot_mask


cdef inline bint prepare(Prepared* own, const uint32_t* text, int64_t size) noexcept nogil:
    """Prepare a text, which must outlive its use; False where there is no memory."""
    cdef int64_t slots = 32, words = size // 64 + 1, i, place
    cdef int32_t known = 0
    cdef void* at
    while slots < 2 * size:
        slots *= 2
    at = reserve(&own.memory, (2 * (size + 1) + 4) * words * 8 + slots * 8)
    if at == NULL:
        return False
    own.text = text
    own.size = size
    own.words = words
    own.slot_mask = <uint32_t>(slots - 1)
    own.forward = <uint64_t*>at
    own.backward = own.forward + (size + 1) * words
    own.state = own.backward + (size + 1) * words
    own.slots = <uint32_t*>(own.state + 4 * words)
    own.numbers = <int32_t*>(own.slots + slots)
    memset(own.numbers, 0, slots * 4)
    memset(own.forward, 0, words * 8)
    memset(own.backward, 0, words * 8)
    for i in range(size):
        place = _slot(own, text[i])
        if own.numbers[place] == 0:
            known += 1
            own.numbers[place] = known
            own.slots[place] = text[i]
            memset(own.forward + known * words, 0, words * 8)
            memset(own.backward + known * words, 0, words * 8)
        place = own.numbers[place] * words
        own.forward[place + i // 64] |= <uint64_t>1 << (i % 64)
        own.backward[place + (size - 1 - i) // 64] |= <uint64_t>1 << ((size - 1 - i) % 64)
    return True


cdef inline void release(Prepared* own) noexcept nogil:
    """Free the memory."""
    free(own.memory.at)


cdef inline void number(
    const Prepared* own, const uint32_t* text, int64_t size, int32_t* out
) noexcept nogil:
    """Write the number of each character of a text in the prepared one, 0 where it has none."""
    cdef int64_t i
    for i in range(size):
        out[i] = own.numbers[_slot(own, text[i])]


cdef inline void _begin(Prepared* own) noexcept nogil:
    memset(own.state, 0xFF, own.words * 8)
    own.state[own.words - 1] = (<uint64_t>1 << (own.size % 64)) - 1


cdef inline int64_t _step(
    uint64_t* state, const uint64_t* masks, int64_t words, int64_t size
) noexcept nogil:
    """Add one character to the other text; returns by how much the LCS grows, 0 or 1."""
    cdef uint64_t last = <uint64_t>1 << (size % 64), shared, total, carry = 0
    cdef int64_t w
    if words == 1:
        shared = state[0] & masks[0]
        total = state[0] + shared
        state[0] = (total | (state[0] - shared)) & (last - 1)
        return total >= last
    for w in range(words):
        shared = state[w] & masks[w]
        total = state[w] + shared
        total += carry
        carry = total < shared or (carry and total == shared)
        state[w] = total | (state[w] - shared)
    shared = state[words - 1] & last
    state[words - 1] &= last - 1
    return shared != 0


cdef inline int64_t _lcs(
    Prepared* own, const uint64_t* masks, const int32_t* text, int64_t size, int64_t stride
) noexcept nogil:
    """LCS of the prepared text and another one, given by the numbers of its characters."""
    cdef int64_t i, length = 0
    _begin(own)
    for i in range(size):
        length += _step(own.state, masks + text[i * stride] * own.words, own.words, own.size)
    return length


cdef inline int64_t common(Prepared* own, const int32_t* text, int64_t size) noexcept nogil:
    """Length of the longest common subsequence, see `number`."""
    return _lcs(own, own.forward, text, size, 1)


cdef inline double ratio(int64_t length, int64_t size, int64_t other_size) noexcept nogil:
    """Normalised indel similarity of two texts, not both empty, with an LCS of this length."""
    cdef double all_chars = size + other_size
    return 1.0 - (size + other_size - 2 * length) / all_chars


cdef inline double jaro_winkler(
    Prepared* own, const int32_t* numbers, const uint32_t* text, int64_t size, uint32_t* matched
) noexcept nogil:
    """Jaro-Winkler similarity of two texts that are not empty (Winkler, 1990).

    Args:
        numbers: Of the other text's characters, see `number`.
        text: The other text.
        matched: Scratch of its size.
    """
    cdef int64_t words = own.words, longer = max(own.size, size), i, w, low, high, found = 0
    cdef int64_t bound = longer // 2, prefix = 0, order = 0, moved = 0
    cdef uint64_t free_places
    cdef double score
    cdef uint64_t* taken = own.state
    bound -= bound > 0
    if own.size == 1 and size == 1:
        return own.text[0] == text[0]
    memset(taken, 0, words * 8)
    for i in range(min(size, own.size + bound)):
        if numbers[i] == 0:
            continue
        low = max(i - bound, 0)
        high = min(i + bound, own.size - 1)
        for w in range(low // 64, high // 64 + 1):
            free_places = own.forward[numbers[i] * words + w] & ~taken[w]
            if w == low // 64:
                free_places &= ~<uint64_t>0 << (low % 64)
            if w == high // 64:
                free_places &= ~<uint64_t>0 >> (63 - high % 64)
            if free_places:
                taken[w] |= free_places & (~free_places + 1)
                matched[found] = text[i]
                found += 1
                break
    if found == 0:
        return 0
    for i in range(own.size):
        if taken[i // 64] >> (i % 64) & 1:
            moved += own.text[i] != matched[order]
            order += 1
    score = <double>found / own.size
    score += <double>found / size
    score += (<double>found - <double>(moved // 2)) / <double>found
    score /= 3.0
    while prefix < min(4, min(own.size, size)) and own.text[prefix] == text[prefix]:
        prefix += 1
    if score > 0.7:
        score += prefix * 0.1 * (1.0 - score)
        score = min(score, 1.0)
    return score


cdef inline int64_t edits(
    Prepared* own, const int32_t* numbers, const uint32_t* text, int64_t size, uint32_t* row
) noexcept nogil:
    """Levenshtein distance of two texts.

    Args:
        numbers: Of the other text's characters, see `number`.
        text: The other text.
        row: Scratch, one longer than the other text.
    """
    cdef int64_t i, k, distance = own.size
    cdef uint32_t diagonal, above
    cdef uint64_t up, down, matches, crossed, right, left, last
    if own.size == 0:
        return size
    if own.words == 1:
        last = <uint64_t>1 << (own.size - 1)
        up = ~<uint64_t>0
        down = 0
        for i in range(size):
            matches = own.forward[numbers[i]]
            crossed = (((matches & up) + up) ^ up) | matches | down
            right = down | ~(crossed | up)
            left = crossed & up
            distance += (right & last) != 0
            distance -= (left & last) != 0
            right = (right << 1) | 1
            left <<= 1
            up = left | ~(crossed | right)
            down = right & crossed
        return distance
    for i in range(size + 1):
        row[i] = <uint32_t>i
    for k in range(own.size):
        diagonal = row[0]
        row[0] = <uint32_t>(k + 1)
        for i in range(size):
            above = row[i + 1]
            row[i + 1] = min(
                min(above, row[i]) + 1, diagonal + <uint32_t>(own.text[k] != text[i])
            )
            diagonal = above
    return row[size]


cdef struct Best:
    # LCS of two texts, and the characters of both: their ratio is twice the one over the other
    int64_t length
    int64_t chars


cdef inline void _keep(Best* best, int64_t length, int64_t chars) noexcept nogil:
    if length * best.chars > best.length * chars:
        best.length = length
        best.chars = chars


cdef inline void _ends(
    Prepared* own, const uint64_t* masks, const int32_t* text, int64_t size, int64_t stride,
    Best* best,
) noexcept nogil:
    """Compare the shorter text with what the longer one begins with, up to as many characters."""
    cdef int64_t i, length = 0
    _begin(own)
    for i in range(min(size, own.size)):
        length += _step(own.state, masks + text[i * stride] * own.words, own.words, own.size)
        if own.size <= size:
            _keep(best, length, own.size + i + 1)
    if own.size < size:
        return
    length = 0
    for i in range(size):
        # a bit that is 0 is a character of the LCS with that part of the prepared text
        length += not own.state[i // 64] >> (i % 64) & 1
        _keep(best, length, size + i + 1)


cdef inline void _windows(
    Prepared* own, const int32_t* text, int64_t size, Best* best
) noexcept nogil:
    """Compare the prepared text with all parts of its length of a longer one."""
    cdef int64_t at = 1, length, needed
    while at < size - own.size:
        needed = best.length * 2 * own.size // best.chars + 1
        if needed > own.size:
            return
        length = _lcs(own, own.forward, text + at, own.size, 1)
        _keep(best, length, 2 * own.size)
        # the LCS with the next part differs by one at most
        at += max(needed - length, 1)


cdef inline double partial_ratio(
    Prepared* own, const int32_t* numbers, const uint32_t* text, int64_t size, int64_t length,
    Prepared* other, int32_t* scratch,
) noexcept nogil:
    """Best ratio of the shorter text and a part of the longer one, in [0, 1]; neither is empty.

    A part has the length of the shorter text, or is shorter and at an edge. -1 where there is no
    memory.

    Args:
        numbers: Of the other text's characters, see `number`.
        text: The other text.
        length: LCS of both texts.
        other: Scratch, prepared where it is needed.
        scratch: As long as the prepared text.
    """
    cdef Best best
    cdef int64_t shorter = min(own.size, size)
    best.length = 0
    best.chars = 1
    if length == 0:
        return 0
    _ends(own, own.forward, numbers, size, 1, &best)
    _ends(own, own.backward, numbers + size - 1, size, -1, &best)
    # no part has more in common with the shorter text than the whole
    if length * best.chars > best.length * 2 * shorter:
        if own.size < size:
            _windows(own, numbers, size, &best)
        elif size < own.size:
            if not prepare(other, text, size):
                return -1
            number(other, own.text, own.size, scratch)
            _windows(other, scratch, own.size, &best)
    return 1.0 - (best.chars - 2 * best.length) / <double>best.chars
