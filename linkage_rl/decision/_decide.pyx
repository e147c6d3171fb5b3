# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that turn logits into actions, decisions and shortlists, for one client or thousands."""

import numpy as np

from libc.float cimport FLT_MAX
from libc.math cimport exp
from libc.stdint cimport int8_t, int16_t, int64_t, uint16_t

DEF MOST_SLOTS = 127
DEF NO_MATCH = 0
DEF LINK = 1
DEF REVIEW = 2


cdef void _share(const float* logits, Py_ssize_t slots, float* shares) noexcept nogil:
    """Softmax weights of the link slots among these and no match, which follows them."""
    cdef double weight[MOST_SLOTS + 1]
    cdef double total = 0
    cdef float highest = logits[0]
    cdef Py_ssize_t s
    for s in range(1, slots + 1):
        highest = max(highest, logits[s])
    for s in range(slots + 1):
        weight[s] = exp(<double>logits[s] - <double>highest)
        total += weight[s]
    for s in range(slots):
        shares[s] = <float>(weight[s] / total)


cdef Py_ssize_t _confide(
    const float* logits, const float* shares, const int8_t* ties, Py_ssize_t slots,
    float* confidence, int16_t* tied,
) noexcept nogil:
    """Returns the best slot; sets the weight of it and those tied with it, and their number."""
    cdef Py_ssize_t best = 0, s
    cdef double total = 0
    cdef int16_t count = 0
    for s in range(1, slots):
        if logits[s] > logits[best]:
            best = s
    for s in range(slots):
        if ties[s] >= 0 and ties[s] == ties[best]:
            total += shares[s]
            count += 1
    confidence[0] = <float>min(total, <double>1)
    tied[0] = max(count, <int16_t>1)
    return best


cdef _check(Py_ssize_t slots, Py_ssize_t actions):
    if not 1 <= slots <= MOST_SLOTS or actions <= slots:
        raise ValueError(
            f"expected 1..{MOST_SLOTS} slots and no match after them, got {slots} slots and "
            f"{actions} actions"
        )


def slot_shares(const float[:, ::1] logits, Py_ssize_t slots):
    """Softmax weight of each link slot among the link slots and no match, shape (B, K)."""
    cdef Py_ssize_t b, batch = logits.shape[0]
    _check(slots, logits.shape[1])
    shares = np.empty((batch, slots), dtype=np.float32)
    cdef float[:, ::1] out = shares
    with nogil:
        for b in range(batch):
            _share(&logits[b, 0], slots, &out[b, 0])
    return shares


def raw_confidence(const float[:, ::1] logits, const int8_t[:, ::1] ties):
    """Best slot, confidence in it and those tied with it, and the number of these; (B,) each.

    Args:
        logits: Of B clients, illegal ones replaced, shape (B, A).
        ties: `Observation.ties`, shape (B, K).
    """
    cdef Py_ssize_t b, batch = logits.shape[0], slots = ties.shape[1]
    cdef float shares[MOST_SLOTS]
    _check(slots, logits.shape[1])
    if ties.shape[0] != batch:
        raise ValueError(f"expected ties of {batch} clients, got {ties.shape[0]}")
    slot = np.empty(batch, dtype=np.int64)
    confidence = np.empty(batch, dtype=np.float32)
    tied = np.empty(batch, dtype=np.int16)
    cdef int64_t[::1] out_slot = slot
    cdef float[::1] out_confidence = confidence
    cdef int16_t[::1] out_tied = tied
    with nogil:
        for b in range(batch):
            _share(&logits[b, 0], slots, shares)
            out_slot[b] = _confide(
                &logits[b, 0], shares, &ties[b, 0], slots, &out_confidence[b], &out_tied[b]
            )
    return slot, confidence, tied


