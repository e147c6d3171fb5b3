# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The names of one client compared with those of many companies: their spelling features."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free
from libc.string cimport memcmp

from linkage_rl.features._alike cimport (
    Buffer,
    Prepared,
    common,
    edits,
    jaro_winkler,
    number,
    partial_ratio,
    prepare,
    ratio,
    release,
    reserve,
)
from linkage_rl.text._likeness cimport (
    MARKED,
    READ_ALIKE,
    Likeness,
    kinds_in,
    only_marks,
    read_alike_form,
)

DEF FIELDS = 4
DEF LOST = 0x3013


cdef struct Text:
    const uint32_t* at
    int64_t size


cdef struct Column:
    const uint32_t* offsets
    const uint8_t* blob


cdef struct Client:
    Text core
    Text stem
    Text kana
    Text latin
    Text loose
    int core_kinds
    bint lost
    Prepared prepared_core
    Prepared prepared_stem
    Prepared prepared_kana
    Prepared prepared_latin
    Prepared prepared_loose
    Prepared prepared_other
    Buffer forms


cdef struct Company:
    # the field that is being compared
    Text text
    Buffer chars
    Buffer numbers
    Buffer matched
    Buffer loose
    Buffer own_marks
    Buffer marks


cdef inline bint _equal(Text a, Text b) noexcept nogil:
    return a.size == b.size and (a.size == 0 or memcmp(a.at, b.at, a.size * 4) == 0)


cdef inline bint _decode(Column column, int64_t document, Company* out) noexcept nogil:
    """Read a text, which is UTF-8, and make room for the others; False where there is no memory."""
    cdef int64_t i = column.offsets[document], end = column.offsets[document + 1], size = 0
    cdef const uint8_t* byte = column.blob
    cdef uint32_t* chars = <uint32_t*>reserve(&out.chars, 4 * (end - i + 1))
    if chars == NULL:
        return False
    while i < end:
        if byte[i] < 0x80:
            chars[size] = byte[i]
            i += 1
        elif byte[i] < 0xE0 and i + 1 < end:
            chars[size] = (<uint32_t>byte[i] & 0x1F) << 6 | (byte[i + 1] & 0x3F)
            i += 2
        elif byte[i] < 0xF0 and i + 2 < end:
            chars[size] = (
                (<uint32_t>byte[i] & 0x0F) << 12
                | (<uint32_t>byte[i + 1] & 0x3F) << 6
                | (byte[i + 2] & 0x3F)
            )
            i += 3
        elif i + 3 < end:
            chars[size] = (
                (<uint32_t>byte[i] & 0x07) << 18
                | (<uint32_t>byte[i + 1] & 0x3F) << 12
                | (<uint32_t>byte[i + 2] & 0x3F) << 6
                | (byte[i + 3] & 0x3F)
            )
            i += 4
        else:
            break
        size += 1
    out.text.at = chars
    out.text.size = size
    return (
        reserve(&out.numbers, 4 * size + 4) != NULL and reserve(&out.matched, 8 * size + 8) != NULL
    )


cdef inline bint _prepare_core(Client* own, Likeness tables, Text core, Text stem) noexcept nogil:
    """Prepare the core and what follows from it; the stem is compared only where it differs."""
    cdef uint32_t* forms = <uint32_t*>reserve(&own.forms, 12 * core.size + 12)
    if forms == NULL:
        return False
    own.core = core
    own.stem = stem
    own.core_kinds = kinds_in(tables, core.at, core.size)
    own.loose = core
    if own.core_kinds & READ_ALIKE:
        own.loose.at = forms
        own.loose.size = read_alike_form(tables, core.at, core.size, forms + 2 * core.size, forms)
    return (
        prepare(&own.prepared_core, core.at, core.size)
        and prepare(&own.prepared_stem, stem.at, stem.size)
        and prepare(&own.prepared_loose, own.loose.at, own.loose.size)
    )


cdef inline bint _completes(Text lost, Text other) noexcept nogil:
    """Whether another text has a character for every lost one of this text."""
    cdef int64_t i
    cdef bint any_lost = False
    if lost.size != other.size:
        return False
    for i in range(lost.size):
        any_lost |= lost.at[i] == LOST
        if lost.at[i] != LOST and lost.at[i] != other.at[i]:
            return False
    return any_lost


