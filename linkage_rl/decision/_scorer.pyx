# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The network of a learned policy without onnxruntime: logits from the filled slots alone.

Every sum runs over its terms in one order, whatever the processor, the batch and the number of
slots; a client therefore gets the same logits alone and in any list.
"""

import numpy as np

from libc.stdint cimport int8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

DEF ILLEGAL = -1e8

cdef extern from *:
    """
    #define TILE 32
    typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));
    typedef int bits __attribute__((vector_size(32), aligned(4), may_alias));
    #define NOT_NEGATIVE(x) ((lanes)((bits)(x) & ((x) > (lanes){0})))
    #define put(to, v0, v1, v2, v3, relu) do { \\
        lanes *held = (lanes *)(to); \\
        held[0] = relu ? NOT_NEGATIVE(v0) : v0; held[1] = relu ? NOT_NEGATIVE(v1) : v1; \\
        held[2] = relu ? NOT_NEGATIVE(v2) : v2; held[3] = relu ? NOT_NEGATIVE(v3) : v3; \\
    } while (0)

    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
    #else
    #define FOR_EACH_PROCESSOR
    #endif

    /* start + x w for each of `rows` rows: `inputs` numbers to `width`, a multiple of TILE. */
    FOR_EACH_PROCESSOR
    static void dense(
        const float *x, Py_ssize_t x_step, Py_ssize_t rows, Py_ssize_t inputs,
        const float *w, Py_ssize_t width, const float *start, float *out, int relu
    ) {
        for (Py_ssize_t tile = 0; tile < width; tile += TILE) {
            const lanes *from = (const lanes *)(start + tile);
            Py_ssize_t row = 0;
            for (; row + 1 < rows; row += 2) {
                const float *one = x + row * x_step, *two = one + x_step, *column = w + tile;
                lanes a0 = from[0], a1 = from[1], a2 = from[2], a3 = from[3];
                lanes b0 = a0, b1 = a1, b2 = a2, b3 = a3;
                for (Py_ssize_t i = 0; i < inputs; i++, column += width) {
                    const lanes *c = (const lanes *)column;
                    a0 += c[0] * one[i]; a1 += c[1] * one[i];
                    a2 += c[2] * one[i]; a3 += c[3] * one[i];
                    b0 += c[0] * two[i]; b1 += c[1] * two[i];
                    b2 += c[2] * two[i]; b3 += c[3] * two[i];
                }
                put(out + row * width + tile, a0, a1, a2, a3, relu);
                put(out + (row + 1) * width + tile, b0, b1, b2, b3, relu);
            }
            if (row < rows) {
                const float *one = x + row * x_step, *column = w + tile;
                lanes a0 = from[0], a1 = from[1], a2 = from[2], a3 = from[3];
                for (Py_ssize_t i = 0; i < inputs; i++, column += width) {
                    const lanes *c = (const lanes *)column;
                    a0 += c[0] * one[i]; a1 += c[1] * one[i];
                    a2 += c[2] * one[i]; a3 += c[3] * one[i];
                }
                put(out + row * width + tile, a0, a1, a2, a3, relu);
            }
        }
    }

    /* x w of `size` numbers, a multiple of TILE. */
    FOR_EACH_PROCESSOR
    static float dot(const float *x, const float *w, Py_ssize_t size) {
        lanes sum = {0, 0, 0, 0, 0, 0, 0, 0};
        for (Py_ssize_t i = 0; i < size; i += 8)
            sum += *(const lanes *)(x + i) * *(const lanes *)(w + i);
        return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
    """
    void dense(
        const float* x, Py_ssize_t x_step, Py_ssize_t rows, Py_ssize_t inputs,
        const float* w, Py_ssize_t width, const float* start, float* out, bint relu
    ) noexcept nogil
    float dot(const float* x, const float* w, Py_ssize_t size) noexcept nogil


cdef class Scorer:
    """The layers of `agents.scorer.CandidateScorer`, and its logits.

    A layer of J inputs and W units has weights of shape (J, W) and a bias of shape (W,).
    """

    cdef Py_ssize_t features, query, blockers, width, quantiles
    cdef bint relative
    cdef float temperature
    cdef const float[:, ::1] embed, embed_query, mix, own, context
    cdef const float[::1] embed_bias, mix_bias, own_bias, context_bias
    cdef const float[:, ::1] link, no_match, gain
    cdef const float[::1] link_bias, no_match_bias, gain_bias

    def __init__(self, layers, bint relative, float temperature):
        """Keep the layers, each of them padded with zeros to a whole number of tiles.

        Args:
            layers: Name to array; the names are those of the scorer, `weight` and `bias` after a
                dot. `link_context.weight` has no bias, nor has `embed_query.weight`.
            relative: Whether scores of review and blockers are relative to the best stop.
            temperature: Scores are divided by it.

        Raises:
            ValueError: The sizes of the layers do not fit each other.
        """
        self.relative, self.temperature = relative, temperature
        self.features, units = layers["embed.weight"].shape
        self.query = len(layers["embed_query.weight"])
        self.quantiles = len(layers["link.bias"])
        if self.quantiles == 0:
            raise ValueError("expected at least one quantile")
        self.blockers = len(layers["gain.2.bias"]) // self.quantiles - 1
        self.width = width = -(-units // 32) * 32
        rest = self.query + self.blockers + 2
        _check(layers, self.features, self.query, units, 2 * units + rest, self.quantiles, self.blockers)
        self.embed = _padded(layers["embed.weight"], width)
        self.embed_bias = _padded(layers["embed.bias"], width)
        self.embed_query = _padded(layers["embed_query.weight"], width)
        self.mix = _padded(layers["mix.weight"], width, width)
        self.mix_bias = _padded(layers["mix.bias"], width)
        self.own = _padded(layers["link_own.weight"], width, width)
        self.own_bias = _padded(layers["link_own.bias"], width)
        heads = ("link_context", "no_match.0", "gain.0")
        self.context = np.concatenate(
            [_context(layers[f"{head}.weight"], units, width) for head in heads], axis=1
        )
        biases = [np.zeros(units, dtype=np.float32), *(layers[f"{head}.bias"] for head in heads[1:])]
        self.context_bias = np.concatenate([_padded(bias, width) for bias in biases])
        self.link = _padded(layers["link.weight"].T, width)
        self.link_bias = layers["link.bias"]
        self.no_match = _padded(layers["no_match.2.weight"].T, width)
        self.no_match_bias = layers["no_match.2.bias"]
        self.gain = _padded(layers["gain.2.weight"].T, width)
        self.gain_bias = layers["gain.2.bias"]

    @property
    def sizes(self):
        """Features of a slot, features of a client, and blockers."""
        return self.features, self.query, self.blockers

    def logits(
        self, const float[:, :, ::1] candidates, const float[:, ::1] query,
        const float[:, ::1] state, const int8_t[:, ::1] mask, bint blockers_only=False,
    ):
        """Logits (B, A), illegal ones -1e8; see `Observation` for the parts.

        Args:
            candidates: Shape (B, K, F).
            query: Shape (B, Q).
            state: Shape (B, R + 2).
            mask: Shape (B, K + 2 + R).
            blockers_only: Whether links get -1e8, no match 0, and the rest its scores without the
                best stop: all that says whether to stop.

        Raises:
            ValueError: The sizes are other ones; unchecked, it would read past an array.
        """
        cdef Py_ssize_t batch = candidates.shape[0], slots = candidates.shape[1], b
        cdef Py_ssize_t width = self.width, actions = slots + 2 + self.blockers
        if (
            slots == 0 or candidates.shape[2] != self.features or query.shape[1] != self.query
            or state.shape[1] != self.blockers + 2 or mask.shape[1] != actions
            or query.shape[0] != batch or state.shape[0] != batch or mask.shape[0] != batch
        ):
            raise ValueError(
                f"expected observations of {self.features} and {self.query} features and "
                f"{self.blockers} blockers, got other shapes"
            )
        logits = np.empty((batch, actions), dtype=np.float32)
        cdef float[:, ::1] out = logits
        cdef float* scratch
        if batch == 0:
            return logits
        scratch = <float*>malloc(
            ((2 * slots + 4) * width + self.context.shape[0] + (slots + 2) * self.quantiles)
            * sizeof(float)
        )
        if scratch == NULL:
            raise MemoryError
        with nogil:
            for b in range(batch):
                self._score(
                    &candidates[b, 0, 0], slots, &query[b, 0], &state[b, 0], &mask[b, 0],
                    blockers_only, scratch, &out[b, 0],
                )
        free(scratch)
        return logits

    cdef void _score(
        self, const float* candidates, Py_ssize_t slots, const float* query, const float* state,
        const int8_t* mask, bint blockers_only, float* scratch, float* out,
    ) noexcept nogil:
        """Logits of one client."""
        cdef Py_ssize_t width = self.width, q, s
        cdef Py_ssize_t quantiles = self.quantiles
        cdef float* start = scratch
        cdef float* heads = start + width
        cdef float* hidden = heads + 3 * width
        cdef float* own = hidden + slots * width
        cdef float* known = own + slots * width
        cdef float* best = known + self.context.shape[0]
        cdef float* stops = best + quantiles
        cdef Py_ssize_t rows = self._embed(
            candidates, slots, query, mask, start, hidden, own, known
        )
        memcpy(known + 2 * width, query, self.query * sizeof(float))
        memcpy(known + 2 * width + self.query, state, (self.blockers + 2) * sizeof(float))
        dense(
            known, 0, 1, self.context.shape[0], &self.context[0, 0], 3 * width,
            &self.context_bias[0], heads, False,
        )
        for s in range(width, 3 * width):
            heads[s] = heads[s] if heads[s] > 0 else 0
        for q in range(quantiles):
            best[q] = 0 if blockers_only or not self.relative else <float>ILLEGAL
        if blockers_only:
            for s in range(slots):
                out[s] = <float>ILLEGAL
            out[slots] = 0
        else:
            for s in range(width):
                start[s] = self.own_bias[s] + heads[s]
            dense(own, width, rows, width, &self.own[0, 0], width, start, hidden, True)
            for s in range(slots):
                if mask[s] <= 0:
                    out[s] = <float>ILLEGAL
                    continue
                self._head(hidden + s * width, self.link, self.link_bias, 0, stops)
                out[s] = self._logit(stops)
                self._keep_best(stops, best)
            self._head(heads + width, self.no_match, self.no_match_bias, 0, stops)
            out[slots] = self._logit(stops) if mask[slots] > 0 else <float>ILLEGAL
            if mask[slots] > 0:
                self._keep_best(stops, best)
        for s in range(1 + self.blockers):
            if mask[slots + 1 + s] <= 0:
                out[slots + 1 + s] = <float>ILLEGAL
                continue
            self._head(heads + 2 * width, self.gain, self.gain_bias, s * quantiles, stops)
            for q in range(quantiles):
                stops[q] += best[q]
            out[slots + 1 + s] = self._logit(stops)

    cdef Py_ssize_t _embed(
        self, const float* candidates, Py_ssize_t slots, const float* query, const int8_t* mask,
        float* start, float* hidden, float* own, float* pooled,
    ) noexcept nogil:
        """Embed the filled slots into `own`, with mean and maximum in `pooled`; returns rows."""
        cdef Py_ssize_t width = self.width, rows = 0, filled = 0, s, i
        for s in range(slots):
            if mask[s] > 0:
                rows = s + 1
                filled += 1
        memset(pooled, 0, 2 * width * sizeof(float))
        dense(
            query, 0, 1, self.query, &self.embed_query[0, 0], width, &self.embed_bias[0], start,
            False,
        )
        dense(
            candidates, self.features, rows, self.features, &self.embed[0, 0], width, start, hidden,
            True,
        )
        dense(hidden, width, rows, width, &self.mix[0, 0], width, &self.mix_bias[0], own, True)
        for s in range(rows):
            if mask[s] <= 0:
                memset(own + s * width, 0, width * sizeof(float))
            for i in range(width):
                pooled[i] += own[s * width + i]
                pooled[width + i] = max(pooled[width + i], own[s * width + i])
        for i in range(width):
            pooled[i] /= max(filled, 1)
        return rows

    cdef void _head(
        self, const float* hidden, const float[:, ::1] weights, const float[::1] bias,
        Py_ssize_t first, float* out,
    ) noexcept nogil:
        """The scores of one action, one per quantile."""
        cdef Py_ssize_t q
        for q in range(self.quantiles):
            out[q] = dot(hidden, &weights[first + q, 0], self.width) + bias[first + q]

    cdef void _keep_best(self, const float* stops, float* best) noexcept nogil:
        cdef Py_ssize_t q
        if self.relative:
            for q in range(self.quantiles):
                best[q] = max(best[q], stops[q])

    cdef float _logit(self, const float* scores) noexcept nogil:
        cdef Py_ssize_t q
        cdef float total = 0
        for q in range(self.quantiles):
            total += scores[q]
        return total / self.quantiles / self.temperature


def _check(layers, features, query, units, known, quantiles, blockers):
    """Compare the shapes of the layers with those of a scorer of these sizes."""
    heads = {"link_context": known, "no_match.0": known, "gain.0": known, "link_own": units}
    last = {"link": quantiles, "no_match.2": quantiles, "gain.2": (1 + blockers) * quantiles}
    wanted = {
        "embed.weight": (features, units),
        "embed_query.weight": (query, units),
        "mix.weight": (units, units),
        **{f"{name}.weight": (inputs, units) for name, inputs in heads.items()},
        **{f"{name}.weight": (units, outputs) for name, outputs in last.items()},
        **{
            f"{name}.bias": (units,) for name in ("embed", "mix", "link_own", "no_match.0", "gain.0")
        },
        **{f"{name}.bias": (outputs,) for name, outputs in last.items()},
    }
    shapes = {name: layer.shape for name, layer in layers.items()}
    if shapes != wanted or min(features, query, units, quantiles, blockers) < 1:
        raise ValueError(f"expected layers of the shapes {wanted}, got {shapes}")


def _padded(layer, width, rows=None):
    """A layer with columns of zeros up to a width, and rows of zeros up to a number."""
    shape = (*layer.shape[: layer.ndim - 1], width) if rows is None else (rows, width)
    padded = np.zeros(shape, dtype=np.float32)
    padded[tuple(map(slice, layer.shape))] = layer
    return padded


def _context(weights, units, width):
    """A layer on mean, maximum, client and state, with rows of zeros after both of the former."""
    mean, highest, rest = np.split(weights, [units, 2 * units])
    return np.concatenate(
        [_padded(mean, width, width), _padded(highest, width, width), _padded(rest, width)]
    )


def run_plan_first(float[:, ::1] logits, const int8_t[:, ::1] mask, const int8_t[::1] planned):
    """Replace logits (B, A): while planned blockers are legal these get 0, all else -1e8.

    No other blocker is run. See `agents.rules_net.PlanFirst`.

    Args:
        logits: Of B clients.
        mask: Legal actions, the same shape.
        planned: 1 for each of the R blockers in the plan.
    """
    cdef Py_ssize_t b, r, blockers = planned.shape[0], first = logits.shape[1] - blockers
    cdef bint waits, due
    if mask.shape[0] != logits.shape[0] or mask.shape[1] != logits.shape[1] or first < 0:
        raise ValueError(f"expected logits and masks of {blockers} blockers")
    with nogil:
        for b in range(logits.shape[0]):
            waits = False
            for r in range(blockers):
                due = planned[r] and mask[b, first + r] > 0
                logits[b, first + r] = 0 if due else <float>ILLEGAL
                waits |= due
            for r in range(first if waits else 0):
                logits[b, r] = <float>ILLEGAL


def stop_as(float[:, ::1] logits, const float[:, ::1] stops, int blockers):
    """Replace logits (B, A): clients that stop get those of `stops`, all others only blockers.

    See `agents.rules_net.BlockersOf`.

    Args:
        logits: Decide whether a client stops.
        stops: Logits of links, no match and review after that, the same shape.
        blockers: Number of blockers R, at least 1.
    """
    cdef Py_ssize_t b, a, actions = logits.shape[1], first = actions - blockers
    cdef float stop, run
    if stops.shape[0] != logits.shape[0] or stops.shape[1] != actions or not 0 < first < actions:
        raise ValueError(f"expected logits of the same shape with {blockers} blockers")
    with nogil:
        for b in range(logits.shape[0]):
            stop = logits[b, 0]
            for a in range(1, first):
                stop = max(stop, logits[b, a])
            run = logits[b, first]
            for a in range(first + 1, actions):
                run = max(run, logits[b, a])
            if stop >= run:
                for a in range(first):
                    logits[b, a] = stops[b, a]
                for a in range(first, actions):
                    logits[b, a] = <float>ILLEGAL
            else:
                for a in range(first):
                    logits[b, a] = <float>ILLEGAL
