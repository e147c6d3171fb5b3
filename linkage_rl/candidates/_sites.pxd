# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which rows of a company with several sites fit a client best, and how well the company does."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._score cimport (
    NameLists, NameScore, compare_names, name_agreement, place_agreement,
)

cdef enum:
    NAME = 0
    PLACE = 1
    PHONE = 2
    DOMAIN = 3
    NUMBER = 4
    GROUPS = 5


cdef inline float _place_value(const Row* client, const Row* row) noexcept nogil:
    """Orders sites by place; the other fields decide among sites of equal agreement."""
    cdef float value = place_agreement(client, row)
    if client.building and client.building == row.building:
        value += <float>0.02
    if client.phone and client.phone == row.phone:
        value += <float>0.01
    elif client.phone_area and client.phone_area == row.phone_area:
        value += <float>0.004
    if client.domain and client.domain == row.domain:
        value += <float>0.002
    return value


cdef inline float _name_value(
    const Row* client, const Row* row, const NameScore* names
) noexcept nogil:
    cdef float value = name_agreement(client, row, names, False)
    if client.name and client.name == row.name:
        value += <float>0.08
    if client.written and client.written == row.written:
        value += <float>0.02
    if client.kana and client.kana == row.kana:
        value += <float>0.05
    if client.form and client.form == row.form:
        value += <float>0.03
    return value


cdef inline int _domain_value(const Row* client, const Row* row) noexcept nogil:
    if client.domain == 0 or client.domain != row.domain:
        return 0
    return 2 if client.page == row.page or client.page == 0 or row.page == 0 else 1


cdef inline void best_sites(
    const Row* client, const NameLists* client_name,
    const Row* companies, const uint8_t* doc_grams, const uint32_t* doc_ends, const float* idf,
    const int32_t* sites, int64_t count, int32_t* chosen, NameScore* names,
) noexcept nogil:
    """Write the row of each group of fields that fits best, and how alike its name is.

    Rows are those of one company, its head row first. The place decides; a name, phone, domain or
    corporate number of another row is taken only where it agrees better than that of the place.
    """
    cdef int64_t i
    cdef int32_t row, head = sites[0], place = head, doc = -1
    cdef float value, best = -1
    cdef NameScore own
    for i in range(count):
        value = _place_value(client, &companies[sites[i]])
        if value > best:
            best = value
            place = sites[i]
    chosen[PLACE] = place
    chosen[NAME] = place
    chosen[PHONE] = place
    chosen[DOMAIN] = place if companies[place].domain else head
    chosen[NUMBER] = place if companies[place].corporate else head
    compare_names(client_name, doc_grams, &doc_ends[3 * companies[place].doc], idf, names)
    best = _name_value(client, &companies[place], names)
    doc = companies[place].doc
    own = names[0]
    for i in range(count):
        row = sites[i]
        if companies[row].doc != doc:
            doc = companies[row].doc
            compare_names(client_name, doc_grams, &doc_ends[3 * doc], idf, &own)
        value = _name_value(client, &companies[row], &own)
        if value > best:
            best = value
            chosen[NAME] = row
            names[0] = own
        if client.phone and client.phone == companies[row].phone:
            if client.phone != companies[chosen[PHONE]].phone:
                chosen[PHONE] = row
        if _domain_value(client, &companies[row]) > _domain_value(
            client, &companies[chosen[DOMAIN]]
        ):
            chosen[DOMAIN] = row
        if client.corporate and client.corporate == companies[row].corporate:
            if client.corporate != companies[chosen[NUMBER]].corporate:
                chosen[NUMBER] = row


cdef inline void join_groups(
    const Row* companies, const int32_t* chosen, Row* out
) noexcept nogil:
    """One row with each group of fields from the row chosen for it."""
    cdef const Row* name = &companies[chosen[NAME]]
    out[0] = companies[chosen[PLACE]]
    out.name = name.name
    out.written = name.written
    out.core = name.core
    out.stem = name.stem
    out.kana = name.kana
    out.reading = name.reading
    out.doc = name.doc
    out.form = name.form
    out.side = name.side
    out.phone = companies[chosen[PHONE]].phone
    out.phone_area = companies[chosen[PHONE]].phone_area
    out.domain = companies[chosen[DOMAIN]].domain
    out.page = companies[chosen[DOMAIN]].page
    out.corporate = companies[chosen[NUMBER]].corporate
    out.office = companies[chosen[NUMBER]].office


cdef inline int64_t count_sites(
    const int32_t* heads, const int32_t* rows, int64_t begin, int64_t end
) noexcept nogil:
    """Number of rows of the company whose rows begin at this place of the list."""
    cdef int64_t at = begin + 1
    while at < end and heads[rows[at]] == heads[rows[begin]]:
        at += 1
    return at - begin
