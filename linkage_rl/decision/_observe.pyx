# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that observe many cases at once: slots, state and legal actions."""

import numpy as np

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint16_t
from libc.string cimport memcpy

DEF ADDED = 4


cdef inline bint _alike(const float* a, const float* b, const int64_t[::1] columns) noexcept nogil:
    """Whether two candidates have equal values in these columns."""
    cdef Py_ssize_t i
    for i in range(columns.shape[0]):
        if a[columns[i]] != b[columns[i]]:
            return False
    return True


cdef inline float _cost(uint16_t ran, const float[::1] costs) noexcept nogil:
    cdef double cost = 0
    cdef Py_ssize_t blocker
    for blocker in range(costs.shape[0]):
        if (ran >> blocker) & 1:
            cost += costs[blocker]
    return <float>cost


cdef inline void _set_legal(
    int8_t* mask, int64_t filled, uint16_t left, Py_ssize_t slots, Py_ssize_t blockers,
    bint allow_review,
) noexcept nogil:
    """Set 1 where an action is legal, in a row of zeros; `left` are the blockers still to run."""
    cdef Py_ssize_t blocker
    cdef int64_t slot
    for slot in range(min(filled, <int64_t>slots)):
        mask[slot] = 1
    mask[slots] = 1
    mask[slots + 1] = allow_review
    for blocker in range(blockers):
        mask[slots + 2 + blocker] = (left >> blocker) & 1


