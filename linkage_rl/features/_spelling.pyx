# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernel over the names of many pairs: their spelling features."""

import numpy as np

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from linkage_rl.candidates._narrow cimport number_at
from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._score cimport NameLists, NameScore, compare_names, prepare_name
from linkage_rl.features._ahead cimport prefetch
from linkage_rl.features._client_names cimport (
    Client,
    Column,
    Company,
    begin_client,
    compare_texts,
    release_names,
)
from linkage_rl.text._likeness cimport Likeness

DEF FEATURES = 20


def code_points(columns):
    """Ends (F N + 1,) and code points of N texts in F columns, text by text.

    Raises:
        TypeError: A text is missing.
        ValueError: A column has another number of texts than the first.
    """
    cdef Py_ssize_t fields = len(columns), n = len(columns[0]), i, f, k, at = 0, total = 0
    cdef str text
    cdef int kind
    cdef void* chars
    for column in columns:
        if len(column) != n:
            raise ValueError(f"expected {n} texts in each column, got {[*map(len, columns)]}")
        for own in column:
            total += PyUnicode_GET_LENGTH(<str?>own)
    codes = np.empty(total, dtype=np.uint32)
    ends = np.zeros(fields * n + 1, dtype=np.int64)
    cdef uint32_t[::1] out = codes
    cdef int64_t[::1] end = ends
    for i in range(n):
        for f in range(fields):
            text = columns[f][i]
            kind = PyUnicode_KIND(text)
            chars = PyUnicode_DATA(text)
            for k in range(PyUnicode_GET_LENGTH(text)):
                out[at + k] = PyUnicode_READ(kind, chars, k)
            at += PyUnicode_GET_LENGTH(text)
            end[fields * i + f + 1] = at
    return ends, codes


cdef struct Grams:
    const uint32_t* client_ends
    const int32_t* client
    const uint32_t* ends
    # as `candidates.narrow` has them
    const uint8_t* grams
    const float* idf
    NameLists name
    # the client whose n-grams `name` holds, -1 for none
    int64_t prepared


cdef inline void _compare_grams(
    Grams* grams, int64_t client, int64_t document, float* out
) noexcept nogil:
    cdef NameScore names
    cdef int field
    if grams.client == NULL or grams.grams == NULL:
        return
    if grams.prepared != client:
        prepare_name(grams.client, grams.client_ends + 3 * client, grams.idf, &grams.name)
        grams.prepared = client
    compare_names(
        &grams.name, grams.grams, grams.ends + 3 * document, grams.idf, &names
    )
    for field in range(3):
        out[15 + field] = names.cosine[field]
    out[18] = names.client_cover
    out[19] = names.company_cover


cdef inline void _fetch(
    const Client* own, const Column* fields, const Grams* grams, const int64_t* documents,
    int64_t size,
) noexcept nogil:
    """Ask for the memory of documents before they are compared: most of it is in no cache."""
    cdef int64_t i, document
    for i in range(size):
        document = max(documents[i], 0)
        prefetch(fields[0].offsets + document)
        prefetch(grams.ends + 3 * document)
        if own.kana.size:
            prefetch(fields[1].offsets + document)
        if own.latin.size:
            prefetch(fields[2].offsets + document)
    for i in range(size):
        document = max(documents[i], 0)
        prefetch(fields[0].blob + fields[0].offsets[document])
        prefetch(grams.grams + 3 * <int64_t>grams.ends[3 * document])
        if own.kana.size:
            prefetch(fields[1].blob + fields[1].offsets[document])
        if own.latin.size:
            prefetch(fields[2].blob + fields[2].offsets[document])


cdef inline void _fetch_weights(const Grams* grams, int64_t document) noexcept nogil:
    cdef int64_t i
    for i in range(grams.ends[3 * document], grams.ends[3 * document + 3]):
        prefetch(grams.idf + number_at(grams.grams, i))


def spell(
    Likeness tables, const int64_t[::1] client_ends, const uint32_t[::1] client_codes,
    const uint32_t[::1] client_gram_ends, const int32_t[::1] client_grams,
    const int64_t[::1] client_of_pair, const Row[::1] companies,
    const int64_t[::1] row_of_pair, int64_t first_row, int64_t end_row, columns,
    const uint32_t[::1] gram_ends, const uint8_t[::1] grams,
    const float[::1] idf, float[:, ::1] out,
):
    """Write the features of P pairs into the first columns, in the order of `spelling.NAMES`.

    Companies of one name are compared with a client once. Pairs with a row of another segment are
    left out.

    Args:
        tables: Of `likeness`.
        client_ends: See `code_points`: core, stem, kana and Latin name of each client.
        client_of_pair: Client of each pair, equal ones side by side, shape (P,).
        companies: Packed company of each pair, shape (P,).
        row_of_pair: Row of the index from which each pair has its name, shape (P,).
        first_row: Row of the index at which the segment begins, and `end_row` that after its last.
        columns: Core, kana and Latin name of the documents of the segment.
        gram_ends: N-grams of the documents, see `encode.Documents`; those of clients likewise.
        idf: Weight of each n-gram.
        out: Written, 0 before, shape (P, at least 20).
    """
    cdef Py_ssize_t i, k, n = client_of_pair.shape[0], begin = 0, end
    cdef int64_t client
    cdef bint enough = True, inside
    cdef Client own
    cdef Company company
    cdef Column fields[3]
    cdef Grams lists
    cdef const uint32_t[::1] offsets
    cdef const uint8_t[::1] blob
    cdef int64_t[::1] documents = np.empty(n, dtype=np.int64)
    cdef const uint32_t* codes = &client_codes[0] if client_codes.shape[0] else NULL
    held = []
    for k in range(3):
        offsets, blob = columns[k].offsets, columns[k].blob
        held.append((offsets, blob))
        fields[k].offsets = &offsets[0]
        fields[k].blob = &blob[0] if blob.shape[0] else NULL
    lists.client_ends = &client_gram_ends[0]
    lists.client = &client_grams[0] if client_grams.shape[0] else NULL
    lists.ends = &gram_ends[0]
    lists.grams = &grams[0] if grams.shape[0] else NULL
    lists.idf = &idf[0]
    lists.prepared = -1
    memset(&own, 0, sizeof(Client))
    memset(&company, 0, sizeof(Company))
    with nogil:
        while begin < n and enough:
            client = client_of_pair[begin]
            end = begin
            while end < n and client_of_pair[end] == client:
                # a name in another segment is left out
                inside = first_row <= row_of_pair[end] < end_row
                documents[end] = companies[end].doc if inside else -1
                end += 1
            enough = begin_client(&own, tables, codes, &client_ends[0], client)
            _fetch(&own, fields, &lists, &documents[begin], end - begin)
            for i in range(begin, end):
                if i + 1 < end and documents[i + 1] >= 0:
                    _fetch_weights(&lists, documents[i + 1])
                if documents[i] < 0 or not enough:
                    continue
                # the candidates of a client have few names: a scan is faster than sorting
                k = begin
                while documents[k] != documents[i]:
                    k += 1
                if k < i:
                    memcpy(&out[i, 0], &out[k, 0], FEATURES * sizeof(float))
                    continue
                enough = compare_texts(&own, tables, fields, documents[i], &company, &out[i, 0])
                _compare_grams(&lists, client, documents[i], &out[i, 0])
            begin = end
        release_names(&own, &company)
    if not enough:
        raise MemoryError
