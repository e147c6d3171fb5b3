"""From which confidence on the links of a list are as precise as wanted."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.feedback.audit_bets import bets_for
from linkage_rl.feedback.audit_design import AuditDesign, Part


def holding_part(
    design: AuditDesign, confidence: NDArray[np.float64], error: NDArray[np.float64]
) -> Part | None:
    """The most links, from a confidence on, that are shown to be as precise as the goal.

    The thresholds are tested from the highest down, each by bets of its own, until the first that
    is not shown to hold yet. Since their order was fixed before the answers, the chance that the
    one returned does not hold is that of one test (fixed-sequence testing: Maurer, Hothorn and
    Lehmacher, 1995), at any time.

    Args:
        design: The audit.
        confidence: Confidences of the draws, shape (n,).
        error: 1 for wrong and unsure links, 0 for right ones, shape (n,).

    Returns:
        The part of the design; None where nothing is shown yet.
    """
    alpha = 1 - design.confidence
    difference = design.differences(confidence, error)
    found = None
    for part in design.parts:
        mine = difference[confidence >= part.threshold]
        if not bets_for(part, mine, design.goal).won(alpha):
            break
        found = part
    return found
