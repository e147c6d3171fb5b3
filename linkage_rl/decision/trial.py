"""Runs graphs that came from outside on made-up input, before they decide anything.

What fails here is refused. A graph may still fail later, for numbers that the trial did not try; it
then meets the limits of `GraphSession`.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.list_stage import CLIENT_FEATURES, ListScorer
from linkage_rl.decision.list_stage import PAIR_FEATURES as LIST_PAIR_FEATURES
from linkage_rl.decision.observation import SLOT_FEATURES, View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.errors import BundleError
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.records import Observation

_FULL_BATCH: Final = 256
"""Clients of a long list that are decided at once."""


def check_policy(policy: OnnxPolicy, view: View) -> None:
    """Run a policy on full and on empty slots, for a single client, a few, and a full batch.

    Raises:
        BundleError: It fails, exceeds the limits of a graph, or gives anything but a finite logit
            per action.
    """
    slots, blockers = view.max_candidates, len(view.costs)
    widths = (len(PAIR_FEATURES) + blockers + len(SLOT_FEATURES), len(QUERY_FEATURES))
    for clients, filled in ((1, slots), (2, slots), (3, 1), (_FULL_BATCH, slots)):
        candidates = np.zeros((clients, slots, widths[0]), dtype=np.float32)
        candidates[:, :filled] = 0.5
        mask = np.ones((clients, view.layout.size), dtype=np.int8)
        mask[:, filled:slots] = 0
        observation = Observation(
            candidates,
            np.full((clients, widths[1]), 0.5, dtype=np.float32),
            np.zeros((clients, blockers + 2), dtype=np.float32),
            mask,
            np.full((clients, slots), -1, dtype=np.int64),
            np.full((clients, slots), -1, dtype=np.int8),
        )
        try:
            logits = policy.logits(observation)
        except (ValueError, IndexError) as error:
            # logits of another shape than the actions
            raise _failed("policy", error) from error
        # the logits of illegal actions are never read, and may be as low as they like
        legal = np.where(mask > 0, logits, 0) if logits.shape == mask.shape else logits
        _check("policy", [legal], [mask.shape])


def check_list_scorer(scorer: ListScorer) -> None:
    """Run the network of a list stage on one pair, on a few, and on those of many clients.

    Raises:
        BundleError: It fails, exceeds the limits of a graph, or gives anything but a finite logit
            per pair and client.
    """
    for pairs, clients in ((1, 1), (5, 2), (8 * _FULL_BATCH, _FULL_BATCH)):
        found = scorer.logits(
            np.full((pairs, len(LIST_PAIR_FEATURES)), 0.5, dtype=np.float32),
            np.full((clients, len(CLIENT_FEATURES)), 0.5, dtype=np.float32),
        )
        _check("list stage", found, [(pairs,), (clients,)])


def _check(
    what: str, found: Sequence[NDArray[np.float32]], shapes: Sequence[tuple[int, ...]]
) -> None:
    for logits, shape in zip(found, shapes, strict=True):
        if logits.shape != shape or not np.isfinite(logits).all():
            raise BundleError(
                f"expected finite logits of shape {shape} of the bundle's {what}, got shape "
                f"{logits.shape}, or NaN; export the run again"
            )


def _failed(what: str, error: Exception) -> BundleError:
    reason = " ".join(str(error).split())[:300]
    return BundleError(f"the bundle's {what} cannot be run: {reason}; export the run again")
