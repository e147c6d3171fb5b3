"""A learned policy as an ONNX graph, run by onnxruntime; no torch."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from linkage_rl.errors import BundleError
from linkage_rl.records import Observation

INPUTS: Final = ("candidates", "query", "state", "action_mask")
"""Inputs of the graph; parts of an observation, in this order."""
OUTPUT: Final = "preferences"


class OnnxPolicy:
    """Prefers what the graph prefers; any batch size and number of candidates."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load a graph.

        Args:
            path: Written by `exporting.onnx.export_scorer`.
            threads: Threads within one call; the matrices are small, so one is fastest.

        Raises:
            BundleError: The file is missing or not such a graph.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Errors reach the caller as exceptions; the library would print them, too.
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime raises a dozen unrelated classes for a file that it cannot read.
            raise BundleError(f"expected a policy as an ONNX graph in {path}: {error}") from error
        found = tuple(part.name for part in self._session.get_inputs())
        if found != INPUTS:
            raise BundleError(f"the policy {path} needs inputs {INPUTS}, got {found}")

    def preferences(self, observation: Observation) -> NDArray[np.float32]:
        """Log-preferences of every action, shape (B, A); illegal ones get -1e8."""
        feed = {name: getattr(observation, name) for name in INPUTS}
        result: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        return result
