# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Short lists of the best candidates found so far, kept in order while more are found."""

from libc.stdint cimport int32_t, int64_t


cdef inline void keep_row(
    int64_t row, float score, int64_t* rows, float* scores, int limit, int* filled
) noexcept nogil:
    """Insert a row into a list by descending score; of equal scores the lower row comes first.

    A row that is listed already is left where it is, and a full list drops its last row.
    """
    cdef int at = filled[0], i
    if at == limit and (
        score < scores[at - 1] or (score == scores[at - 1] and row > rows[at - 1])
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
        scores[at - 1] < score or (scores[at - 1] == score and rows[at - 1] > row)
    ):
        rows[at] = rows[at - 1]
        scores[at] = scores[at - 1]
        at -= 1
    rows[at] = row
    scores[at] = score


cdef inline void keep_document(
    int32_t doc, float value, int32_t* docs, float* values, int limit, int* filled
) noexcept nogil:
    """`keep_row` for documents, each of which is offered only once."""
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
