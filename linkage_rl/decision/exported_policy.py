"""The policies that this library exports, run from the weights in their graphs by a kernel.

A bundle's graph may be any program. Where it is, operator by operator, one that the exporter writes
for a scorer, the kernel computes the same from its weights, for small batches ten times faster than
onnxruntime, which such a bundle does not import. `exporting.agreement` compares the two when a
graph is written. The weights come from the graph, and not from `weights.npz`, which some bundles
lack and linking would otherwise not have to read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _scorer
from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.decision.exported_graph import Array, form_of
from linkage_rl.records import Observation

SCORER, PLAN_FIRST, BLOCKERS_OF = "scorer", "plan_first", "blockers_of"
_FORMS: Final = {
    "f6ebc18fa184b790c0eb3ad6b604ab8e5bb79944c1f85a460e46a110ee824cf2": (SCORER, True),
    "e770673acc1ff168d85e45d41513deb4c24e2137d875e0572a508347383c3898": (SCORER, False),
    "747f23de3e9267627a32058ccfe9414f5880b320913ba6b4cf6037e2ce0ecd29": (PLAN_FIRST, True),
    "856348369bf478420b613d9d8ce08f29032371c9654dad3162377cb8f0f81fab": (PLAN_FIRST, False),
    "45ec4b71417b275406642b81659a0244441cd0403f48dfc2241d3c4960a39716": (BLOCKERS_OF, True),
    "15b50ade4b4c09b372039e5dd42b4f64bd3aff849a626901d870880e208aede6": (BLOCKERS_OF, False),
}
"""Digests of the graphs to what `agents.policy_weights.PolicyWeights.graph` exports, and whether
the scores of its blockers are relative. Another version of torch may write another graph for the
same network; onnxruntime runs what is not here."""
_MAX_WEIGHTS: Final = 1 << 18
"""Of a graph, so that thousands of clients take seconds at most; the policy of the sample has
16,000. Larger ones run within the time limit of `onnx_session`."""
_MAX_WEIGHT: Final = 1e4
"""Largest magnitude of a weight; learned ones are below 10. With larger ones a sum may be infinite,
of which the kernel makes other numbers than onnxruntime."""


@dataclass(frozen=True, eq=False)
class ExportedPolicy:
    """A scorer that may run the blockers of a plan first, or those that an earlier one chooses."""

    scorer: _scorer.Scorer
    planned: NDArray[np.int8] | None = None
    """1 for each of the R blockers in the plan, shape (R,); None where there is no plan."""
    start: _scorer.Scorer | None = None
    """Chooses the blockers; None where `scorer` does."""
    relative: bool = True
    """Whether scores of review and blockers are relative to the best stop."""

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8.

        Raises:
            ValueError: The observation has other sizes than the weights.
        """
        parts = (
            np.ascontiguousarray(observation.candidates),
            np.ascontiguousarray(observation.query),
            np.ascontiguousarray(observation.state),
            np.ascontiguousarray(observation.action_mask),
        )
        logits = self.scorer.logits(*parts)
        if self.planned is not None:
            _scorer.run_plan_first(logits, parts[-1], self.planned)
        if self.start is None:
            return logits
        chosen = self.start.logits(*parts, blockers_only=self.relative)
        _scorer.stop_as(chosen, logits, self.scorer.sizes[2])
        return chosen


def exported_policy(content: bytes) -> ExportedPolicy | None:
    """The policy of a graph that the exporter wrote, None where another program wrote it.

    Args:
        content: A graph that `onnx_graph.read_graph` has checked.
    """
    form = form_of(content)
    kind, relative = _FORMS.get(form.digest, ("", False))
    if not kind or sum(array.size for array in form.weights) > _MAX_WEIGHTS:
        return None
    try:
        return _BUILD[kind](iter(form.weights), relative)
    except (ValueError, StopIteration):
        # a graph of the same operators with other constants
        return None


def _alone(weights: Iterator[Array], relative: bool) -> ExportedPolicy:
    return ExportedPolicy(_read_scorer(weights, relative))


def _plan_first(weights: Iterator[Array], relative: bool) -> ExportedPolicy:
    scorer = _read_scorer(weights, relative)
    planned = _next(weights, np.bool_, 1)
    if planned.shape != (scorer.sizes[2],):
        raise ValueError(f"expected a plan of {scorer.sizes[2]} blockers, got {planned.shape}")
    _expect(weights, ILLEGAL, 0, ILLEGAL)
    return ExportedPolicy(scorer, planned.astype(np.int8))


