"""Compares the kernel that runs exported policies with onnxruntime, when a graph is written.

Who loads the graph later trusts its form and runs the kernel alone.
"""

from pathlib import Path
from typing import Final

import numpy as np

from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.decision.exported_policy import exported_policy
from linkage_rl.decision.onnx_policy import GraphPolicy, read_policy
from linkage_rl.errors import BundleError
from linkage_rl.records import Observation

TOLERANCE: Final = 1e-5
"""Difference from onnxruntime in units of the client's largest logit, or of 1 where that is less;
both round each of a hundred additions to 24 bits."""
_DRAWN: Final = ((1, 1), (8, 3), (64, 12))
"""Clients and slots of the observations that are compared."""


def check_kernel(path: Path) -> None:
    """Compare the logits of made-up observations, where a kernel runs this graph at all.

    Args:
        path: The graph of a policy.

    Raises:
        BundleError: The kernel gives other logits than onnxruntime, or the file is no such graph.
    """
    content = read_policy(path)
    kernel = exported_policy(content)
    if kernel is None:
        return
    graph, rng = GraphPolicy(content, path), np.random.default_rng(0)
    for clients, slots in _DRAWN:
        observation = drawn(rng, clients, slots, kernel.scorer.sizes)
        expected, logits = graph.logits(observation), kernel.logits(observation)
        scale = np.abs(expected, where=expected > ILLEGAL, out=np.ones_like(expected))
        apart = np.abs(logits - expected) / np.maximum(scale.max(axis=1, keepdims=True), 1)
        # NaN is no agreement
        if not (apart <= TOLERANCE).all():
            raise BundleError(
                f"expected logits of the exported policy within {TOLERANCE:g} of those of "
                f"onnxruntime, got a difference of {apart.max():.2g}; train with another seed, "
                "and report it"
            )


def drawn(
    rng: np.random.Generator, clients: int, slots: int, sizes: tuple[int, int, int]
) -> Observation:
    """Observations with any number of filled slots and legal blockers; no match always is legal.

    Args:
        rng: Draws them.
        clients: How many.
        slots: Of each.
        sizes: Features of a pair, features of a client, blockers.
    """
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
