# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that propose candidates: by an exact key, and by rare n-grams under a posting budget.

They walk the packed rows of `encode.ROW`. Rows and names lie all over memory, so each is asked for
(prefetched) some steps before it is compared; nothing is allocated per client.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from linkage_rl.candidates._best cimport keep_document, keep_row
from linkage_rl.candidates._key_rows cimport KeyRows, find_rows, holds_row
from linkage_rl.candidates._rows cimport Row
from linkage_rl.candidates._score cimport (
    NameLists, NameScore, compare_names, prepare_name, retrieval_score,
)
from linkage_rl.candidates._sites cimport GROUPS, best_sites, count_sites, join_groups
from linkage_rl.candidates._sorted cimport first_place

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define LINKAGE_PREFETCH(place) __builtin_prefetch(place)
    #else
    #define LINKAGE_PREFETCH(place) ((void)(place))
    #endif
    """
    void prefetch "LINKAGE_PREFETCH"(const void* place) noexcept nogil

DEF MAX_DOCUMENTS = 128
DEF MAX_GRAMS = 256
# steps between asking for a line of memory and reading it
DEF AHEAD = 8
DEF LINE = 64
DEF ALL_BYTES = 0xFFFFFFFF
DEF THREE_BYTES = 0xFFFFFF

cdef struct Gathered:
    # a document and the weight that it has gathered; -1 and 0 where the slot is free
    int32_t doc
    float mass


FREE = 0xFFFFFFFF
"""`Gathered` of a free slot as one number of 64 bits; machines with numpy are little-endian."""


cdef struct Search:
    # one client, and the best rows found for it so far
    const Row* client
    NameLists name
    KeyRows former
    # the document compared last, and how alike its name is
    int32_t doc
    NameScore names
    int32_t head
    int64_t* rows
    float* scores
    int limit
    int filled


cdef class Asking:
    """N clients as the kernels read them."""

    cdef const Row[::1] rows
    cdef const uint32_t[::1] ends
    cdef const int32_t[::1] grams
    cdef const uint64_t[:, ::1] former
    cdef const int32_t* first_gram
    cdef tuple arrays

    def __init__(self, rows, ends, grams, former):
        """Keep the arrays.

        Args:
            rows: `encode.ROW`, shape (N,).
            ends: As `encode.Documents.gram_offsets`, as are `grams`; shape (3 N + 1,).
            former: Keys of each client that are looked up among former names, shape (2, N).
        """
        self.rows, self.ends, self.grams, self.former = rows, ends, grams, former
        self.arrays = (rows, ends, grams, former)
        # Without any name there are no n-grams to point at; the other fields still count.
        self.first_gram = &self.grams[0] if self.grams.shape[0] else NULL

    def __reduce__(self):
        return Asking, self.arrays


cdef class Searchable:
    """A segment as the kernels read it: `segment.Segment` explains the arrays."""

    cdef const Row[::1] companies
    cdef const uint32_t[::1] doc_ends
    cdef const uint8_t[::1] doc_grams
    cdef const float[::1] idf
    cdef const uint32_t[::1] starts
    cdef const uint8_t[::1] postings
    # bytes of a posting, three or four, and those bits of four bytes that are its own
    cdef int64_t posting_bytes
    cdef uint32_t posting_bits
    cdef const float[::1] doc_norms
    cdef const uint32_t[::1] doc_row_ends
    cdef const int32_t[::1] doc_rows
    cdef const uint64_t[::1] former_keys
    cdef const int32_t[::1] former_rows
    cdef const int32_t[::1] heads
    cdef const int32_t[::1] begins
    cdef const int32_t[::1] sites
    cdef const uint8_t* first_gram
    cdef float least_norm
    cdef tuple arrays

    def __init__(
        self, companies, doc_ends, doc_grams, idf, starts, postings, doc_norms, doc_row_ends,
        doc_rows, former_keys, former_rows, heads, begins, sites,
    ):
        """Keep the arrays.

        Args:
            starts: The inverted index with `postings`: `_grams.invert` explains both.
            doc_norms: As `_grams.document_norms` gives them.
            heads: Head row of each row, as are `begins` and `sites` from `sites.Sites`: where they
                are not empty, companies are proposed by their head rows, and scored by their best
                sites.
        """
        self.companies, self.doc_ends, self.doc_grams, self.idf = companies, doc_ends, doc_grams, idf
        self.starts, self.postings, self.doc_norms = starts, postings.view(np.uint8), doc_norms
        self.posting_bytes = 3 if postings.dtype == np.uint8 else 4
        self.posting_bits = THREE_BYTES if self.posting_bytes == 3 else ALL_BYTES
        self.doc_row_ends, self.doc_rows = doc_row_ends, doc_rows
        self.former_keys, self.former_rows = former_keys, former_rows
        self.heads, self.begins, self.sites = heads, begins, sites
        self.first_gram = &self.doc_grams[0] if self.doc_grams.shape[0] else NULL
        self.least_norm = np.min(doc_norms) if len(doc_norms) else 1
        self.arrays = (
            companies, doc_ends, doc_grams, idf, starts, postings, doc_norms, doc_row_ends,
            doc_rows, former_keys, former_rows, heads, begins, sites,
        )

    def __reduce__(self):
        return Searchable, self.arrays

    def by_key(
        self, Asking asking, const int64_t[:] chosen,
        const uint64_t[:, :] client_keys, const uint64_t[::1] keys, const int32_t[::1] key_rows,
        const uint8_t[::1] alive, int limit, int max_rows,
    ):
        """The `limit` rows of highest retrieval score that share a key with each chosen client.

        Args:
            asking: N clients.
            chosen: Positions of the n clients to search for, shape (n,).
            client_keys: Alternative keys of each client, 0 for none, shape (alternatives, N).
            keys: Keys under which companies are filed, ascending.
            key_rows: Row of the company of each key.
            alive: 1 for rows that are still current.
            limit: Rows kept per client.
            max_rows: Rows of one key that are compared; the rest is ignored.

        Returns:
            Rows (n, limit), -1 where empty, and their retrieval score (n, limit), descending.
        """
        cdef Py_ssize_t i, k, n = chosen.shape[0]
        rows = np.full((n, limit), -1, dtype=np.int64)
        scores = np.zeros((n, limit), dtype=np.float32)
        cdef int64_t[:, ::1] out_rows = rows
        cdef float[:, ::1] out_scores = scores
        cdef int64_t at, last
        cdef Search search
        cdef uint64_t key
        if keys.shape[0] == 0 or limit < 1:
            return rows, scores
        with nogil:
            for i in range(n):
                self._begin(&search, asking, chosen[i], &out_rows[i, 0], &out_scores[i, 0], limit)
                for k in range(client_keys.shape[0]):
                    key = client_keys[k, chosen[i]]
                    if key == 0:
                        continue
                    at = first_place(&keys[0], keys.shape[0], key)
                    last = at
                    while last < keys.shape[0] and keys[last] == key and last < at + max_rows:
                        last += 1
                    self._offer_all(&search, &key_rows[0] + at, last - at, &alive[0])
        return rows, scores

    def by_grams(
        self, Asking asking, const int64_t[:] chosen, const uint8_t[::1] alive,
        int64_t[::1] slots, int32_t[::1] touched, int limit, int budget, int documents,
        int max_rows,
    ):
        """The `limit` rows of highest retrieval score among documents that share rare n-grams.

        A document is a distinct name. The postings of a client's n-grams are read rarest first,
        until the budget is spent; the documents that gathered the most weight are then compared
        exactly, and the rows that have such a name are scored.

        Args:
            asking: N clients.
            chosen: Positions of the n clients to search for, shape (n,).
            alive: 1 for rows that are still current.
            slots: Scratch, all `FREE`; left all `FREE`. Its length is a power of two, and above
                the budget or at least the number of documents.
            touched: Scratch, longer by one than the budget or the number of documents.
            limit: Rows kept per client.
            budget: Postings read per client.
            documents: Documents compared exactly per client, at most 128.
            max_rows: Rows looked at per document.

        Returns:
            Rows (n, limit), -1 where empty, and their retrieval score (n, limit), descending.
        """
        cdef Py_ssize_t i, n = chosen.shape[0]
        rows = np.full((n, limit), -1, dtype=np.int64)
        scores = np.zeros((n, limit), dtype=np.float32)
        cdef int64_t[:, ::1] out_rows = rows
        cdef float[:, ::1] out_scores = scores
        cdef int32_t best[MAX_DOCUMENTS]
        cdef int kept
        cdef int64_t seen
        cdef Search search
        cdef Gathered* gathered = <Gathered*>&slots[0]
        documents = min(documents, MAX_DOCUMENTS)
        if self.companies.shape[0] == 0 or limit < 1 or documents < 1:
            return rows, scores
        if self.first_gram == NULL or asking.first_gram == NULL:
            return rows, scores
        with nogil:
            for i in range(n):
                seen = self._gather(
                    asking, chosen[i], gathered, slots.shape[0], &touched[0], budget
                )
                kept = self._heaviest(gathered, &touched[0], seen, best, documents)
                self._begin(&search, asking, chosen[i], &out_rows[i, 0], &out_scores[i, 0], limit)
                self._offer_documents(&search, best, kept, max_rows, &alive[0])
        return rows, scores

    cdef inline void _begin(
        self, Search* search, Asking asking, int64_t client, int64_t* rows, float* scores,
        int limit,
    ) noexcept nogil:
        search.client = &asking.rows[client]
        prepare_name(
            asking.first_gram, &asking.ends[3 * client], &self.idf[0], &search.name
        )
        find_rows(asking.former, client, self.former_keys, &search.former)
        search.doc = -1
        search.rows = rows
        search.scores = scores
        search.limit = limit
        search.filled = 0

    cdef void _offer_all(
        self, Search* search, const int32_t* rows, int64_t count, const uint8_t* alive
    ) noexcept nogil:
        """Score rows in this order: first asked for, then their names, then the n-grams of these."""
        cdef int64_t at
        search.head = -1
        for at in range(min(count, 3 * AHEAD)):
            self._ask_for_row(rows[at], alive)
        for at in range(min(count, 2 * AHEAD)):
            self._ask_for_ends(self.companies[rows[at]].doc)
        for at in range(min(count, AHEAD)):
            self._ask_for_grams(self.companies[rows[at]].doc)
        for at in range(count):
            if at + 3 * AHEAD < count:
                self._ask_for_row(rows[at + 3 * AHEAD], alive)
            if at + 2 * AHEAD < count:
                self._ask_for_ends(self.companies[rows[at + 2 * AHEAD]].doc)
            if at + AHEAD < count:
                self._ask_for_grams(self.companies[rows[at + AHEAD]].doc)
            if alive[rows[at]]:
                self._offer(search, rows[at])

    cdef void _offer_documents(
        self, Search* search, const int32_t* docs, int count, int max_rows, const uint8_t* alive
    ) noexcept nogil:
        """Score the rows that have these names."""
        cdef int64_t r, last
        cdef int at
        for at in range(count):
            prefetch(&self.doc_row_ends[docs[at]])
            self._ask_for_ends(docs[at])
        for at in range(count):
            prefetch(&self.doc_rows[0] + self.doc_row_ends[docs[at]])
            self._ask_for_grams(docs[at])
        for at in range(count):
            r = self.doc_row_ends[docs[at]]
            if r < self.doc_row_ends[docs[at] + 1]:
                self._ask_for_row(self.doc_rows[r], alive)
        search.head = -1
        for at in range(count):
            r = self.doc_row_ends[docs[at]]
            last = min(<int64_t>self.doc_row_ends[docs[at] + 1], r + max_rows)
            while r < last:
                if r + AHEAD < last:
                    self._ask_for_row(self.doc_rows[r + AHEAD], alive)
                if alive[self.doc_rows[r]]:
                    self._offer(search, self.doc_rows[r])
                r += 1

    cdef inline void _ask_for_row(self, int32_t row, const uint8_t* alive) noexcept nogil:
        prefetch(&alive[row])
        # a row of 72 bytes lies on two lines of memory
        prefetch(&self.companies[row])
        prefetch(&self.companies[row].phone_area)

    cdef inline void _ask_for_ends(self, int32_t doc) noexcept nogil:
        prefetch(&self.doc_ends[3 * <int64_t>doc])
        prefetch(&self.doc_ends[3 * <int64_t>doc + 3])

    cdef inline void _ask_for_grams(self, int32_t doc) noexcept nogil:
        cdef const uint8_t* grams = self.first_gram + 3 * <int64_t>self.doc_ends[3 * <int64_t>doc]
        prefetch(grams)
        prefetch(grams + LINE)

    cdef inline void _offer(self, Search* search, int32_t row) noexcept nogil:
        """Score a row that is alive, or its company where that has several."""
        cdef int32_t doc
        cdef int32_t head
        if self.heads.shape[0]:
            head = self.heads[row]
            if head != search.head and not _listed(head, search.rows, search.filled):
                keep_row(
                    head, self._company_score(search, row, head),
                    search.rows, search.scores, search.limit, &search.filled,
                )
            search.head = head
            return
        doc = self.companies[row].doc
        if doc != search.doc:
            compare_names(
                &search.name, self.first_gram, &self.doc_ends[3 * <int64_t>doc], &self.idf[0],
                &search.names,
            )
            search.doc = doc
        keep_row(
            row,
            retrieval_score(
                search.client, &self.companies[row], &search.names,
                holds_row(&search.former, self.former_rows, row),
            ),
            search.rows, search.scores, search.limit, &search.filled,
        )

    cdef float _company_score(self, Search* search, int32_t row, int32_t head) noexcept nogil:
        """Retrieval score of a client with the sites of a company that fit it best."""
        cdef int32_t chosen[<int>GROUPS]
        cdef NameScore names
        cdef Row joined
        cdef int64_t begin = self.begins[row]
        best_sites(
            search.client, &search.name, &self.companies[0], self.first_gram, &self.doc_ends[0],
            &self.idf[0], &self.sites[begin],
            count_sites(&self.heads[0], &self.sites[0], begin, self.sites.shape[0]),
            chosen, &names,
        )
        join_groups(&self.companies[0], chosen, &joined)
        return retrieval_score(
            search.client, &joined, &names, holds_row(&search.former, self.former_rows, head)
        )

    cdef int64_t _gather(
        self, Asking asking, int64_t client, Gathered* slots, int64_t size, int32_t* touched,
        int64_t budget,
    ) noexcept nogil:
        """Add the weight of each n-gram to the documents that have it; how many have any.

        Documents keep their order in the slots, so that a list of postings, which ascends, walks
        through them from one end to the other.
        """
        cdef int32_t order[MAX_GRAMS]
        cdef int64_t sizes[MAX_GRAMS]
        cdef int used, g
        cdef int64_t p, end, seen = 0, slot
        cdef uint64_t spread = (<uint64_t>size << 32) // <uint64_t>self.doc_norms.shape[0]
        cdef float weight
        cdef int32_t doc, held
        cdef uint32_t bits
        cdef const uint8_t* posting
        used = _rarest_first(
            asking.first_gram, asking.ends[3 * client], asking.ends[3 * client + 3], self.starts,
            order, sizes,
        )
        for g in range(used):
            if budget == 0:
                break
            weight = self.idf[order[g]] * self.idf[order[g]]
            p = self.starts[order[g]]
            end = min(<int64_t>self.starts[order[g] + 1], p + budget)
            budget -= end - p
            posting = &self.postings[0] + p * self.posting_bytes
            while p < end:
                memcpy(&bits, posting, 4)
                posting += self.posting_bytes
                doc = <int32_t>(bits & self.posting_bits)
                slot = <int64_t>(<uint64_t>doc * spread >> 32)
                held = slots[slot].doc
                # 0 where the slot is the document's or free; a product, since nobody can foresee
                # which of both it is, and a wrong guess costs more than the rest of the step
                while <uint64_t><uint32_t>(held ^ doc) * <uint32_t>(held + 1):
                    slot = (slot + 1) & (size - 1)
                    held = slots[slot].doc
                touched[seen] = <int32_t>slot
                seen += held < 0
                slots[slot].doc = doc
                slots[slot].mass += weight
                prefetch(&self.doc_norms[doc])
                p += 1
        return seen

    cdef int _heaviest(
        self, Gathered* slots, const int32_t* touched, int64_t seen, int32_t* best, int documents
    ) noexcept nogil:
        """Write the documents of most weight for their norm, and free the slots; how many."""
        cdef float values[MAX_DOCUMENTS]
        cdef int kept = 0
        cdef int64_t p
        cdef int32_t doc
        cdef float mass
        for p in range(seen):
            doc = slots[touched[p]].doc
            mass = slots[touched[p]].mass
            slots[touched[p]].doc = -1
            slots[touched[p]].mass = 0
            # most weigh too little for any norm, which then need not be read
            if kept == documents and mass / self.least_norm <= values[documents - 1]:
                continue
            keep_document(doc, mass / self.doc_norms[doc], best, values, documents, &kept)
        return kept


cdef inline bint _listed(int64_t row, const int64_t* rows, int filled) noexcept nogil:
    cdef int i
    for i in range(filled):
        if rows[i] == row:
            return True
    return False


cdef inline int _rarest_first(
    const int32_t* grams, int64_t begin, int64_t end, const uint32_t[::1] starts,
    int32_t* order, int64_t* sizes,
) noexcept nogil:
    """Write the n-grams of a client and the sizes of their postings, smallest first; how many."""
    cdef int used = 0, at
    cdef int64_t i, size
    for i in range(begin, end):
        size = <int64_t>starts[grams[i] + 1] - starts[grams[i]]
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