def act(
    const float[:, :] logits, const int8_t[:, ::1] mask, const int64_t[:, ::1] candidates,
    const int8_t[:, ::1] ties, const int64_t[::1] cases, float illegal, Py_ssize_t actions,
    int8_t[::1] kind, int64_t[::1] candidate, float[::1] confidence, int16_t[::1] tied,
):
    """Take the best legal action for each of B clients, and record the decisions of those who stop.

    Args:
        logits: Of the actions, shape (B, A); an action that is not a number is never taken.
        mask: 1 where an action is legal, shape (B, A).
        candidates: Candidate in each slot, shape (B, K).
        ties: `Observation.ties`, shape (B, K).
        cases: Position of each client in the last four arrays, shape (B,).
        illegal: Logit that illegal actions get, and those that are not a number.
        actions: Actions 0..actions-1 are taken into account, at least K + 2.
        kind: Set to `DecisionKind` of those who stop, shape (N,).
        candidate: Set to the candidate in their best slot, -1 where there is none, shape (N,).
        confidence: Set to the raw confidence in it, shape (N,).
        tied: Set to the number of candidates tied with it, shape (N,).

    Returns:
        Blocker that each client runs, -1 for those who stop, shape (B,); of the S clients who stop:
        their rows in the first arrays, shape (S,), and the softmax weight of each of their link
        slots among these and no match, shape (S, K).

    Raises:
        ValueError: Sizes differ, or a case is out of range; unchecked, it would write past an array.
    """
    cdef Py_ssize_t batch = mask.shape[0], slots = candidates.shape[1], first_blocker = slots + 2
    cdef Py_ssize_t b, a, best, at = 0, clients = kind.shape[0]
    cdef float legal[MOST_SLOTS + 2 + 16]
    cdef float logit
    cdef int64_t case
    _check(slots, actions - 1)
    if actions > slots + 2 + 16 or min(logits.shape[1], mask.shape[1]) < actions:
        raise ValueError(
            f"expected logits and mask of {actions} actions, got {logits.shape[1]} of {batch} rows "
            f"and {mask.shape[1]} of {mask.shape[0]} rows"
        )
    if ties.shape[1] != slots or not (
        logits.shape[0] == candidates.shape[0] == ties.shape[0] == cases.shape[0] == batch
    ):
        raise ValueError(f"expected {batch} clients with {slots} slots in every array")
    if not candidate.shape[0] == confidence.shape[0] == tied.shape[0] == clients:
        raise ValueError(f"expected decisions on {clients} clients in every array")
    for b in range(batch):
        if not 0 <= cases[b] < clients:
            raise ValueError(f"expected cases in 0..{clients - 1}, got {cases[b]}")
    blockers = np.full(batch, -1, dtype=np.int64)
    rows = np.empty(batch, dtype=np.int64)
    shares = np.empty((batch, slots), dtype=np.float32)
    cdef int64_t[::1] out_blocker = blockers, out_row = rows
    cdef float[:, ::1] out_share = shares
    with nogil:
        for b in range(batch):
            best = -1
            for a in range(actions):
                logit = logits[b, a]
                if not mask[b, a] or logit != logit:
                    legal[a] = illegal
                    continue
                # shares of infinite logits would not be numbers
                legal[a] = min(max(logit, illegal), <float>FLT_MAX)
                if best < 0 or legal[a] > legal[best]:
                    best = a
            if best < 0:
                best = slots
            if best >= first_blocker:
                out_blocker[b] = best - first_blocker
                continue
            case = cases[b]
            kind[case] = LINK if best < slots else NO_MATCH if best == slots else REVIEW
            _share(legal, slots, &out_share[at, 0])
            best = _confide(
                legal, &out_share[at, 0], &ties[b, 0], slots, &confidence[case], &tied[case]
            )
            candidate[case] = candidates[b, best]
            out_row[at] = b
            at += 1
    return blockers, rows[:at], shares[:at]


