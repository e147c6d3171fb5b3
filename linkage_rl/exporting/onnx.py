"""Exports policies as ONNX graphs, which run without torch."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from linkage_rl.agents.list_scorer import ListNet
from linkage_rl.agents.rules_net import ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision.list_stage import CLIENT_FEATURES, PAIR_FEATURES
from linkage_rl.decision.onnx_list_scorer import INPUTS as LIST_INPUTS
from linkage_rl.decision.onnx_list_scorer import OUTPUTS as LIST_OUTPUTS
from linkage_rl.decision.onnx_policy import INPUTS, OUTPUT
from linkage_rl.exporting.agreement import check_kernel

OPSET = 18


def export_scorer(scorer: CandidateScorer, path: Path) -> None:
    """Write the graph of a scorer of any algorithm, with variable batch size and candidates.

    The output is always one logit per action: of a distributional scorer the mean of its
    quantiles, and of a value-based one the values divided by the temperature, as in training.

    Args:
        scorer: The scorer to export.
        path: The file to write.
    """
    export_policy(ScorerLogits(scorer), scorer.config, path)


def export_policy(policy: nn.Module, shape: ScorerConfig, path: Path) -> None:
    """Write the graph of any policy, with variable batch size and candidates.

    Args:
        policy: Gives logits (B, A) for the parts of an observation, as `ScorerLogits` and the
            other modules of `agents.rules_net` do.
        shape: Numbers of features, client features and blockers.
        path: The file to write.

    Raises:
        BundleError: The kernel that runs exported policies disagrees with onnxruntime.
    """
    # sizes that differ from each other and from 1, which the exporter would treat as constants
    batch, slots = 3, 5
    example = (
        torch.zeros(batch, slots, shape.features),
        torch.zeros(batch, shape.query),
        torch.zeros(batch, shape.blockers + 2),
        torch.ones(batch, slots + 2 + shape.blockers, dtype=torch.int8),
    )
    with _silence():
        torch.onnx.export(
            policy.eval(),
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
    check_kernel(path)


def export_list_net(net: ListNet, path: Path) -> None:
    """Write the graph of a list stage, with variable numbers of pairs and clients.

    Args:
        net: The network to export.
        path: The file to write.
    """
    example = (torch.zeros(3, len(PAIR_FEATURES)), torch.zeros(2, len(CLIENT_FEATURES)))
    with _silence():
        torch.onnx.export(
            net.eval(),
            example,
            str(path),
            input_names=list(LIST_INPUTS),
            output_names=list(LIST_OUTPUTS),
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={
                "pairs": {0: "pair"},
                "links": {0: "pair"},
                "clients": {0: "client"},
                "no_match": {0: "client"},
            },
        )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress the progress messages and deprecation warnings of the exporter."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        level = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            yield
        finally:
            logging.getLogger("torch.onnx").setLevel(level)
