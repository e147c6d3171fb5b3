# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels of retrieval: key look-up, n-gram search under a posting budget, retrieval score of a pair.

All of them walk the packed rows of `encode.ROW`; memory is given by the caller, so that nothing
is allocated per client.
"""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from linkage_rl.candidates._rows cimport Row

DEF SLOTS_AT_MOST = 128
DEF GRAMS_AT_MOST = 256
DEF ALTERNATIVES = 2


cdef struct NameScore:
    float cosine[3]
    float client_cover
    float company_cover


cdef inline void _compare_names(
    const int32_t* a_grams, const int64_t* a_ends,
    const int32_t* b_grams, const int64_t* b_ends,
    const float* idf, NameScore* out,
) noexcept nogil:
    """Cosine of idf-weighted grams by field; covers tell how much of either core is shared."""
    cdef int field
    cdef int64_t i, j, i_end, j_end
    cdef float shared, a_mass, b_mass, weight
    for field in range(3):
        i = a_ends[field]
        i_end = a_ends[field + 1]
        j = b_ends[field]
        j_end = b_ends[field + 1]
        out.cosine[field] = 0
        if field == 0:
            out.client_cover = 0
            out.company_cover = 0
        if i == i_end or j == j_end:
            continue
        shared = 0
        a_mass = 0
        b_mass = 0
        while i < i_end and j < j_end:
            if a_grams[i] == b_grams[j]:
                weight = idf[a_grams[i]]
                weight = weight * weight
                shared += weight
                a_mass += weight
                b_mass += weight
                i += 1
                j += 1
            elif a_grams[i] < b_grams[j]:
                a_mass += idf[a_grams[i]] * idf[a_grams[i]]
                i += 1
            else:
                b_mass += idf[b_grams[j]] * idf[b_grams[j]]
                j += 1
        while i < i_end:
            a_mass += idf[a_grams[i]] * idf[a_grams[i]]
            i += 1
        while j < j_end:
            b_mass += idf[b_grams[j]] * idf[b_grams[j]]
            j += 1
        # Rounding lifts the cosine of equal names above 1 now and then.
        out.cosine[field] = min(shared / <float>sqrt(a_mass * b_mass), <float>1)
        if field == 0:
            out.client_cover = shared / a_mass
            out.company_cover = shared / b_mass


cdef inline float _place(const Row* a, const Row* b) noexcept nogil:
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


cdef inline float _retrieval_score(
    const Row* a, const Row* b, const NameScore* names, bint former
) noexcept nogil:
    """How promising a pair is, in [0, 1]: orders candidates within a blocker and within the slots.

    Whatever blocker found it: a company that once bore the client's name counts as its namesake.
    """
    cdef float name, score, place
    name = names.cosine[0]
    if former or (a.core and a.core == b.core):
        name = 1
    if names.cosine[1] * 0.95 > name:
        name = names.cosine[1] * <float>0.95
    if names.cosine[2] * 0.95 > name:
        name = names.cosine[2] * <float>0.95
    if names.client_cover * names.client_cover * 0.8 > name:
        name = names.client_cover * names.client_cover * <float>0.8
    if names.company_cover * names.company_cover * 0.8 > name:
        name = names.company_cover * names.company_cover * <float>0.8
    place = _place(a, b)
    score = <float>0.55 * name + <float>0.2 * place
    # Whoever sits at the client's very address may have been renamed.
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


cdef inline void _keep(
    int32_t row, float retrieval_score, int32_t* rows, float* scores, int limit, int* filled
) noexcept nogil:
    """Insert into a list sorted by falling score; ties keep the lower row first."""
    cdef int at = filled[0], i
    if at == limit and (
        retrieval_score < scores[at - 1] or (retrieval_score == scores[at - 1] and row > rows[at - 1])
    ):
        return
    for i in range(at):
        if rows[i] == row:
            return
    if at < limit:
        filled[0] = at + 1
    else:
        at -= 1
    while at > 0 and (
        scores[at - 1] < retrieval_score or (scores[at - 1] == retrieval_score and rows[at - 1] > row)
    ):
        rows[at] = rows[at - 1]
        scores[at] = scores[at - 1]
        at -= 1
    rows[at] = row
    scores[at] = retrieval_score


cdef inline void _keep_document(
    int32_t doc, float value, int32_t* docs, float* values, int limit, int* filled
) noexcept nogil:
    """`_keep` for documents, of which each comes once."""
    cdef int at = filled[0]
    if at == limit:
        if value <= values[at - 1]:
            return
        at -= 1
    else:
        filled[0] = at + 1
    while at > 0 and values[at - 1] < value:
        docs[at] = docs[at - 1]
        values[at] = values[at - 1]
        at -= 1
    docs[at] = doc
    values[at] = value


cdef inline int64_t _lower(const uint64_t[::1] keys, uint64_t key) noexcept nogil:
    cdef int64_t low = 0, high = keys.shape[0], middle
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


cdef struct KeyRows:
    int64_t begin[ALTERNATIVES]
    int64_t end[ALTERNATIVES]


cdef inline void _find_rows(
    const uint64_t[:, ::1] asked, Py_ssize_t client, const uint64_t[::1] keys, KeyRows* out
) noexcept nogil:
    """Where the rows filed under each alternative of a client stand, in the order of the keys."""
    cdef Py_ssize_t k
    cdef uint64_t key
    for k in range(ALTERNATIVES):
        out.begin[k] = 0
        out.end[k] = 0
        key = asked[k, client] if keys.shape[0] and k < asked.shape[0] else 0
        if key and not (k and key == asked[0, client]):
            out.begin[k] = _lower(keys, key)
            out.end[k] = _lower(keys, key + 1) if key + 1 else keys.shape[0]


cdef inline bint _among(const KeyRows* found, const int32_t[::1] rows, int32_t row) noexcept nogil:
    """Whether a row is one of them; rows of one key rise."""
    cdef Py_ssize_t k
    cdef int64_t low, high, middle
    for k in range(ALTERNATIVES):
        low = found.begin[k]
        high = found.end[k]
        while low < high:
            middle = (low + high) >> 1
            if rows[middle] < row:
                low = middle + 1
            else:
                high = middle
        if low < found.end[k] and rows[low] == row:
            return True
    return False


def count_keys(const uint64_t[::1] keys, const uint64_t[:] asked):
    """How many of the rising keys equal each asked one, shape (N,)."""
    cdef Py_ssize_t i, n = asked.shape[0]
    cdef int64_t begin, at, stride, size = keys.shape[0]
    counts = np.zeros(n, dtype=np.int64)
    cdef int64_t[::1] out = counts
    with nogil:
        for i in range(n):
            begin = at = _lower(keys, asked[i])
            # few rows share a key, so its end is near: growing strides, then halved ones
            stride = 1
            while at + stride <= size and keys[at + stride - 1] == asked[i]:
                at += stride
                stride *= 2
            while stride:
                if at + stride <= size and keys[at + stride - 1] == asked[i]:
                    at += stride
                stride //= 2
            out[i] = at - begin
    return counts


def bear_key(
    const uint64_t[:, ::1] asked, const uint64_t[::1] keys, const int32_t[::1] key_rows,
    const int64_t[::1] client_of_pair, const int64_t[::1] row_of_pair,
):
    """1 where the row of a pair is filed under a key that its client asks with; shape (P,).

    Args:
        asked: Both alternatives of each client, shape (2, N).
    """
    cdef Py_ssize_t i, n = row_of_pair.shape[0]
    found = np.zeros(n, dtype=np.uint8)
    cdef uint8_t[::1] out = found
    cdef KeyRows filed
    if keys.shape[0] == 0:
        return found
    with nogil:
        for i in range(n):
            if i == 0 or client_of_pair[i] != client_of_pair[i - 1]:
                _find_rows(asked, client_of_pair[i], keys, &filed)
            out[i] = _among(&filed, key_rows, <int32_t>row_of_pair[i])
    return found


def office_shares(
    const uint64_t[::1] keys, const float[::1] shares,
    const uint32_t[:] city, const uint16_t[:] office,
):
    """Share of each city's office, shape (N,); 0 where either is unknown or the pair is not filed.

    Args:
        keys: City and office in one number, rising.
        shares: Share of each of them.
    """
    cdef Py_ssize_t i, n = city.shape[0]
    cdef int64_t place
    cdef uint64_t key
    found = np.zeros(n, dtype=np.float32)
    cdef float[::1] out = found
    with nogil:
        for i in range(n):
            if city[i] == 0 or office[i] == 0:
                continue
            key = (<uint64_t>city[i] << 16) | office[i]
            place = _lower(keys, key)
            if place < keys.shape[0] and keys[place] == key:
                out[i] = shares[place]
    return found


def propose_by_key(
    const uint64_t[:, ::1] asked,
    const Row[::1] clients, const int64_t[::1] client_ends, const int32_t[::1] client_grams,
    const uint64_t[::1] keys, const int32_t[::1] key_rows,
    const uint64_t[:, ::1] former_asked,
    const uint64_t[::1] former_keys, const int32_t[::1] former_rows,
    const Row[::1] companies, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf, const uint8_t[::1] alive, int limit, int max_rows,
):
    """The `limit` rows of highest retrieval score that share a key with each client.

    Args:
        former_asked: What each client asks former names with, shape (2, N).

    Returns:
        Rows (N, limit), -1 where empty, and their retrieval score (N, limit), falling.
    """
    cdef Py_ssize_t i, k, n = clients.shape[0]
    rows = np.empty((n, limit), dtype=np.int32)
    scores = np.zeros((n, limit), dtype=np.float32)
    cdef int32_t[:, ::1] out_rows = rows
    cdef float[:, ::1] out_scores = scores
    out_rows[:, :] = -1
    cdef int64_t at, last
    cdef int filled
    cdef int32_t row
    cdef NameScore names
    cdef KeyRows former
    cdef uint64_t key
    # Without any name at all there are no grams to point at; the other fields still count.
    cdef const int32_t* own_grams = NULL
    cdef const int32_t* their_grams = NULL
    if client_grams.shape[0]:
        own_grams = &client_grams[0]
    if doc_grams.shape[0]:
        their_grams = &doc_grams[0]
    if companies.shape[0] == 0 or limit < 1:
        return rows, scores
    with nogil:
        for i in range(n):
            filled = 0
            _find_rows(former_asked, i, former_keys, &former)
            for k in range(asked.shape[0]):
                key = asked[k, i]
                if key == 0:
                    continue
                at = _lower(keys, key)
                last = at + max_rows
                while at < keys.shape[0] and keys[at] == key and at < last:
                    row = key_rows[at]
                    at += 1
                    if not alive[row]:
                        continue
                    _compare_names(
                        own_grams, &client_ends[3 * i],
                        their_grams, &doc_ends[3 * companies[row].doc], &idf[0], &names,
                    )
                    _keep(
                        row,
                        _retrieval_score(
                            &clients[i], &companies[row], &names, _among(&former, former_rows, row)
                        ),
                        &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                    )
    return rows, scores


cdef inline int _rarest_first(
    const int32_t* grams, int64_t begin, int64_t end, const int64_t[::1] starts,
    int32_t* order, int64_t* sizes,
) noexcept nogil:
    cdef int used = 0, at
    cdef int64_t i, size
    for i in range(begin, end):
        size = starts[grams[i] + 1] - starts[grams[i]]
        if size == 0 or used == GRAMS_AT_MOST:
            continue
        at = used
        while at > 0 and sizes[at - 1] > size:
            sizes[at] = sizes[at - 1]
            order[at] = order[at - 1]
            at -= 1
        sizes[at] = size
        order[at] = grams[i]
        used += 1
    return used


def propose_by_grams(
    const Row[::1] clients, const int64_t[::1] client_ends, const int32_t[::1] client_grams,
    const int64_t[::1] starts, const int32_t[::1] postings, const float[::1] doc_norms,
    const int64_t[::1] doc_row_ends, const int32_t[::1] doc_rows,
    const uint64_t[:, ::1] former_asked,
    const uint64_t[::1] former_keys, const int32_t[::1] former_rows,
    const Row[::1] companies, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf, const uint8_t[::1] alive,
    float[::1] mass, int32_t[::1] touched,
    int limit, int documents, int max_rows,
):
    """The `limit` rows of highest retrieval score among the documents that share the rarest grams.

    Args:
        former_asked: What each client asks former names with, shape (2, N).
        mass: Scratch, one float per document, all 0; left all 0.
        touched: Scratch for document numbers; its length is the posting budget per client.
        documents: Documents rescored exactly per client, at most 128.
        max_rows: Rows looked at per document.

    Returns:
        Rows (N, limit), -1 where empty, and their retrieval score (N, limit), falling.
    """
    cdef Py_ssize_t i, n = clients.shape[0]
    rows = np.empty((n, limit), dtype=np.int32)
    scores = np.zeros((n, limit), dtype=np.float32)
    cdef int32_t[:, ::1] out_rows = rows
    cdef float[:, ::1] out_scores = scores
    out_rows[:, :] = -1
    cdef int32_t order[GRAMS_AT_MOST]
    cdef int64_t sizes[GRAMS_AT_MOST]
    cdef int32_t best_docs[SLOTS_AT_MOST]
    cdef float best_mass[SLOTS_AT_MOST]
    cdef int used, g, d, filled, kept
    cdef int64_t left, p, end, seen, r, last
    cdef int32_t doc, row
    cdef float weight, value
    cdef NameScore names
    cdef KeyRows former
    if documents > SLOTS_AT_MOST:
        documents = SLOTS_AT_MOST
    if companies.shape[0] == 0 or limit < 1 or documents < 1:
        return rows, scores
    if doc_grams.shape[0] == 0 or client_grams.shape[0] == 0:
        return rows, scores
    with nogil:
        for i in range(n):
            used = _rarest_first(
                &client_grams[0], client_ends[3 * i], client_ends[3 * i + 3], starts, order, sizes
            )
            left = touched.shape[0]
            seen = 0
            for g in range(used):
                if left == 0:
                    break
                weight = idf[order[g]] * idf[order[g]]
                p = starts[order[g]]
                end = starts[order[g] + 1]
                if end - p > left:
                    end = p + left
                left -= end - p
                while p < end:
                    doc = postings[p]
                    if mass[doc] == 0:
                        touched[seen] = doc
                        seen += 1
                    mass[doc] += weight
                    p += 1
            kept = 0
            for p in range(seen):
                doc = touched[p]
                value = mass[doc] / doc_norms[doc]
                mass[doc] = 0
                _keep_document(doc, value, best_docs, best_mass, documents, &kept)
            filled = 0
            _find_rows(former_asked, i, former_keys, &former)
            for d in range(kept):
                doc = best_docs[d]
                _compare_names(
                    &client_grams[0], &client_ends[3 * i],
                    &doc_grams[0], &doc_ends[3 * doc], &idf[0], &names,
                )
                r = doc_row_ends[doc]
                last = doc_row_ends[doc + 1]
                if last > r + max_rows:
                    last = r + max_rows
                while r < last:
                    row = doc_rows[r]
                    r += 1
                    if alive[row]:
                        _keep(
                            row,
                            _retrieval_score(
                                &clients[i], &companies[row], &names,
                                _among(&former, former_rows, row),
                            ),
                            &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                        )
    return rows, scores


def compare_names(
    const int64_t[::1] client_of_pair, const int64_t[::1] client_ends,
    const int32_t[::1] client_grams,
    const int64_t[::1] doc_of_pair, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf,
):
    """Gram cosines of core, kana and Latin, and the covers of either core; shape (P, 5)."""
    cdef Py_ssize_t i, n = client_of_pair.shape[0]
    scores = np.zeros((n, 5), dtype=np.float32)
    cdef float[:, ::1] out = scores
    cdef NameScore names
    cdef int field
    if client_grams.shape[0] == 0 or doc_grams.shape[0] == 0:
        return scores
    with nogil:
        for i in range(n):
            _compare_names(
                &client_grams[0], &client_ends[3 * client_of_pair[i]],
                &doc_grams[0], &doc_ends[3 * doc_of_pair[i]], &idf[0], &names,
            )
            for field in range(3):
                out[i, field] = names.cosine[field]
            out[i, 3] = names.client_cover
            out[i, 4] = names.company_cover
    return scores


def invert(const int64_t[::1] doc_ends, const int32_t[::1] doc_grams, int buckets):
    """Postings of each bucket: starts (buckets + 1,) and documents in rising order."""
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    starts = np.zeros(buckets + 1, dtype=np.int64)
    cdef int64_t[::1] at = starts
    for g in range(doc_grams.shape[0]):
        at[doc_grams[g] + 1] += 1
    for g in range(buckets):
        at[g + 1] += at[g]
    postings = np.empty(doc_grams.shape[0], dtype=np.int32)
    cdef int32_t[::1] out = postings
    cdef int64_t[::1] cursor = starts[:buckets].copy()
    with nogil:
        for d in range(documents):
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                out[cursor[doc_grams[g]]] = <int32_t>d
                cursor[doc_grams[g]] += 1
    return starts, postings


def document_norms(
    const int64_t[::1] doc_ends, const int32_t[::1] doc_grams, const float[::1] idf
):
    """Square root of the idf mass of all grams of each document, at least 1e-6; shape (M,)."""
    cdef int64_t documents = (doc_ends.shape[0] - 1) // 3, d, g
    norms = np.empty(documents, dtype=np.float32)
    cdef float[::1] out = norms
    cdef float mass
    with nogil:
        for d in range(documents):
            mass = <float>1e-12
            for g in range(doc_ends[3 * d], doc_ends[3 * d + 3]):
                mass += idf[doc_grams[g]] * idf[doc_grams[g]]
            out[d] = <float>sqrt(mass)
    return norms
