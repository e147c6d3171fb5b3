# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that propose candidates: by an exact key, and by rare n-grams under a posting budget.

They walk the packed rows of `encode.ROW`; memory is given by the caller, so that nothing is
allocated per client.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from linkage_rl.candidates._best cimport keep_document, keep_row
from linkage_rl.candidates._key_rows cimport KeyRows, find_rows, holds_row
from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._score cimport NameScore, compare_gram_lists, retrieval_score
from linkage_rl.candidates._sites cimport GROUPS, best_sites, count_sites, join_groups
from linkage_rl.candidates._sorted cimport lower_bound

DEF MAX_DOCUMENTS = 128
DEF MAX_GRAMS = 256


cdef inline bint _listed(int32_t row, const int32_t* rows, int filled) noexcept nogil:
    cdef int i
    for i in range(filled):
        if rows[i] == row:
            return True
    return False


cdef inline float _company_score(
    const Row* client, const int32_t* client_grams, const int64_t* client_ends,
    const Row* companies, const int32_t* doc_grams, const int64_t* doc_ends, const float* idf,
    const int32_t* heads, const int32_t* rows, int64_t begin, int64_t end, bint former,
) noexcept nogil:
    """Retrieval score of a client with the sites of a company that fit it best."""
    cdef int32_t chosen[<int>GROUPS]
    cdef NameScore names
    cdef Row joined
    best_sites(
        client, client_grams, client_ends, companies, doc_grams, doc_ends, idf,
        &rows[begin], count_sites(heads, rows, begin, end), chosen, &names,
    )
    join_groups(companies, chosen, &joined)
    return retrieval_score(client, &joined, &names, former)


def propose_by_key(
    const uint64_t[:, ::1] client_keys,
    const Row[::1] clients, const int64_t[::1] client_ends, const int32_t[::1] client_grams,
    const uint64_t[::1] keys, const int32_t[::1] key_rows,
    const uint64_t[:, ::1] client_former,
    const uint64_t[::1] former_keys, const int32_t[::1] former_rows,
    const Row[::1] companies, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf, const uint8_t[::1] alive,
    const int32_t[::1] heads, const int32_t[::1] begins, const int32_t[::1] sites,
    int limit, int max_rows,
):
    """The `limit` rows of highest retrieval score that share a key with each client.

    Args:
        client_keys: Alternative keys of each client, 0 for none, shape (alternatives, N).
        keys: Keys under which companies are filed, ascending.
        key_rows: Row of the company of each key.
        client_former: Keys of each client that are looked up among former names, shape (2, N).
        alive: 1 for rows that are still current.
        heads: Head row of each row, as are `begins` and `sites` from `sites.Sites`: where they are
            not empty, companies are proposed by their head rows, and scored by their best sites.
        limit: Rows kept per client.
        max_rows: Rows of one key that are compared; the rest is ignored.

    Returns:
        Rows (N, limit), -1 where empty, and their retrieval score (N, limit), descending.
    """
    cdef Py_ssize_t i, k, n = clients.shape[0]
    rows = np.empty((n, limit), dtype=np.int32)
    scores = np.zeros((n, limit), dtype=np.float32)
    cdef int32_t[:, ::1] out_rows = rows
    cdef float[:, ::1] out_scores = scores
    out_rows[:, :] = -1
    cdef int64_t at, last
    cdef int filled
    cdef int32_t row, head
    cdef NameScore names
    cdef KeyRows former
    cdef uint64_t key
    # Without any name there are no n-grams to point at; the other fields still count.
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
            find_rows(client_former, i, former_keys, &former)
            for k in range(client_keys.shape[0]):
                key = client_keys[k, i]
                if key == 0:
                    continue
                at = lower_bound(&keys[0], 0, keys.shape[0], key)
                last = at + max_rows
                head = -1
                while at < keys.shape[0] and keys[at] == key and at < last:
                    row = key_rows[at]
                    at += 1
                    if not alive[row]:
                        continue
                    if heads.shape[0]:
                        if heads[row] == head:
                            continue
                        head = heads[row]
                        if not _listed(head, &out_rows[i, 0], filled):
                            keep_row(
                                head,
                                _company_score(
                                    &clients[i], own_grams, &client_ends[3 * i],
                                    &companies[0], their_grams, &doc_ends[0], &idf[0], &heads[0],
                                    &sites[0], begins[row], sites.shape[0],
                                    holds_row(&former, former_rows, head),
                                ),
                                &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                            )
                        continue
                    compare_gram_lists(
                        own_grams, &client_ends[3 * i],
                        their_grams, &doc_ends[3 * companies[row].doc], &idf[0], &names,
                    )
                    keep_row(
                        row,
                        retrieval_score(
                            &clients[i], &companies[row], &names,
                            holds_row(&former, former_rows, row),
                        ),
                        &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                    )
    return rows, scores


