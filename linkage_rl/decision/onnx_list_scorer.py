"""The list stage's network as an ONNX graph, run by onnxruntime; no torch."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from linkage_rl.decision.list_stage import CLIENT_FEATURES, PAIR_FEATURES
from linkage_rl.errors import BundleError

INPUTS: Final = ("pairs", "clients")
"""Inputs of the graph: `PAIR_FEATURES` and `CLIENT_FEATURES`."""
OUTPUTS: Final = ("links", "no_match")
"""Outputs of the graph: a logit per pair, and one per client."""


class OnnxListScorer:
    """The `ListScorer` of a bundle."""

    def __init__(self, path: Path) -> None:
        """Load a graph.

        Args:
            path: Written by `exporting.onnx.export_list_net`.

        Raises:
            BundleError: The file is missing or not such a graph.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # onnxruntime would print errors that the caller gets as exceptions
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime raises a dozen unrelated classes for a file that it cannot read
            raise BundleError(
                f"expected a list stage as an ONNX graph in {path}: {error}; export the run again"
            ) from error
        widths = {part.name: part.shape[1] for part in self._session.get_inputs()}
        if widths != dict(zip(INPUTS, (len(PAIR_FEATURES), len(CLIENT_FEATURES)), strict=True)):
            raise BundleError(
                f"the list stage {path} needs inputs {INPUTS} of {len(PAIR_FEATURES)} and "
                f"{len(CLIENT_FEATURES)} features, got {widths}; export the run again"
            )

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of P companies, and of no match for n clients."""
        links, no_match = self._session.run(
            list(OUTPUTS), dict(zip(INPUTS, (pairs, clients), strict=True))
        )
        return links, no_match