def groups(const int64_t[::1] cases, const int64_t[::1] blockers, uint16_t[::1] ran):
    """Which clients run which blocker; adds it to those that have run.

    Args:
        cases: Position of each of B clients in `ran`, shape (B,).
        blockers: Blocker that each runs, 0..15, or -1 for none, shape (B,).
        ran: Blockers run, one bit per blocker, shape (N,).

    Returns:
        The cases that run a blocker, in their order, then a pair for each blocker that is run:
        its position and its cases.

    Raises:
        ValueError: Sizes differ, or a case or blocker is out of range.
    """
    cdef Py_ssize_t b, batch = cases.shape[0], at = 0
    cdef int64_t counts[16]
    cdef int64_t[::1] out
    cdef int blocker
    if blockers.shape[0] != batch:
        raise ValueError(f"expected blockers of {batch} clients, got {blockers.shape[0]}")
    for blocker in range(16):
        counts[blocker] = 0
    for b in range(batch):
        if not (0 <= cases[b] < ran.shape[0] and -1 <= blockers[b] < 16):
            raise ValueError(f"expected a case and a blocker, got {cases[b]} and {blockers[b]}")
        if blockers[b] >= 0:
            counts[blockers[b]] += 1
            ran[cases[b]] |= <uint16_t>(1 << blockers[b])
            at += 1
    going = np.empty(at, dtype=np.int64)
    out, at = going, 0
    for b in range(batch):
        if blockers[b] >= 0:
            out[at] = cases[b]
            at += 1
    runs = []
    for blocker in range(16):
        if counts[blocker] == 0:
            continue
        mine = np.empty(counts[blocker], dtype=np.int64)
        out, at = mine, 0
        for b in range(batch):
            if blockers[b] == blocker:
                out[at] = cases[b]
                at += 1
        runs.append((blocker, mine))
    return going, runs


def shorten(
    const int64_t[::1] rows, const float[:, ::1] shares, const int64_t[:, ::1] candidates,
    const int8_t[:, ::1] ties, int kept,
):
    """The best candidates of B cases; tied candidates share their weights equally.

    Args:
        rows: Row of `candidates` and `ties` of each of them, shape (B,).
        shares: Weight of each slot, shape (B, K), K at most 127.
        candidates: Candidate in each slot, shape (N, K).
        ties: `Observation.ties`, shape (N, K).
        kept: Candidates kept of each case, at least 0; there may be more than slots.

    Returns:
        Candidates, -1 where there are no more, shares, and numbers of tied candidates; shape
        (B, kept) each. Of equal shares the one with the higher weight of its own comes first, then
        the earlier slot.

    Raises:
        ValueError: Sizes differ, or a row is out of range; unchecked, it would read past an array.
    """
    cdef Py_ssize_t batch = shares.shape[0], slots = shares.shape[1], b, s, k, row, filled
    if kept < 0:
        raise ValueError(f"expected to keep 0 candidates or more, got {kept}")
    if slots > 127 or candidates.shape[1] != slots or ties.shape[1] != slots:
        raise ValueError(f"expected up to 127 slots in every array, got {slots}")
    if rows.shape[0] != batch or ties.shape[0] != candidates.shape[0]:
        raise ValueError(f"expected {batch} cases in every array, got {rows.shape[0]}")
    for b in range(batch):
        if not 0 <= rows[b] < candidates.shape[0]:
            raise ValueError(f"expected rows in 0..{candidates.shape[0] - 1}, got {rows[b]}")
    ids = np.full((batch, kept), -1, dtype=np.int64)
    weights = np.zeros((batch, kept), dtype=np.float32)
    counts = np.zeros((batch, kept), dtype=np.int16)
    cdef int64_t[:, ::1] out_id = ids
    cdef float[:, ::1] out_share = weights
    cdef int16_t[:, ::1] out_count = counts
    # a place for every tie that an int8 can be, and for every slot
    cdef double total[128]
    cdef int size[128]
    cdef int place[128]
    cdef float mean
    cdef int8_t tie
    with nogil:
        for b in range(batch):
            row = rows[b]
            filled = 0
            for s in range(128):
                total[s] = 0
                size[s] = 0
            for s in range(slots):
                tie = ties[row, s]
                if tie >= 0:
                    total[tie] += shares[b, s]
                    size[tie] += 1
            for s in range(slots):
                tie = ties[row, s]
                if tie < 0:
                    continue
                mean = <float>(total[tie] / size[tie])
                k = filled
                while k > 0 and (
                    mean > out_share[b, k - 1]
                    or (mean == out_share[b, k - 1] and shares[b, s] > shares[b, place[k - 1]])
                ):
                    if k < kept:
                        out_id[b, k] = out_id[b, k - 1]
                        out_share[b, k] = out_share[b, k - 1]
                        out_count[b, k] = out_count[b, k - 1]
                        place[k] = place[k - 1]
                    k -= 1
                if k < kept:
                    out_id[b, k] = candidates[row, s]
                    out_share[b, k] = mean
                    out_count[b, k] = <int16_t>size[tie]
                    place[k] = <int>s
                filled += filled < kept
    return ids, weights, counts
