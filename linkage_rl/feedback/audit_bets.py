"""Bets of an audit: against the claim that links are less precise than a goal, and the reverse."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.feedback.audit_design import AuditDesign, Part
from linkage_rl.feedback.bets import limit, mixture_wealth

_LESS: Final = 0.6
"""The largest stake for the goal is the best one for links with this share less errors."""
_MORE: Final = 3.0
"""The largest stake against it is the best one for links with this many times more errors."""


@dataclass(frozen=True)
class Bets:
    """Bets against the claim that observations have at most a given mean."""

    x: NDArray[np.float64]
    """Observations in [0, 1], shape (..., n)."""
    mean: float
    """The claimed mean."""
    stakes: NDArray[np.float64]
    """See `bets.mixture_wealth`, shape (S,)."""

    def wealth(self) -> NDArray[np.float64]:
        """Log wealth after each observation, shape (..., n)."""
        return mixture_wealth(self.x, self.mean, self.stakes)

    def won(self, alpha: float) -> bool:
        """Whether the claim was rejected at any time until now."""
        return bool(self.wealth().max(initial=-np.inf) >= limit(alpha))

    def gamblers(self) -> NDArray[np.float64]:
        """Log wealth of each gambler after the last observation, shape (S,)."""
        ratio = self.x / self.mean - 1
        grown = np.log1p(self.stakes[:, None] * ratio)
        return np.asarray(grown.sum(axis=1), dtype=np.float64)


def bets_for(part: Part, difference: NDArray[np.float64], goal: float) -> Bets:
    """Bets against the claim that the precision of these links is at most the goal.

    Args:
        part: The links.
        difference: See `AuditDesign.differences`, of draws that belong to the part; an unsure
            answer is an error. Shape (..., n).
        goal: The precision, in (0, 1).
    """
    mean = part.mean_at(goal)
    return Bets(part.scaled(difference), mean, part.stakes(_LESS * (1 - goal), mean))


def bets_against(part: Part, difference: NDArray[np.float64], goal: float) -> Bets:
    """Bets against the claim that the precision of these links is at least the goal.

    Args:
        part: See `bets_for`.
        difference: See `bets_for`; an unsure answer is no error.
        goal: See `bets_for`.
    """
    mean = 1 - part.mean_at(goal)
    return Bets(1 - part.scaled(difference), mean, part.stakes(_MORE * (1 - goal), mean))


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
