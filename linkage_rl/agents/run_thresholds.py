"""How much a blocker must promise before it is run: one run threshold per blocker, from held-out cases.

A fitted gain is noisy, and running the blocker that promises most runs an overrated one (the winner's
curse, Thaler 1988). A run threshold is taken off each blocker's gain. Run thresholds large enough to run a blocker
always or never make every static plan a special case, so that the best run thresholds earn at least what
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
from linkage_rl.decision.rewards import RewardWeights

_STEPS: Final = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02, 0.04)
"""Run thresholds tried besides always and never, unit: one correct link."""
_PASSES: Final = 3
_CHUNK: Final = 2048


class _Situations:
    """What the scorer says of N cases at the blocker sets that have been reached, computed once."""

    def __init__(
        self, scorer: CandidateScorer, cases: CaseSet, view: View, weights: RewardWeights
    ) -> None:
        self.policy = ScorerPolicy(scorer)
        self.cases, self.view, self.weights = cases, view, weights
        blockers = len(view.costs)
        self.cost = weights.blocker_cost_scale * np.asarray(view.costs)
        # the pages of blocker sets that nobody reaches are never touched
        self.place = np.zeros((1 << blockers, len(cases)), dtype=np.int32)
        """Row of a blocker set and case in what follows, counted from 1; 0 where it has not been."""
        self.stop = np.empty(0, dtype=np.float32)
        """Value of stopping, shape (M,)."""
        self.preferred = np.empty((0, blockers), dtype=np.float32)
        """Logit of each blocker over stopping, shape (M, R)."""

    def earned(self, shifts: NDArray[np.float64]) -> float:
        """Mean reward if these are taken off the logits of the blockers, shape (R,)."""
        case = np.arange(len(self.cases))
        ran = np.zeros(len(case), dtype=np.uint16)
        total = 0.0
        while len(case):
            self._visit(case, ran)
            row = self.place[ran, case] - 1
            shifted = self.preferred[row] - shifts
            blocker = shifted.argmax(axis=1)
            runs = shifted[np.arange(len(row)), blocker] > 0
            total += float(self.stop[row[~runs]].sum(dtype=np.float64))
            case, blocker = case[runs], blocker[runs]
            total -= float(self.cost[blocker].sum())
            ran = ran[runs] | np.left_shift(1, blocker).astype(np.uint16)
        return total / len(self.cases)

    def _visit(self, case: NDArray[np.int64], ran: NDArray[np.uint16]) -> None:
        """Ask the scorer about the situations that have not been reached before."""
        new = self.place[ran, case] == 0
        case, ran = case[new], ran[new]
        if not len(case):
            return
        said = [
            self._ask(case[begin : begin + _CHUNK], ran[begin : begin + _CHUNK])
            for begin in range(0, len(case), _CHUNK)
        ]
        self.place[ran, case] = len(self.stop) + 1 + np.arange(len(case))
        stops, preferred = zip(*said, strict=True)
        self.stop = np.concatenate([self.stop, *stops])
        self.preferred = np.concatenate([self.preferred, *preferred])

    def _ask(
        self, case: NDArray[np.int64], ran: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        observation = self.view.observe(self.cases, case, ran)
        said = self.policy.logits(observation)
        layout = self.view.layout
        best_stop = said[:, : layout.slots + 1].max(axis=1, keepdims=True)
        stop = stop_rewards(said, observation, self.cases, case, self.weights)
        return stop, said[:, layout.first_blocker :] - best_stop


def with_run_thresholds(
    scorer: CandidateScorer,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    temperature: float,
) -> CandidateScorer:
    """A copy that runs blockers by the run thresholds that earn most, found one blocker after the other.

    The search starts once from the gains as they are and once from the best plan, which is found by
    the same search among always and never.

    Args:
        scorer: Says by its logits what each blocker promises, as gains (`warm_start`) or as
            values (`fit_q_values`).
        cases: Labelled cases, best those that the scorer has not learned from.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
        temperature: Gain that raises a logit by one.
    """
    situations = _Situations(scorer, cases, view, weights)
    blockers = np.flatnonzero(
        [(cases.available >> blocker & 1).any() for blocker in range(len(view.costs))]
    )

    def search(start: NDArray[np.float64], steps: tuple[float, ...]) -> NDArray[np.float64]:
        best, earned = start, situations.earned(start / temperature)
        for _ in range(_PASSES):
            before = earned
            for blocker in blockers:
                for step in steps:
                    tried = best.copy()
                    tried[blocker] = step
                    reward = situations.earned(tried / temperature)
                    if reward > earned:
                        best, earned = tried, reward
            if earned == before:
                break
        return best

    # no knowledge has a higher value than the difference between a right and a wrong link
    never = weights.correct_link - weights.wrong_link
    fitted = np.zeros(len(view.costs))
    plan = search(np.full(len(view.costs), never), (-never, never))
    found = max(
        (search(start, (-never, *_STEPS, never)) for start in (fitted, plan)),
        key=lambda run_thresholds: situations.earned(run_thresholds / temperature),
    )
    settled = copy_scorer(scorer)
    with torch.no_grad():
        shift = torch.from_numpy(found / temperature * scorer.config.temperature).float()
        bias: Tensor = settled.gain[-1].bias  # type: ignore[assignment]
        bias.view(-1, scorer.config.quantiles)[1:].sub_(shift[:, None])
    return settled
