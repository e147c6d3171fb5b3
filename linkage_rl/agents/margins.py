"""How much a route must promise before it is bought: one margin per route, from held-out cases.

A fitted gain is noisy, and buying whatever promises most buys what was overrated (the winner's
curse, Thaler 1988). A margin is taken off each route's gain. Margins large enough to buy a route
always or never make every fixed plan a special case, so that the best margins earn at least what
it earns on the cases that chose them.
"""

from dataclasses import dataclass, field
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


@dataclass
class _Situations:
    """What the scorer says of N cases at the route sets that have been reached, computed once."""

    scorer: CandidateScorer
    cases: CaseSet
    view: View
    weights: RewardWeights
    known: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = field(default_factory=dict)
    """Route set to the worth of stopping (N,) and the preference of each route over it (N, R);
    nan where a case has not been there."""

    def at(
        self, case: NDArray[np.int64], bought: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Worth of stopping (B,) and how much each route is preferred to it (B, R)."""
        if bought not in self.known:
            cases, routes = len(self.cases), len(self.view.prices)
            self.known[bought] = (
                np.full(cases, np.nan, dtype=np.float32),
                np.full((cases, routes), np.nan, dtype=np.float32),
            )
        stop, preferred = self.known[bought]
        missing = case[np.isnan(stop[case])]
        for begin in range(0, len(missing), _CHUNK):
            some = missing[begin : begin + _CHUNK]
            observation = self.view.observe(
                self.cases, some, np.full(len(some), bought, dtype=np.uint16)
            )
            said = ScorerPolicy(self.scorer).preferences(observation)
            stop[some] = stop_rewards(said, observation, self.cases, some, self.weights)
            layout = self.view.layout
            best_stop = said[:, : layout.slots + 1].max(axis=1, keepdims=True)
            preferred[some] = said[:, layout.first_route :] - best_stop
        return stop[case], preferred[case]

    def earned(self, shifts: NDArray[np.float64]) -> float:
        """Mean reward if these are taken off the preferences of the routes, shape (R,)."""
        price = self.weights.route_price_scale * np.asarray(self.view.prices)
        total = 0.0
        waiting = [(np.arange(len(self.cases)), 0)]
        while waiting:
            case, bought = waiting.pop()
            stop, preferred = self.at(case, bought)
            shifted = preferred - shifts
            route = shifted.argmax(axis=1)
            buys = shifted.max(axis=1) > 0
            total += float(stop[~buys].sum())
            for chosen in np.unique(route[buys]):
                some = case[buys & (route == chosen)]
                total -= price[chosen] * len(some)
                waiting.append((some, bought | 1 << int(chosen)))
        return total / len(self.cases)


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
