"""How much a route must promise before it is bought: one margin per route, from held-out cases.

A fitted gain is noisy, and buying whatever promises most buys what was overrated (the winner's
curse, Thaler 1988). A margin is taken off each route's gain. Margins large enough to buy a route
always or never make every fixed plan a special case, so that the best margins earn at least what
it earns on the cases that chose them.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.plans import stop_rewards
from linkage_rl.agents.scorer import CandidateScorer, copy_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.envs.rewards import RewardWeights

_STEPS: Final = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02, 0.04)
"""Margins tried besides always and never, unit: one correct link."""
_PASSES: Final = 3
_CHUNK: Final = 2048


class _Situations:
    """What the scorer says of N cases at the route sets that have been reached, computed once."""

    def __init__(
        self, scorer: CandidateScorer, cases: CaseSet, view: View, weights: RewardWeights
    ) -> None:
        self.policy = ScorerPolicy(scorer)
        self.cases, self.view, self.weights = cases, view, weights
        routes = len(view.prices)
        self.price = weights.route_price_scale * np.asarray(view.prices)
        # the pages of route sets that nobody reaches are never touched
        self.place = np.zeros((1 << routes, len(cases)), dtype=np.int32)
        """Row of a route set and case in what follows, counted from 1; 0 where it has not been."""
        self.stop = np.empty(0, dtype=np.float32)
        """Worth of stopping, shape (M,)."""
        self.preferred = np.empty((0, routes), dtype=np.float32)
        """Preference of each route over stopping, shape (M, R)."""

    def earned(self, shifts: NDArray[np.float64]) -> float:
        """Mean reward if these are taken off the preferences of the routes, shape (R,)."""
        case = np.arange(len(self.cases))
        bought = np.zeros(len(case), dtype=np.uint16)
        total = 0.0
        while len(case):
            self._visit(case, bought)
            row = self.place[bought, case] - 1
            shifted = self.preferred[row] - shifts
            route = shifted.argmax(axis=1)
            buys = shifted[np.arange(len(row)), route] > 0
            total += float(self.stop[row[~buys]].sum(dtype=np.float64))
            case, route = case[buys], route[buys]
            total -= float(self.price[route].sum())
            bought = bought[buys] | np.left_shift(1, route).astype(np.uint16)
        return total / len(self.cases)

    def _visit(self, case: NDArray[np.int64], bought: NDArray[np.uint16]) -> None:
        """Ask the scorer about the situations that have not been reached before."""
        new = self.place[bought, case] == 0
        case, bought = case[new], bought[new]
        if not len(case):
            return
        said = [
            self._ask(case[begin : begin + _CHUNK], bought[begin : begin + _CHUNK])
            for begin in range(0, len(case), _CHUNK)
        ]
        self.place[bought, case] = len(self.stop) + 1 + np.arange(len(case))
        stops, preferred = zip(*said, strict=True)
        self.stop = np.concatenate([self.stop, *stops])
        self.preferred = np.concatenate([self.preferred, *preferred])

    def _ask(
        self, case: NDArray[np.int64], bought: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        observation = self.view.observe(self.cases, case, bought)
        said = self.policy.preferences(observation)
        layout = self.view.layout
        best_stop = said[:, : layout.slots + 1].max(axis=1, keepdims=True)
        stop = stop_rewards(said, observation, self.cases, case, self.weights)
        return stop, said[:, layout.first_route :] - best_stop


def with_margins(
    scorer: CandidateScorer,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    sharpness: float,
) -> CandidateScorer:
    """A copy that buys with the margins that earn most, found one route after the other.

    The search starts once from the gains as they are and once from the best plan, which is found by
    the same search among always and never.

    Args:
        scorer: Says by its preferences what each route promises, as gains (`warm_start`) or as
            values (`fit_action_values`).
        cases: Labelled cases, best those that the scorer has not learned from.
        view: How cases are shown, and what routes cost.
        weights: What outcomes are worth.
        sharpness: Gain that raises a preference by one.
    """
    situations = _Situations(scorer, cases, view, weights)
    routes = np.flatnonzero(
        [(cases.available >> route & 1).any() for route in range(len(view.prices))]
    )

    def search(start: NDArray[np.float64], steps: tuple[float, ...]) -> NDArray[np.float64]:
        best, earned = start, situations.earned(start / sharpness)
        for _ in range(_PASSES):
            before = earned
            for route in routes:
                for step in steps:
                    tried = best.copy()
                    tried[route] = step
                    reward = situations.earned(tried / sharpness)
                    if reward > earned:
                        best, earned = tried, reward
            if earned == before:
                break
        return best

    # nothing can be worth more to know than the difference between a right and a wrong link
    never = weights.correct_link - weights.wrong_link
    fitted = np.zeros(len(view.prices))
    plan = search(np.full(len(view.prices), never), (-never, never))
    found = max(
        (search(start, (-never, *_STEPS, never)) for start in (fitted, plan)),
        key=lambda margins: situations.earned(margins / sharpness),
    )
    settled = copy_scorer(scorer)
    with torch.no_grad():
        shift = torch.from_numpy(found / sharpness * scorer.config.temperature).float()
        bias: Tensor = settled.buy[-1].bias  # type: ignore[assignment]
        bias.view(-1, scorer.config.quantiles)[1:].sub_(shift[:, None])
    return settled
