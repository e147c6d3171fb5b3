"""The list stage's network as an ONNX graph, run by onnxruntime; no torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.list_stage import CLIENT_FEATURES, PAIR_FEATURES
from linkage_rl.decision.onnx_graph import FLOAT, Tensor, read_graph
from linkage_rl.decision.onnx_session import GraphSession

INPUTS: Final = ("pairs", "clients")
"""Inputs of the graph: `PAIR_FEATURES` and `CLIENT_FEATURES`."""
OUTPUTS: Final = ("links", "no_match")
"""Outputs of the graph: a logit per pair, and one per client."""

_INPUT_TENSORS: Final = {
    "pairs": Tensor(FLOAT, (None, len(PAIR_FEATURES))),
    "clients": Tensor(FLOAT, (None, len(CLIENT_FEATURES))),
}
_OUTPUT_TENSORS: Final = dict.fromkeys(OUTPUTS, Tensor(FLOAT, (None,)))


class OnnxListScorer:
    """The `ListScorer` of a bundle."""

    def __init__(
        self, path: Path, check: Callable[["OnnxListScorer"], object] | None = None
    ) -> None:
        """Load a graph.

        Args:
            path: Written by `exporting.onnx.export_list_net`.
            check: As of `OnnxPolicy`.

        Raises:
            BundleError: The file is missing or not such a graph.
            ResourceLimitError: There is no memory for it.
        """
        content = read_graph(path, "list stage", _INPUT_TENSORS, _OUTPUT_TENSORS)
        if check is not None:
            self._session = GraphSession(content, "list stage", path, optimised=False)
            check(self)
        self._session = GraphSession(content, "list stage", path)

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of P companies, and of no match for n clients.

        Raises:
            BundleError: The graph fails, or needs more memory or time than it may.
            ResourceLimitError: The system has no memory left.
        """
        links, no_match = self._session.run(
            list(OUTPUTS), dict(zip(INPUTS, (pairs, clients), strict=True))
        )
        return links, no_match
