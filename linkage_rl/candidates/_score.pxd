# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How alike a client and a company are by their packed rows and name n-grams: orders candidates."""

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from linkage_rl.candidates._narrow cimport number_at
from linkage_rl.candidates._rows cimport Row

DEF WORDS = 16


cdef struct NameScore:
    float cosine[3]
    float client_cover
    float company_cover


cdef struct NameLists:
    # the n-grams of one name, prepared for comparisons with many others
    const int32_t* grams
    const uint32_t* ends
    float mass[3]
    # bit g % BITS of field f is set where the field has n-gram g
    uint64_t held[3][WORDS]


cdef inline void prepare_name(
    const int32_t* grams, const uint32_t* ends, const float* idf, NameLists* out
) noexcept nogil:
    """Sum the weights of each field, and note its n-grams so that most others need no search."""
    cdef int field
    cdef int64_t i
    cdef int32_t gram
    memset(out.held, 0, sizeof(out.held))
    out.grams = grams
    out.ends = ends
    for field in range(3):
        out.mass[field] = 0
        for i in range(ends[field], ends[field + 1]):
            gram = grams[i]
            out.mass[field] += idf[gram] * idf[gram]
            out.held[field][(gram >> 6) & (WORDS - 1)] |= <uint64_t>1 << (gram & 63)


cdef inline void compare_names(
    const NameLists* a, const uint8_t* b_grams, const uint32_t* b_ends,
    const float* idf, NameScore* out,
) noexcept nogil:
    """Cosine of idf-weighted n-grams of core, kana and Latin name, each in [0, 1].

    The n-grams of the second name are `narrow`. A cover is the share of one core's weight that the other core has, too: the client of
    '山田商事大阪' covers less of itself than the company '山田商事' does.
    """
    cdef int field
    cdef int64_t i, i_end, j
    cdef int32_t gram
    cdef float shared, mass
    out.client_cover = 0
    out.company_cover = 0
    for field in range(3):
        out.cosine[field] = 0
        i = a.ends[field]
        i_end = a.ends[field + 1]
        if i == i_end:
            continue
        shared = 0
        for j in range(b_ends[field], b_ends[field + 1]):
            gram = number_at(b_grams, j)
            if a.held[field][(gram >> 6) & (WORDS - 1)] >> (gram & 63) & 1:
                while i < i_end and a.grams[i] < gram:
                    i += 1
                if i < i_end and a.grams[i] == gram:
                    shared += idf[gram] * idf[gram]
        if shared == 0:
            continue
        mass = 0
        for j in range(b_ends[field], b_ends[field + 1]):
            gram = number_at(b_grams, j)
            mass += idf[gram] * idf[gram]
        # Rounding can lift the cosine of equal names above 1.
        out.cosine[field] = min(shared / <float>sqrt(a.mass[field] * mass), <float>1)
        if field == 0:
            out.client_cover = shared / a.mass[0]
            out.company_cover = shared / mass


cdef inline float place_agreement(const Row* a, const Row* b) noexcept nogil:
    """Agreement of two places in [0, 1]: from the prefecture to the house number."""
    cdef float score = 0
    cdef int32_t p, q
    if a.prefecture and a.prefecture == b.prefecture:
        score = 0.25
    if a.postal >= 0 and b.postal >= 0:
        p = a.postal
        q = b.postal
        if p == q:
            score = 0.7
        elif p // 10000 == q // 10000 and score < 0.5:
            score = 0.5
    if a.city and a.city == b.city:
        if score < 0.5:
            score = 0.5
        if a.town and a.town == b.town:
            if score < 0.75:
                score = 0.75
            if a.block[0] and a.block[0] == b.block[0]:
                score = 0.85
                if a.block[1] == b.block[1]:
                    score = 0.95
                    if a.block[2] == b.block[2]:
                        score = 1.0
    return score


cdef inline float name_agreement(
    const Row* a, const Row* b, const NameScore* names, bint former
) noexcept nogil:
    """Agreement of two names in [0, 1]; a former name of the company counts as an equal one."""
    cdef float name = names.cosine[0]
    if former or (a.core and a.core == b.core):
        name = 1
    elif name < <float>0.97 and a.stem and (a.stem == b.stem or a.stem == b.core):
        name = <float>0.97
    if names.cosine[1] * 0.95 > name:
        name = names.cosine[1] * <float>0.95
    if names.cosine[2] * 0.95 > name:
        name = names.cosine[2] * <float>0.95
    if names.client_cover * names.client_cover * 0.8 > name:
        name = names.client_cover * names.client_cover * <float>0.8
    if names.company_cover * names.company_cover * 0.8 > name:
        name = names.company_cover * names.company_cover * <float>0.8
    return name


cdef inline float retrieval_score(
    const Row* a, const Row* b, const NameScore* names, bint former
) noexcept nogil:
    """How promising a pair is, in [0, 1]: orders candidates within a blocker and within the slots.

    It depends on the pair only, not on the blocker that found it. `former` says that the client's
    name is a former name of the company, which counts as an equal name.
    """
    cdef float name, score, place
    name = name_agreement(a, b, names, former)
    place = place_agreement(a, b)
    score = <float>0.55 * name + <float>0.2 * place
    # A company at exactly the client's address may have been renamed.
    if place >= <float>0.95:
        score += <float>0.15
    if a.name and a.name == b.name:
        score += <float>0.06
    if a.form and a.form == b.form:
        score += <float>0.03
    if a.kana and a.kana == b.kana:
        score += <float>0.04
    if a.phone and a.phone == b.phone:
        score += <float>0.06
    if a.domain and a.domain == b.domain:
        score += <float>0.03
    if a.corporate and a.corporate == b.corporate:
        score += <float>0.03
    return min(score, <float>1)