def _blockers_of(weights: Iterator[Array], relative: bool) -> ExportedPolicy:
    start = _read_scorer(weights, relative, links=not relative)
    scorer = _read_scorer(weights, relative, counts=False)
    _expect(weights, ILLEGAL, ILLEGAL)
    return ExportedPolicy(scorer, None, start, relative)


_BUILD: Final = {SCORER: _alone, PLAN_FIRST: _plan_first, BLOCKERS_OF: _blockers_of}


def _read_scorer(
    weights: Iterator[Array], relative: bool, links: bool = True, counts: bool = True
) -> _scorer.Scorer:
    """A scorer from its weights in the order of its graph.

    Args:
        weights: What the graph holds; those of the scorer are taken.
        relative: Whether scores of review and blockers are relative to the best stop.
        links: Whether it scores links and no match.
        counts: Whether it counts the filled slots, which the second scorer of a graph does not.
    """
    layers = {"embed_query.weight": _next(weights, np.float32, 2)}
    _take(layers, weights, "embed", "mix")
    if counts:
        _expect(weights, 1)
    if links:
        _take(layers, weights, "link_own")
        layers["link_context.weight"] = _next(weights, np.float32, 2)
        _take(layers, weights, "link")
        _take_transposed(layers, weights, "no_match.0", "no_match.2")
    _take_transposed(layers, weights, "gain.0", "gain.2")
    actions, quantiles = _next(weights, np.int64, 1).tolist()
    if links and relative:
        _expect(weights, ILLEGAL)
    temperature = float(_next(weights, np.float32, 0))
    if not 0 < temperature <= _MAX_WEIGHT:
        raise ValueError(f"expected a temperature above 0, got {temperature}")
    _expect(weights, ILLEGAL)
    if not links:
        _add_empty(layers, quantiles)
        actions = len(layers["gain.2.bias"]) // max(quantiles, 1) if actions == -1 else 0
    if actions * quantiles != len(layers["gain.2.bias"]) or quantiles != len(layers["link.bias"]):
        raise ValueError(f"expected the sizes of the gains, got {actions} and {quantiles}")
    return _scorer.Scorer(layers, relative, temperature)


def _take(layers: dict[str, Array], weights: Iterator[Array], *names: str) -> None:
    for name in names:
        layers[f"{name}.weight"] = _next(weights, np.float32, 2)
        layers[f"{name}.bias"] = _next(weights, np.float32, 1)


def _take_transposed(layers: dict[str, Array], weights: Iterator[Array], *names: str) -> None:
    for name in names:
        layers[f"{name}.weight"] = _next(weights, np.float32, 2).T
        layers[f"{name}.bias"] = _next(weights, np.float32, 1)


def _add_empty(layers: dict[str, Array], quantiles: int) -> None:
    """Layers of zeros for the links and no match of a scorer that scores neither."""
    known, units = layers["gain.0.weight"].shape
    outputs = {"link_own": units, "no_match.0": units, "link": quantiles, "no_match.2": quantiles}
    for name, width in outputs.items():
        inputs = known if name == "no_match.0" else units
        layers[f"{name}.weight"] = np.zeros((inputs, width), dtype=np.float32)
        layers[f"{name}.bias"] = np.zeros(width, dtype=np.float32)
    layers["link_context.weight"] = np.zeros((known, units), dtype=np.float32)


def _expect(weights: Iterator[Array], *values: float | np.float32) -> None:
    """Constants that are part of the network: -1e8 for illegal actions, and others."""
    for value in values:
        held = _next(weights, np.float32, 0)
        if held != value:
            raise ValueError(f"expected {value}, got {held}")


def _next(weights: Iterator[Array], dtype: type[np.generic], dimensions: int) -> Array:
    """The next tensor, which must be of this type and number of dimensions."""
    held = next(weights)
    if held.dtype != dtype or held.ndim != dimensions:
        raise ValueError(f"expected {dimensions} dimensions of {dtype}, got {held.shape}")
    if dtype is np.float32 and dimensions and not np.abs(held).max(initial=0) <= _MAX_WEIGHT:
        raise ValueError(f"expected weights of at most {_MAX_WEIGHT}")
    return held
