"""A learned policy as an ONNX graph, run by onnxruntime; no torch."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.errors import BundleError
from linkage_rl.records import Observation

INPUTS: Final = ("candidates", "query", "state", "action_mask")
"""Inputs of the graph; parts of an observation, in this order."""
OUTPUT: Final = "logits"
_WIDTHS: Final = (2, 6, 12, 20)
"""Filled slots up to which clients run together."""


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

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8.

        Clients with few candidates run apart from those with many: an empty slot costs as much as a
        filled one, and most clients have few.
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
        """Logits of some clients, of whose slots only the first `width` hold anybody."""
        mask, slots = observation.action_mask[rows], observation.candidates.shape[1]
        feed = {
            "candidates": observation.candidates[rows, :width],
            "query": observation.query[rows],
            "state": observation.state[rows],
            "action_mask": np.concatenate([mask[:, :width], mask[:, slots:]], axis=1),
        }
        said: NDArray[np.float32] = self._session.run([OUTPUT], feed)[0]
        if width == slots:
            return said
        result = np.empty(mask.shape, dtype=np.float32)
        result[:, :width], result[:, width:slots] = said[:, :width], ILLEGAL
        result[:, slots:] = said[:, width:]
        return result