cdef inline int64_t _shared(Text a, Text b, bint at_end) noexcept nogil:
    """Number of leading characters that two texts share, or of trailing ones."""
    cdef int64_t i = 0, shorter = min(a.size, b.size)
    while i < shorter and (
        a.at[a.size - 1 - i] == b.at[b.size - 1 - i] if at_end else a.at[i] == b.at[i]
    ):
        i += 1
    return i


cdef inline bint _compare_marks(
    const Client* own, Likeness tables, Company* company, int kinds, float* out
) noexcept nogil:
    """Write whether the marks of two cores differ, and whether nothing else does."""
    cdef Text mine = own.core, its = company.text, a, b
    cdef uint32_t* mine_out
    cdef uint32_t* its_out
    cdef bint marks = True
    if not (kinds | own.core_kinds) & MARKED or _equal(mine, its):
        return True
    mine_out = <uint32_t*>reserve(&company.own_marks, 8 * mine.size + 8)
    its_out = <uint32_t*>reserve(&company.marks, 8 * its.size + 8)
    if mine_out == NULL or its_out == NULL:
        return False
    a.at = mine_out
    b.at = its_out
    a.size = only_marks(tables, mine.at, mine.size, True, mine_out)
    b.size = only_marks(tables, its.at, its.size, True, its_out)
    if not _equal(a, b):
        a.size = only_marks(tables, mine.at, mine.size, False, mine_out)
        b.size = only_marks(tables, its.at, its.size, False, its_out)
        out[9] = 1
        out[10] = _equal(a, b)
    return True


cdef inline bint _compare_loose(
    Client* own, Likeness tables, Company* company, int kinds, float* out
) noexcept nogil:
    """Write the edits between two cores as they are read, and whether there are none."""
    cdef Text its = company.text
    cdef uint32_t* loose
    cdef int32_t* numbers
    cdef int64_t distance = 0
    if kinds & READ_ALIKE:
        loose = <uint32_t*>reserve(&company.loose, 12 * its.size + 12)
        if loose == NULL:
            return False
        its.size = read_alike_form(tables, its.at, its.size, loose + 2 * its.size, loose)
        its.at = loose
    if not _equal(own.loose, its):
        numbers = <int32_t*>reserve(&company.numbers, 4 * its.size + 4)
        if numbers == NULL:
            return False
        number(&own.prepared_loose, its.at, its.size, numbers)
        distance = edits(
            &own.prepared_loose, numbers, its.at, its.size, <uint32_t*>company.matched.at
        )
    out[7] = <float>1 / (<float>1 + <float>distance)
    out[8] = distance == 0
    return True


cdef inline bint _compare_cores(
    Client* own, Likeness tables, Company* company, float* out
) noexcept nogil:
    """Write the features of two cores that are not empty."""
    cdef Text mine = own.core, its = company.text
    cdef int32_t* numbers = <int32_t*>company.numbers.at
    cdef int64_t shorter = min(mine.size, its.size), length
    cdef int kinds = kinds_in(tables, its.at, its.size)
    cdef double partial
    cdef int32_t* scratch = <int32_t*>reserve(&company.own_marks, 4 * mine.size + 4)
    if scratch == NULL:
        return False
    number(&own.prepared_core, its.at, its.size, numbers)
    length = common(&own.prepared_core, numbers, its.size)
    partial = partial_ratio(
        &own.prepared_core, numbers, its.at, its.size, length, &own.prepared_other, scratch
    )
    if partial < 0:
        return False
    out[0] = <float>ratio(length, mine.size, its.size)
    out[1] = <float>jaro_winkler(
        &own.prepared_core, numbers, its.at, its.size, <uint32_t*>company.matched.at
    )
    out[2] = <float>(<double>_shared(mine, its, False) / shorter)
    out[3] = <float>(<double>_shared(mine, its, True) / shorter)
    out[4] = <float>(partial * 100) / <float>100
    out[5] = out[0]
    if not _equal(mine, own.stem):
        number(&own.prepared_stem, its.at, its.size, numbers)
        length = common(&own.prepared_stem, numbers, its.size)
        out[5] = <float>ratio(length, own.stem.size, its.size)
    out[6] = <float>(<double>shorter / max(mine.size, its.size))
    return (
        _compare_marks(own, tables, company, kinds, out)
        and _compare_loose(own, tables, company, kinds, out)
    )


