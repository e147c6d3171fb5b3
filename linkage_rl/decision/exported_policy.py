"""The policies that this library exports, run from the weights in their graphs by a kernel.

A bundle's graph may be any program. Where it is, operator by operator, one that the exporter writes
for a scorer, the kernel computes the same from its weights, for small batches ten times faster than
onnxruntime. The weights come from the graph, and not from `weights.npz`, which some bundles lack
and linking would otherwise not have to read.
"""

from collections.abc import Callable, Iterator
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
    "b4fd14c99ca52f333fe5a9b608c48b7f1d145df2084e758d34dd9759b289043c": (SCORER, True),
    "abc742f6368f7e4d1c7655d6f774dadc013ff48ac7492fe8946f0f970e55f34c": (SCORER, False),
    "c2b5d0e1b03b7ff1b9b212d3ef5cb4f8bb9118fce067444f64ccaadb17eeed41": (PLAN_FIRST, True),
    "53d950ad4984ad452d268c27c7f083cfea890fd8e7617f39b6fdd04f28565800": (PLAN_FIRST, False),
    "84102517d9c8ef4adf839b4ab653e8af12d7921362dc65bf6a90e8b472684733": (BLOCKERS_OF, True),
    "0bb57a0cc40501394b484f79587b3b6f0cf5a316fb45f664df700a0fdb92a531": (BLOCKERS_OF, False),
}
"""Digests of the graphs to what `agents.policy_weights.PolicyWeights.graph` exports, and whether
the scores of its blockers are relative. Another version of torch may write another graph for the
same network; onnxruntime runs what is not here."""
_MAX_WEIGHTS: Final = 1 << 18
"""Of a graph, so that thousands of clients take seconds at most; the policy of the sample has
16,000. Larger ones run within the time limit of `onnx_session`."""
_TOLERANCE: Final = 1e-5
"""Difference from onnxruntime in units of the client's largest logit, or of 1 where that is less;
both round each of a hundred additions to 24 bits."""
_DRAWN: Final = ((1, 1), (8, 3), (64, 12))
"""Clients and slots of the observations on which the kernel is compared with onnxruntime."""
Logits = Callable[[Observation], NDArray[np.float32]]


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


def exported_policy(content: bytes, reference: Logits) -> ExportedPolicy | None:
    """The policy of a graph that the exporter wrote, None where another program wrote it.

    Args:
        content: A graph that `onnx_graph.read_graph` has checked.
        reference: What onnxruntime makes of it; the kernel must agree on made-up observations.
    """
    form = form_of(content)
    kind, relative = _FORMS.get(form.digest, ("", False))
    if not kind or sum(array.size for array in form.weights) > _MAX_WEIGHTS:
        return None
    try:
        policy = _BUILD[kind](iter(form.weights), relative)
    except (ValueError, StopIteration):
        # a graph of the same operators with other constants
        return None
    return policy if _agree(policy, reference) else None


def _agree(policy: ExportedPolicy, reference: Logits) -> bool:
    rng = np.random.default_rng(0)
    for clients, slots in _DRAWN:
        observation = _draw(rng, clients, slots, policy.scorer.sizes)
        expected = reference(observation)
        scale = np.abs(expected, where=expected > ILLEGAL, out=np.ones_like(expected))
        allowed = _TOLERANCE * np.maximum(scale.max(axis=1, keepdims=True), 1)
        # NaN is no agreement
        if not (np.abs(policy.logits(observation) - expected) <= allowed).all():
            return False
    return True


def _draw(
    rng: np.random.Generator, clients: int, slots: int, sizes: tuple[int, int, int]
) -> Observation:
    """Observations with any number of filled slots and legal blockers; no match always is legal."""
    features, query, blockers = sizes
    mask = rng.integers(0, 2, (clients, slots + 2 + blockers), dtype=np.int8)
    mask[:, :slots] = np.arange(slots) < rng.integers(0, slots + 1, (clients, 1))
    mask[:, slots] = 1
    candidates = rng.random((clients, slots, features), dtype=np.float32)
    # as many features of a pair are 0 as are not
    candidates *= rng.integers(0, 2, candidates.shape) * mask[:, :slots, None]
    return Observation(
        candidates,
        rng.random((clients, query), dtype=np.float32),
        rng.random((clients, blockers + 2), dtype=np.float32),
        mask,
        np.full((clients, slots), -1, dtype=np.int64),
        np.full((clients, slots), -1, dtype=np.int8),
    )


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
    return held