def observe(
    const int64_t[::1] cases, const uint16_t[::1] ran,
    const int64_t[::1] starts, const uint16_t[::1] pair_blockers,
    const float[::1] retrieval_score, const float[:, ::1] features, const int64_t[::1] feature_rows,
    const int64_t[::1] candidate_ids, const int64_t[::1] evidence, const float[:, ::1] query,
    const uint16_t[::1] available, const float[::1] costs, int slots, bint allow_review,
):
    """Fill the slots of each case with its first pairs that a run blocker proposed.

    Args:
        cases: Case of each of B observations.
        ran: Blockers run in each of them, one bit per blocker.
        starts: Pairs of case i are starts[i]..starts[i + 1], by falling retrieval score.
        pair_blockers: Blockers that propose each pair, one bit per blocker.
        retrieval_score: Of each pair.
        features: Pair features, (rows, F).
        feature_rows: Row of `features` of each pair; empty where pair p has row p.
        candidate_ids: What is returned for each pair; empty for its position.
        evidence: Columns of the features that depend on what the client says; candidates that are
            equal in them are tied.
        query: Features of each case, (N, Q).
        available: Blockers that apply to each case, one bit per blocker.
        costs: Cost of each of R blockers, at most 16.
        slots: Slots K, at least 1.
        allow_review: Whether review is legal.

    Returns:
        The parts of an `Observation`, in their order: candidates (B, K, F + R + 4): the pair's
        features, one bit per run blocker that proposed it, its retrieval score, its lead over the
        best other visible pair mapped to [0, 1], its share of the best retrieval score, and
        1 - 1/k where k candidates are tied; features of the client (B, Q); one bit per blocker run,
        share of filled slots, and cost so far up to 1 (B, R + 2); 1 where an action is legal
        (B, K + 2 + R); the candidate in each slot, -1 where empty; the first slot with which each
        is tied, its own where none is and -1 where empty.

    Raises:
        ValueError: A size or a case is out of range; unchecked, it would write past an array.
            The pairs are not checked, as there are many: `starts` rises to their number, of which
            `pair_blockers`, `retrieval_score`, `feature_rows` and `candidate_ids` have as many,
            and each row of `features` that is named exists.
    """
    cdef Py_ssize_t b, batch = cases.shape[0]
    cdef int width = features.shape[1], blockers = <int>costs.shape[0], slot, blocker, other
    cdef int64_t pair, row
    cdef bint moved = feature_rows.shape[0] > 0, named = candidate_ids.shape[0] > 0
    cdef uint16_t visible
    cdef float best, second, rival
    if not 1 <= slots <= 127 or blockers > 16:
        raise ValueError(f"expected 1..127 slots and 0..16 blockers, got {slots} and {blockers}")
    if ran.shape[0] != batch:
        raise ValueError(f"expected {batch} blocker sets, one per case, got {ran.shape[0]}")
    for b in range(batch):
        if cases[b] < 0 or cases[b] >= starts.shape[0] - 1:
            raise ValueError(f"expected cases in 0..{starts.shape[0] - 2}, got {cases[b]}")
    if min(query.shape[0], available.shape[0]) < starts.shape[0] - 1:
        raise ValueError(f"expected {starts.shape[0] - 1} clients in every array")
    for b in range(evidence.shape[0]):
        if evidence[b] < 0 or evidence[b] >= width:
            raise ValueError(f"expected columns in 0..{width - 1}, got {evidence[b]}")
    candidates = np.zeros((batch, slots, width + blockers + ADDED), dtype=np.float32)
    pairs = np.empty((batch, slots), dtype=np.int64)
    ties = np.empty((batch, slots), dtype=np.int8)
    queries = np.empty((batch, query.shape[1]), dtype=np.float32)
    states = np.empty((batch, blockers + 2), dtype=np.float32)
    masks = np.zeros((batch, slots + 2 + blockers), dtype=np.int8)
    cdef int8_t[:, ::1] tie = ties, mask = masks
    cdef int64_t size[127]
    cdef float[:, :, ::1] out = candidates
    cdef float[:, ::1] out_query = queries, state = states
    cdef int64_t[:, ::1] out_pairs = pairs
    with nogil:
        for b in range(batch):
            slot = 0
            for pair in range(starts[cases[b]], starts[cases[b] + 1]):
                visible = pair_blockers[pair] & ran[b]
                if visible == 0:
                    continue
                out_pairs[b, slot] = candidate_ids[pair] if named else pair
                row = feature_rows[pair] if moved else pair
                memcpy(&out[b, slot, 0], &features[row, 0], width * sizeof(float))
                for blocker in range(blockers):
                    out[b, slot, width + blocker] = (visible >> blocker) & 1
                out[b, slot, width + blockers] = retrieval_score[pair]
                slot += 1
                if slot == slots:
                    break
            for blocker in range(slot, slots):
                out_pairs[b, blocker] = -1
                tie[b, blocker] = -1
            for other in range(query.shape[1]):
                out_query[b, other] = query[cases[b], other]
            for blocker in range(blockers):
                state[b, blocker] = (ran[b] >> blocker) & 1
            state[b, blockers] = <float>(<double>slot / slots)
            state[b, blockers + 1] = min(_cost(ran[b], costs), <float>1)
            _set_legal(
                &mask[b, 0], slot, available[cases[b]] & ~ran[b], slots, blockers, allow_review
            )
            if slot == 0:
                continue
            # Pairs come by falling retrieval score, so the best two fill the first two slots.
            best = out[b, 0, width + blockers]
            second = out[b, 1, width + blockers] if slot > 1 else 0
            for blocker in range(slot):
                rival = second if blocker == 0 else best
                out[b, blocker, width + blockers + 1] = (
                    out[b, blocker, width + blockers] - rival + 1
                ) * <float>0.5
                out[b, blocker, width + blockers + 2] = (
                    out[b, blocker, width + blockers] / best if best > 0 else 0
                )
            for blocker in range(slot):
                tie[b, blocker] = blocker
                size[blocker] = 0
                for other in range(blocker):
                    if tie[b, other] == other and _alike(
                        &out[b, blocker, 0], &out[b, other, 0], evidence
                    ):
                        tie[b, blocker] = other
                        break
                size[tie[b, blocker]] += 1
            for blocker in range(slot):
                out[b, blocker, width + blockers + 3] = (
                    <float>1 - <float>1 / size[tie[b, blocker]]
                )
    return candidates, queries, states, masks, pairs, ties


def blocker_cost(const uint16_t[::1] ran, const float[::1] costs):
    """Summed cost of the blockers in each set of bits, shape (B,)."""
    cdef Py_ssize_t b, batch = ran.shape[0]
    summed = np.empty(batch, dtype=np.float32)
    cdef float[::1] out = summed
    for b in range(batch):
        out[b] = _cost(ran[b], costs)
    return summed


