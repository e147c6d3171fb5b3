"""A policy as an ONNX graph, run without torch.

A kernel runs the graphs that the exporter of this library writes, onnxruntime runs all others and
is imported for the first of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.decision.exported_policy import ExportedPolicy, exported_policy
from linkage_rl.decision.onnx_graph import ANY, FLOAT, INT8, Tensor, read_graph
from linkage_rl.decision.onnx_session import GraphSession
from linkage_rl.records import Observation

INPUTS: Final = ("candidates", "query", "state", "action_mask")
"""Inputs of the graph: parts of an observation, in this order."""
OUTPUT: Final = "logits"
"""Output of the graph: a logit per action."""
_INPUT_TENSORS: Final = {
    "candidates": Tensor(FLOAT, (None, None, ANY)),
    "query": Tensor(FLOAT, (None, ANY)),
    "state": Tensor(FLOAT, (None, ANY)),
    "action_mask": Tensor(INT8, (None, None)),
}
_OUTPUT_TENSORS: Final = {OUTPUT: Tensor(FLOAT, (None, None))}
_WIDTHS: Final = (2, 6, 12, 20)
"""Numbers of filled slots up to which clients run as one batch."""


def read_policy(path: Path) -> bytes:
    """The checked content of the graph of a policy.

    Args:
        path: Written by `exporting.onnx.export_scorer`.

    Raises:
        BundleError: The file is missing or not such a graph.
    """
    return read_graph(path, "policy", _INPUT_TENSORS, _OUTPUT_TENSORS)


class OnnxPolicy:
    """The policy of a bundle; takes any batch size and number of candidate slots."""

    def __init__(
        self, path: Path, threads: int = 1, check: Callable[["OnnxPolicy"], object] | None = None
    ) -> None:
        """Load a graph.

        Args:
            path: As of `read_policy`.
            threads: Threads of onnxruntime within one call; one is fastest, the matrices are small.
                The kernel has one.
            check: Called with the policy before onnxruntime optimises its graph, as it may do only
                with one that keeps to the limits; raises to refuse it.

        Raises:
            BundleError: The file is missing or not such a graph.
            ResourceLimitError: There is no memory for it.
        """
        content = read_policy(path)
        exported = exported_policy(content)
        self._policy: ExportedPolicy | GraphPolicy
        if check is not None:
            self._policy = exported or GraphPolicy(content, path, optimised=False)
            check(self)
        self._policy = exported or GraphPolicy(content, path, threads)

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8.

        Raises:
            BundleError: The graph fails, or needs more memory or time than it may.
            ResourceLimitError: The system has no memory left.
            ValueError: The observation has other sizes than the weights.
        """
        return self._policy.logits(observation)


class GraphPolicy:
    """The graph of a policy, run by onnxruntime within its limits."""

    def __init__(
        self, content: bytes, path: Path, threads: int = 1, optimised: bool = True
    ) -> None:
        """Load a graph.

        Args:
            content: From `read_policy`.
            path: Where it came from, for messages.
            threads: As of `onnx_session.GraphSession`.
            optimised: As of `onnx_session.GraphSession`.

        Raises:
            BundleError: onnxruntime cannot run such a graph.
            ResourceLimitError: There is no memory for it.
        """
        self._session = GraphSession(content, "policy", path, threads, optimised)

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8.

        Clients with few candidates run as batches of their own with fewer slots: an empty slot
        costs as much as a filled one, and most clients have few candidates.

        Raises:
            BundleError: The graph fails, or needs more memory or time than it may.
            ResourceLimitError: The system has no memory left.
        """
        slots = observation.candidates.shape[1]
        filled = np.add.reduce(observation.action_mask[:, :slots], axis=1, dtype=np.int64)
        widths = [width for width in _WIDTHS if width < slots] + [slots]
        group = np.searchsorted(widths, filled)
        present = np.flatnonzero(np.bincount(group)).tolist()
        if len(present) == 1:
            return self._run(observation, slice(None), widths[present[0]])
        result = np.empty(observation.action_mask.shape, dtype=np.float32)
        for place in present:
            rows = np.flatnonzero(group == place)
            result[rows] = self._run(observation, rows, widths[place])
        return result

    def _run(
        self, observation: Observation, rows: NDArray[np.int64] | slice, width: int
    ) -> NDArray[np.float32]:
        """Logits of some clients, of whose slots at most the first `width` are filled."""
        mask, slots = observation.action_mask[rows], observation.candidates.shape[1]
        feed = {
            "candidates": observation.candidates[rows, :width],
            "query": observation.query[rows],
            "state": observation.state[rows],
            "action_mask": np.concatenate([mask[:, :width], mask[:, slots:]], axis=1),
        }
        logits: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        if width == slots:
            return logits
        result = np.empty(mask.shape, dtype=np.float32)
        result[:, :width], result[:, width:slots] = logits[:, :width], ILLEGAL
        result[:, slots:] = logits[:, width:]
        return result