cdef inline bint _compare_completed(
    Client* own, Likeness tables, Company* company, float* out
) noexcept nogil:
    """`_compare_cores` where lost characters of the client may be those of the company."""
    cdef Text core = own.core, stem = own.stem
    cdef bint complete = _completes(core, company.text), enough
    if not complete and not _completes(stem, company.text):
        return _compare_cores(own, tables, company, out)
    enough = _prepare_core(
        own, tables, company.text if complete else core,
        company.text if _completes(stem, company.text) else stem,
    ) and _compare_cores(own, tables, company, out)
    return _prepare_core(own, tables, core, stem) and enough


cdef inline bint compare_texts(
    Client* own, Likeness tables, const Column* fields, int64_t document, Company* company,
    float* out,
) noexcept nogil:
    """Write the features of a client and a document; False where there is no memory."""
    cdef int32_t* numbers
    cdef int64_t length
    if own.core.size:
        if not _decode(fields[0], document, company):
            return False
        # rapidfuzz gives two empty texts the similarity 1
        if company.text.size and not (
            _compare_completed(own, tables, company, out) if own.lost
            else _compare_cores(own, tables, company, out)
        ):
            return False
    out[13] = 1
    if own.kana.size:
        if not _decode(fields[1], document, company):
            return False
        if company.text.size:
            numbers = <int32_t*>company.numbers.at
            number(&own.prepared_kana, company.text.at, company.text.size, numbers)
            length = common(&own.prepared_kana, numbers, company.text.size)
            out[11] = <float>ratio(length, own.kana.size, company.text.size)
            out[12] = <float>jaro_winkler(
                &own.prepared_kana, numbers, company.text.at, company.text.size,
                <uint32_t*>company.matched.at,
            )
            out[13] = 0
    if own.latin.size:
        if not _decode(fields[2], document, company):
            return False
        if company.text.size:
            numbers = <int32_t*>company.numbers.at
            number(&own.prepared_latin, company.text.at, company.text.size, numbers)
            length = common(&own.prepared_latin, numbers, company.text.size)
            out[14] = <float>ratio(length, own.latin.size, company.text.size)
    return True


cdef inline Text _text(const uint32_t* codes, const int64_t* ends, int64_t place) noexcept nogil:
    cdef Text text
    text.at = codes + ends[place]
    text.size = ends[place + 1] - ends[place]
    return text


cdef inline bint begin_client(
    Client* own, Likeness tables, const uint32_t* codes, const int64_t* ends, int64_t client
) noexcept nogil:
    """Prepare the texts of a client; False where there is no memory."""
    cdef int64_t at = FIELDS * client, i
    cdef Text core = _text(codes, ends, at), stem = _text(codes, ends, at + 1)
    own.kana = _text(codes, ends, at + 2)
    own.latin = _text(codes, ends, at + 3)
    own.lost = False
    for i in range(core.size):
        own.lost |= core.at[i] == LOST
    for i in range(stem.size):
        own.lost |= stem.at[i] == LOST
    return (
        _prepare_core(own, tables, core, stem)
        and prepare(&own.prepared_kana, own.kana.at, own.kana.size)
        and prepare(&own.prepared_latin, own.latin.at, own.latin.size)
    )


cdef inline void release_names(Client* own, Company* company) noexcept nogil:
    release(&own.prepared_core)
    release(&own.prepared_stem)
    release(&own.prepared_kana)
    release(&own.prepared_latin)
    release(&own.prepared_loose)
    release(&own.prepared_other)
    free(own.forms.at)
    free(company.chars.at)
    free(company.numbers.at)
    free(company.matched.at)
    free(company.loose.at)
    free(company.own_marks.at)
    free(company.marks.at)
