# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernel that fills the candidate slots of many observations at once."""

import numpy as np

from libc.stdint cimport int64_t, uint16_t
from libc.string cimport memcpy


def fill_slots(
    const int64_t[::1] cases, const uint16_t[::1] bought,
    const int64_t[::1] starts, const uint16_t[::1] pair_routes,
    const float[::1] affinity, const float[:, ::1] features, const int64_t[::1] feature_rows,
    int slots, int routes,
):
    """Show each case the first `slots` pairs that a bought route proposed.

    Args:
        cases: Case of each of B observations.
        feature_rows: Row of `features` of each pair; empty where pair p has row p.
        starts: Pairs of case i are starts[i]..starts[i + 1], by falling affinity.

    Returns:
        Candidates (B, slots, F + routes + 3): the pair's features, one bit per bought route that
        proposed it, its affinity, its lead over the best other visible pair mapped to [0, 1], and
        its share of the best affinity; the pair index of each slot, -1 where empty; and the number
        of filled slots (B,).
    """
    cdef Py_ssize_t b, batch = cases.shape[0]
    cdef int width = features.shape[1], slot, route
    cdef int64_t pair, row
    cdef bint moved = feature_rows.shape[0] > 0
    cdef uint16_t visible
    cdef float best, second, rival
    candidates = np.zeros((batch, slots, width + routes + 3), dtype=np.float32)
    pairs = np.full((batch, slots), -1, dtype=np.int64)
    cdef float[:, :, ::1] out = candidates
    cdef int64_t[:, ::1] out_pairs = pairs
    filled = np.zeros(batch, dtype=np.int64)
    cdef int64_t[::1] out_filled = filled
    with nogil:
        for b in range(batch):
            if bought[b] == 0:
                continue
            slot = 0
            for pair in range(starts[cases[b]], starts[cases[b] + 1]):
                visible = pair_routes[pair] & bought[b]
                if visible == 0:
                    continue
                out_pairs[b, slot] = pair
                row = feature_rows[pair] if moved else pair
                memcpy(&out[b, slot, 0], &features[row, 0], width * sizeof(float))
                for route in range(routes):
                    out[b, slot, width + route] = (visible >> route) & 1
                out[b, slot, width + routes] = affinity[pair]
                slot += 1
                if slot == slots:
                    break
            out_filled[b] = slot
            if slot == 0:
                continue
            # Pairs come by falling affinity, so the best two stand in the first two slots.
            best = affinity[out_pairs[b, 0]]
            second = affinity[out_pairs[b, 1]] if slot > 1 else 0
            for route in range(slot):
                rival = second if route == 0 else best
                out[b, route, width + routes + 1] = (
                    out[b, route, width + routes] - rival + 1
                ) * <float>0.5
                out[b, route, width + routes + 2] = (
                    out[b, route, width + routes] / best if best > 0 else 0
                )
    return candidates, pairs, filled
