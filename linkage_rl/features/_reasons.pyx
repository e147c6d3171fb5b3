# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernel that picks the phrases that apply to pairs."""

import numpy as np

from libc.stdint cimport int64_t, uint8_t

DEF SHOWN = 3


cdef class Rules:
    """When each of n phrases applies, from the heaviest on."""

    cdef const uint8_t[::1] codes
    cdef const int64_t[::1] feature
    cdef const float[:, ::1] between
    cdef const int64_t[::1] unless
    cdef const int64_t[::1] needs
    cdef const uint8_t[::1] on_name
    cdef Py_ssize_t trade_name
    # columns that are read
    cdef int64_t width

    def __cinit__(
        self, const uint8_t[::1] codes, const int64_t[::1] feature, const float[:, ::1] between,
        const int64_t[::1] unless, const int64_t[::1] needs, const uint8_t[::1] on_name,
        Py_ssize_t trade_name,
    ):
        """See `reasons.Phrase`.

        Args:
            codes: Number of each phrase, shape (n,).
            feature: Column of each phrase's feature; `unless` and `needs` likewise, -1 for none.
            between: Lowest and highest value to which each phrase applies, shape (n, 2).
            on_name: 1 for the phrases that are not said where that of the trade name applies.
            trade_name: Position of this one.
        """
        self.codes, self.feature, self.between = codes, feature, between
        self.unless, self.needs, self.on_name = unless, needs, on_name
        self.trade_name = trade_name
        self.width = 1 + max(np.max(feature), np.max(unless), np.max(needs))


cdef inline bint _applies(Rules rules, Py_ssize_t k, const float* features) noexcept nogil:
    cdef float value = features[rules.feature[k]]
    return (
        rules.between[k, 0] <= value <= rules.between[k, 1]
        and (rules.unless[k] < 0 or features[rules.unless[k]] < 1)
        and (rules.needs[k] < 0 or features[rules.needs[k]] > 0)
    )


def codes(
    Rules rules not None, const float[:, ::1] features, const int64_t[::1] name_agrees, uint8_t nothing
):
    """The three heaviest phrases that apply to each of P pairs, see `reasons.reason_codes`.

    Args:
        features: Pair features, shape (P, F).
        name_agrees: Columns of which one is not 0 where a name agrees.
        nothing: Stands for a phrase where fewer apply.

    Raises:
        ValueError: There are fewer features than the phrases are about.
    """
    cdef Py_ssize_t i, k, n = features.shape[0], shown
    cdef int64_t width = rules.width
    for k in range(name_agrees.shape[0]):
        width = max(width, name_agrees[k] + 1)
    if features.shape[1] < width:
        raise ValueError(f"expected at least {width} features of each pair, got {features.shape[1]}")
    cdef bint trade
    cdef const float* own
    found = np.full((n, SHOWN + 1), nothing, dtype=np.uint8)
    cdef uint8_t[:, ::1] out = found
    with nogil:
        for i in range(n):
            own = &features[i, 0]
            trade = _applies(rules, rules.trade_name, own)
            shown = 0
            for k in range(rules.codes.shape[0]):
                if shown < SHOWN and not (trade and rules.on_name[k]) and _applies(rules, k, own):
                    out[i, shown] = rules.codes[k]
                    shown += 1
            out[i, SHOWN] = 0
            for k in range(name_agrees.shape[0]):
                if own[name_agrees[k]] != 0:
                    out[i, SHOWN] = 1
    return found
