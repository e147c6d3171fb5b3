"""About how many answers an audit still needs."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.feedback.audit_bets import Bets
from linkage_rl.feedback.audit_design import AuditDesign
from linkage_rl.feedback.bets import limit

_PRIOR: Final = 30
"""Draws that the precision which the confidences predict is worth."""
_LEAST_ERROR: Final = 0.0005
_MOST_DRAWS: Final = 1_000_000


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
    groups = _Groups(
        design, (drawn * precision + _PRIOR * (1 - design.whole.error)) / (drawn + _PRIOR)
    )
    wrong, right = design.whole.scaled(groups.wrong), design.whole.scaled(groups.right)
    alpha = 1 - design.confidence
    draws = min(
        groups.draws_until(for_goal, right, wrong, alpha),
        groups.draws_until(against, 1 - right, 1 - wrong, alpha),
    )
    if draws > _MOST_DRAWS:
        return None
    return max(1, math.ceil(groups.different(drawn + draws) - groups.different(drawn)))


class _Groups:
    """The links of a list in groups of similar confidence, G of them."""

    def __init__(self, design: AuditDesign, precision: float) -> None:
        """Group the links between neighbouring thresholds, with errors for this precision."""
        parts = design.parts
        links = np.array([0.0] + [part.links for part in parts])
        self._links = np.diff(links)
        error = self._mean([part.error for part in parts], links)
        chance = self._mean([part.weight for part in parts], links)
        self._share = self._links * chance / links[-1]
        self._each = chance / links[-1]
        predicted = np.maximum(error, _LEAST_ERROR)
        scale = (1 - precision) / float((predicted * self._links).sum() / links[-1])
        self._error = np.clip(predicted * scale, 0.0, 1.0)
        self.wrong = (1 - error) / chance
        """Difference of a wrong link, shape (G,); see `AuditDesign.differences`."""
        self.right = -error / chance
        """Difference of a right link, shape (G,)."""

    def _mean(self, means: list[float], links: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = np.array([0.0, *means]) * links
        return np.diff(totals) / self._links

    def draws_until(
        self, bets: Bets, right: NDArray[np.float64], wrong: NDArray[np.float64], alpha: float
    ) -> float:
        """Draws until the first gambler alone decides, at the growth that is to be expected.

        Args:
            bets: Those of the draws until now.
            right: Observation of a right link of each group, shape (G,).
            wrong: Observation of a wrong link of each group, shape (G,).
            alpha: Chance of rejecting a true claim.
        """
        stakes = bets.stakes[:, None]
        if_right = np.log1p(stakes * (right / bets.mean - 1))
        if_wrong = np.log1p(stakes * (wrong / bets.mean - 1))
        growth = (self._share * (self._error * if_wrong + (1 - self._error) * if_right)).sum(axis=1)
        missing = limit(alpha) + math.log(len(stakes)) - bets.gamblers()
        needed = np.where(growth > 0, missing / np.where(growth > 0, growth, 1.0), np.inf)
        return max(1.0, float(needed.min()))

    def different(self, draws: float) -> float:
        """Different links among so many draws, to be expected."""
        missed = np.exp(draws * np.log1p(-np.minimum(self._each, 1 - 1e-12)))
        return float((self._links * (1 - missed)).sum())