cdef inline int _rarest_first(
    const int32_t* grams, int64_t begin, int64_t end, const int64_t[::1] starts,
    int32_t* order, int64_t* sizes,
) noexcept nogil:
    """Write the n-grams of a client and the sizes of their postings, smallest first; how many."""
    cdef int used = 0, at
    cdef int64_t i, size
    for i in range(begin, end):
        size = starts[grams[i] + 1] - starts[grams[i]]
        if size == 0 or used == MAX_GRAMS:
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
    const uint64_t[:, ::1] client_former,
    const uint64_t[::1] former_keys, const int32_t[::1] former_rows,
    const Row[::1] companies, const int64_t[::1] doc_ends, const int32_t[::1] doc_grams,
    const float[::1] idf, const uint8_t[::1] alive,
    const int32_t[::1] heads, const int32_t[::1] begins, const int32_t[::1] sites,
    float[::1] mass, int32_t[::1] touched,
    int limit, int documents, int max_rows,
):
    """The `limit` rows of highest retrieval score among documents that share rare n-grams.

    A document is a distinct name. The postings of a client's n-grams are read rarest first, until
    the budget is spent; the documents that gathered the most weight are then compared exactly, and
    the rows that have such a name are scored.

    Args:
        starts: The inverted index with `postings`: `_grams.invert` explains both.
        doc_norms: As `_grams.document_norms` gives them.
        client_former: Keys of each client that are looked up among former names, shape (2, N).
        alive: 1 for rows that are still current.
        heads: Head row of each row, as are `begins` and `sites` from `sites.Sites`: where they are
            not empty, companies are proposed by their head rows, and scored by their best sites.
        mass: Scratch, one float per document, all 0; left all 0.
        touched: Scratch for document numbers; its length is the posting budget per client.
        limit: Rows kept per client.
        documents: Documents compared exactly per client, at most 128.
        max_rows: Rows looked at per document.

    Returns:
        Rows (N, limit), -1 where empty, and their retrieval score (N, limit), descending.
    """
    cdef Py_ssize_t i, n = clients.shape[0]
    rows = np.empty((n, limit), dtype=np.int32)
    scores = np.zeros((n, limit), dtype=np.float32)
    cdef int32_t[:, ::1] out_rows = rows
    cdef float[:, ::1] out_scores = scores
    out_rows[:, :] = -1
    cdef int32_t order[MAX_GRAMS]
    cdef int64_t sizes[MAX_GRAMS]
    cdef int32_t best_docs[MAX_DOCUMENTS]
    cdef float best_mass[MAX_DOCUMENTS]
    cdef int used, g, d, filled, kept
    cdef int64_t left, p, end, seen, r, last
    cdef int32_t doc, row, head
    cdef float weight, value
    cdef NameScore names
    cdef KeyRows former
    if documents > MAX_DOCUMENTS:
        documents = MAX_DOCUMENTS
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
                keep_document(doc, value, best_docs, best_mass, documents, &kept)
            filled = 0
            find_rows(client_former, i, former_keys, &former)
            for d in range(kept):
                doc = best_docs[d]
                compare_gram_lists(
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
                    if alive[row] and heads.shape[0]:
                        head = heads[row]
                        if not _listed(head, &out_rows[i, 0], filled):
                            keep_row(
                                head,
                                _company_score(
                                    &clients[i], &client_grams[0], &client_ends[3 * i],
                                    &companies[0], &doc_grams[0], &doc_ends[0], &idf[0], &heads[0],
                                    &sites[0], begins[row], sites.shape[0],
                                    holds_row(&former, former_rows, head),
                                ),
                                &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                            )
                        continue
                    if alive[row]:
                        keep_row(
                            row,
                            retrieval_score(
                                &clients[i], &companies[row], &names,
                                holds_row(&former, former_rows, row),
                            ),
                            &out_rows[i, 0], &out_scores[i, 0], limit, &filled,
                        )
    return rows, scores
