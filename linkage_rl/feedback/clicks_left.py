"""About how many answers an audit still needs."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.feedback.audit_bets import Bets
from linkage_rl.feedback.audit_design import AuditDesign
from linkage_rl.feedback.bets import limit

_PRIOR: Final = 50
"""Draws that the precision which the confidences predict is worth."""
_LEAST_ERROR: Final = 0.0005
_MOST_DRAWS: Final = 1_000_000
_HALVINGS: Final = 30


def clicks_left(
    design: AuditDesign, drawn: int, precision: float, for_goal: Bets, against: Bets
) -> int | None:
    """Answers until the audit is decided, if the precision is as it looks.

    Args:
        design: The audit.
        drawn: Draws that have been answered.
        precision: Estimate of the precision from these draws.
        for_goal: Bets on the draws for the goal.
        against: Bets on the draws against it.

    Returns:
        At least 1; None where the precision is too near to the goal to be told from it.
    """
    expected = drawn * precision + _PRIOR * (1 - design.whole.error)
    typical = _Typical(design, expected / (drawn + _PRIOR))
    right, wrong = typical.right, typical.wrong
    alpha = 1 - design.confidence
    draws = min(
        typical.draws_until(for_goal, right, wrong, alpha),
        typical.draws_until(against, 1 - right, 1 - wrong, alpha),
    )
    if draws >= _MOST_DRAWS:
        return None
    return max(1, math.ceil(typical.different(drawn + draws) - typical.different(drawn)))


class _Typical:
    """Typical draws of an audit, T of them, each of which stands for equally many."""

    def __init__(self, design: AuditDesign, precision: float) -> None:
        """With errors for a list of this precision."""
        confidence = np.array(design.typical)
        chance = design.chance(confidence)
        whole = design.whole
        self._each = chance / whole.links
        self._links = 1 / (self._each * len(confidence))
        predicted = np.maximum(1 - confidence, _LEAST_ERROR)
        scale = (1 - precision) * whole.links / float((predicted * self._links).sum())
        self._error = np.clip(predicted * scale, 0.0, 1.0)
        ones = np.ones_like(confidence)
        self.wrong = whole.scaled(design.differences(confidence, ones))
        """Observation of a wrong link, shape (T,); see `Part.scaled`."""
        self.right = whole.scaled(design.differences(confidence, 0 * ones))
        """Observation of a right link, shape (T,)."""

    def draws_until(
        self, bets: Bets, right: NDArray[np.float64], wrong: NDArray[np.float64], alpha: float
    ) -> float:
        """Draws until the wealth is enough, if each gambler's grows as is to be expected.

        Args:
            bets: Those of the draws until now.
            right: Observations of right links, shape (T,).
            wrong: Observations of wrong links, shape (T,).
            alpha: Chance of rejecting a true claim.

        Returns:
            At most `_MOST_DRAWS`, which also stands for never.
        """
        stakes = bets.stakes[:, None]
        if_right = np.log1p(stakes * (right / bets.mean - 1))
        if_wrong = np.log1p(stakes * (wrong / bets.mean - 1))
        growth = (self._error * if_wrong + (1 - self._error) * if_right).mean(axis=1)
        enough = limit(alpha) + math.log(len(stakes))
        wealth = bets.gamblers()
        few, many = 0.0, float(_MOST_DRAWS)
        # it is too low now, and convex in the number of draws, so it is enough from one number on
        for _ in range(_HALVINGS):
            middle = (few + many) / 2
            if np.logaddexp.reduce(wealth + middle * growth) >= enough:
                many = middle
            else:
                few = middle
        return many

    def different(self, draws: float) -> float:
        """Different links among so many draws, to be expected."""
        missed = np.exp(draws * np.log1p(-np.minimum(self._each, 1 - 1e-12)))
        return float((self._links * (1 - missed)).sum())
