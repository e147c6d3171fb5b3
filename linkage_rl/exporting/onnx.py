"""From a scorer to an ONNX graph that runs without torch."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.decision.onnx_policy import INPUTS, OUTPUT

OPSET = 18


class _Logits(nn.Module):
    """Only the logits of a scorer: serving has no use for the value."""

    def __init__(self, scorer: CandidateScorer) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(
        self, candidates: Tensor, query: Tensor, state: Tensor, action_mask: Tensor
    ) -> Tensor:
        logits: Tensor = self.scorer(candidates, query, state, action_mask)[0]
        return logits


def export_scorer(scorer: CandidateScorer, path: Path) -> None:
    """Write the graph of a scorer of any algorithm; batch and candidates stay open.

    Distributional scorers give the mean of their values, and value-based ones the values over
    their temperature, as in training: one graph form serves all.

    Args:
        scorer: What to export.
        path: The file to write.
    """
    config = scorer.config
    # Sizes apart from each other and from 1, which the exporter would take for constants.
    batch, slots = 3, 5
    example = (
        torch.zeros(batch, slots, config.features),
        torch.zeros(batch, config.query),
        torch.zeros(batch, config.blockers + 2),
        torch.ones(batch, slots + 2 + config.blockers, dtype=torch.int8),
    )
    with _silence():
        torch.onnx.export(
            _Logits(scorer).eval(),
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={
                "candidates": {0: "batch", 1: "slots"},
                "query": {0: "batch"},
                "state": {0: "batch"},
                "action_mask": {0: "batch", 1: "actions"},
                OUTPUT: {0: "batch", 1: "actions"},
            },
        )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without the exporter's remarks on its own progress and future."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        level = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            yield
        finally:
            logging.getLogger("torch.onnx").setLevel(level)