def legal_actions(
    const int64_t[::1] filled, const uint16_t[::1] ran, const uint16_t[::1] available,
    int slots, int blockers, bint allow_review,
):
    """1 where an action is legal: filled slots, no match, review, blockers that apply; (B, A)."""
    cdef Py_ssize_t b, batch = filled.shape[0]
    if slots < 1 or blockers < 0 or ran.shape[0] != batch or available.shape[0] != batch:
        raise ValueError(
            f"expected at least 1 slot and {batch} blocker sets, got {slots} slots, "
            f"{ran.shape[0]} run and {available.shape[0]} available"
        )
    mask = np.zeros((batch, slots + 2 + blockers), dtype=np.int8)
    cdef int8_t[:, ::1] out = mask
    for b in range(batch):
        _set_legal(&out[b, 0], filled[b], available[b] & ~ran[b], slots, blockers, allow_review)
    return mask


def keep_evidence(
    const int64_t[::1] rows, const float[:, :, ::1] candidates,
    const int64_t[:, ::1] slot_candidates, const int8_t[:, ::1] ties, const float[:, ::1] shares,
):
    """The filled slots of B observations, each by falling share, with their features in bytes.

    Args:
        rows: Row of the arrays of each of them, shape (B,).
        candidates: Features of the slots in [0, 1], shape (N, K, F), K at most 127.
        slot_candidates: Candidate in each slot, -1 where empty, shape (N, K).
        ties: `Observation.ties`, shape (N, K).
        shares: Weight of each slot of the B observations, shape (B, K).

    Returns:
        Filled slots of each observation, shape (B,), then of the P filled slots, observation after
        observation: features in 1/255, rounded to the nearest, shape (P, F), shares, place of the
        first that is tied with each, and candidates, shape (P,) each. Of equal shares the earlier
        slot comes first.

    Raises:
        ValueError: Sizes differ, or a row is out of range; unchecked, it would read past an array.
    """
    cdef Py_ssize_t batch = rows.shape[0], slots = candidates.shape[1], width = candidates.shape[2]
    cdef Py_ssize_t b, s, f, place, other, count, at = 0
    cdef int64_t row
    if not 1 <= slots <= 127 or slot_candidates.shape[1] != slots or ties.shape[1] != slots:
        raise ValueError(f"expected 1..127 slots in every array, got {slots}")
    if shares.shape[0] != batch or shares.shape[1] != slots:
        raise ValueError(f"expected shares of {batch} observations with {slots} slots each")
    if min(slot_candidates.shape[0], ties.shape[0]) < candidates.shape[0]:
        raise ValueError(f"expected {candidates.shape[0]} rows in every array")
    counts = np.zeros(batch, dtype=np.int64)
    cdef int64_t[::1] out_count = counts
    for b in range(batch):
        if not 0 <= rows[b] < candidates.shape[0]:
            raise ValueError(f"expected rows in 0..{candidates.shape[0] - 1}, got {rows[b]}")
        for s in range(slots):
            out_count[b] += slot_candidates[rows[b], s] >= 0
    total = int(counts.sum())
    features = np.empty((total, width), dtype=np.uint8)
    weights = np.empty(total, dtype=np.float32)
    first = np.empty(total, dtype=np.uint8)
    ids = np.empty(total, dtype=np.int64)
    cdef uint8_t[:, ::1] out_feature = features
    cdef float[::1] out_share = weights
    cdef uint8_t[::1] out_first = first
    cdef int64_t[::1] out_id = ids
    cdef int order[127]
    with nogil:
        for b in range(batch):
            row = rows[b]
            count = 0
            for s in range(slots):
                if slot_candidates[row, s] < 0:
                    continue
                place = count
                while place > 0 and shares[b, s] > shares[b, order[place - 1]]:
                    order[place] = order[place - 1]
                    place -= 1
                order[place] = <int>s
                count += 1
            for place in range(count):
                s = order[place]
                for f in range(width):
                    out_feature[at, f] = <uint8_t>(candidates[row, s, f] * <float>255 + <float>0.5)
                out_share[at] = shares[b, s]
                out_id[at] = slot_candidates[row, s]
                other = 0
                while ties[row, order[other]] != ties[row, s]:
                    other += 1
                out_first[at] = <uint8_t>other
                at += 1
    return counts, features, weights, first, ids
