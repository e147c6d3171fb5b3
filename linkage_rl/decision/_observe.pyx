# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels that show many cases at once: slots, state and legal actions."""

import numpy as np

from libc.stdint cimport int8_t, int64_t, uint16_t
from libc.string cimport memcpy


def fill_slots(
    const int64_t[::1] cases, const uint16_t[::1] bought,
    const int64_t[::1] starts, const uint16_t[::1] pair_routes,
    const float[::1] affinity, const float[:, ::1] features, const int64_t[::1] feature_rows,
    const int64_t[::1] pair_names, int slots, int routes,
):
    """Show each case the first `slots` pairs that a bought route proposed.

    Args:
        cases: Case of each of B observations.
        starts: Pairs of case i are starts[i]..starts[i + 1], by falling affinity.
        feature_rows: Row of `features` of each pair; empty where pair p has row p.
        pair_names: What each pair is called; empty where pair p is p.

    Returns:
        Candidates (B, slots, F + routes + 3): the pair's features, one bit per bought route that
        proposed it, its affinity, its lead over the best other visible pair mapped to [0, 1], and
        its share of the best affinity; the pair in each slot, -1 where empty; and the number of
        filled slots (B,).
    """
    cdef Py_ssize_t b, batch = cases.shape[0]
    cdef int width = features.shape[1], slot, route
    cdef int64_t pair, row
    cdef bint moved = feature_rows.shape[0] > 0, named = pair_names.shape[0] > 0
    cdef uint16_t visible
    cdef float best, second, rival
    candidates = np.zeros((batch, slots, width + routes + 3), dtype=np.float32)
    pairs = np.empty((batch, slots), dtype=np.int64)
    cdef float[:, :, ::1] out = candidates
    cdef int64_t[:, ::1] out_pairs = pairs
    out_pairs[:, :] = -1
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
                out_pairs[b, slot] = pair_names[pair] if named else pair
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
            best = out[b, 0, width + routes]
            second = out[b, 1, width + routes] if slot > 1 else 0
            for route in range(slot):
                rival = second if route == 0 else best
                out[b, route, width + routes + 1] = (
                    out[b, route, width + routes] - rival + 1
                ) * <float>0.5
                out[b, route, width + routes + 2] = (
                    out[b, route, width + routes] / best if best > 0 else 0
                )
    return candidates, pairs, filled


cdef inline float _cost(uint16_t bought, const float[::1] prices) noexcept nogil:
    cdef double cost = 0
    cdef Py_ssize_t route
    for route in range(prices.shape[0]):
        if (bought >> route) & 1:
            cost += prices[route]
    return <float>cost


def route_cost(const uint16_t[::1] bought, const float[::1] prices):
    """Summed price of the routes in each bit set, shape (B,)."""
    cdef Py_ssize_t b, batch = bought.shape[0]
    costs = np.empty(batch, dtype=np.float32)
    cdef float[::1] out = costs
    for b in range(batch):
        out[b] = _cost(bought[b], prices)
    return costs


def fill_state(
    const uint16_t[::1] bought, const int64_t[::1] filled, const float[::1] prices, int slots
):
    """One bit per route, share of filled slots, and cost so far up to 1; shape (B, R + 2)."""
    cdef Py_ssize_t b, batch = bought.shape[0], route, routes = prices.shape[0]
    state = np.empty((batch, routes + 2), dtype=np.float32)
    cdef float[:, ::1] out = state
    for b in range(batch):
        for route in range(routes):
            out[b, route] = (bought[b] >> route) & 1
        out[b, routes] = <float>(<double>filled[b] / slots)
        out[b, routes + 1] = min(_cost(bought[b], prices), <float>1)
    return state


def legal_actions(
    const int64_t[::1] filled, const uint16_t[::1] bought, const uint16_t[::1] available,
    int slots, int routes, bint allow_review,
):
    """1 where an action is legal: filled slots, no match, review, routes to ask; (B, A)."""
    cdef Py_ssize_t b, batch = filled.shape[0], route
    cdef int64_t slot
    mask = np.zeros((batch, slots + 2 + routes), dtype=np.int8)
    cdef int8_t[:, ::1] out = mask
    for b in range(batch):
        for slot in range(min(filled[b], slots)):
            out[b, slot] = 1
        out[b, slots] = 1
        out[b, slots + 1] = allow_review
        for route in range(routes):
            out[b, slots + 2 + route] = ((available[b] & ~bought[b]) >> route) & 1
    return mask


def choose(const float[:, :] preferences, const int8_t[:, ::1] mask, float illegal, int actions):
    """The first actions' preferences, illegal ones replaced, and the first best; (B, A), (B,)."""
    cdef Py_ssize_t b, a, batch = preferences.shape[0]
    legal = np.empty((batch, actions), dtype=np.float32)
    best = np.zeros(batch, dtype=np.int64)
    cdef float[:, ::1] out = legal
    cdef int64_t[::1] out_best = best
    with nogil:
        for b in range(batch):
            for a in range(actions):
                out[b, a] = preferences[b, a] if mask[b, a] else illegal
                if out[b, a] > out[b, out_best[b]]:
                    out_best[b] = a
    return legal, best
