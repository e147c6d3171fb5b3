"""Run thresholds: the gain that a blocker must exceed to be run, chosen on held-out cases.

A fitted gain is noisy, and the blocker with the highest one tends to be overrated (the winner's
curse, Thaler 1988). So each blocker has a threshold that is subtracted from its gain. A threshold
can be so low or so high that the blocker always or never runs, which makes every static plan a
special case: on the cases that choose them, the best thresholds earn at least what the best static
plan that the search meets earns.
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
from linkage_rl.threads import spread

_STEPS: Final = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02, 0.04)
"""Run thresholds that are tried besides always and never, unit: one correct link."""
_PASSES: Final = 3
"""Passes of the search over all blockers, at most."""
_CHUNK: Final = 2048


class _Outputs:
    """Outputs of a scorer for the states that are reached, each computed once.

    A state is one of N cases with the set of blockers that have run.
    """

    def __init__(
        self, scorer: CandidateScorer, cases: CaseSet, view: View, weights: RewardWeights
    ) -> None:
        self.policy = ScorerPolicy(scorer)
        self.cases, self.view, self.weights = cases, view, weights
        blockers = len(view.costs)
        self.cost = weights.blocker_cost_scale * np.asarray(view.costs)
        self.set_row = np.full(1 << blockers, -1, dtype=np.int64)
        """Row of `state_row` for each set of blockers, -1 for sets that have not been reached."""
        self.state_row = np.empty((0, len(cases)), dtype=np.int64)
        """Row of `stop` and `gain` for each reached set and case, -1 where not computed."""
        self.states = 0
        """States that have been computed, M; further rows of `stop` and `gain` are room."""
        self.stop = np.zeros(1, dtype=np.float32)
        """Value of stopping, shape (M,)."""
        self.gain = np.zeros((1, blockers), dtype=np.float32)
        """Logit of each blocker minus that of stopping, shape (M, R)."""

    def mean_reward(self, shifts: NDArray[np.float64]) -> float:
        """Mean reward if `shifts`, shape (R,), are subtracted from the logits of the blockers."""
        case = np.arange(len(self.cases))
        ran = np.zeros(len(case), dtype=np.uint16)
        total = 0.0
        while len(case):
            row = self._rows(case, ran)
            shifted = self.gain[row] - shifts
            blocker = shifted.argmax(axis=1)
            runs = shifted[np.arange(len(row)), blocker] > 0
            total += float(self.stop[row[~runs]].sum(dtype=np.float64))
            case, blocker = case[runs], blocker[runs]
            total -= float(self.cost[blocker].sum())
            ran = ran[runs] | np.left_shift(1, blocker).astype(np.uint16)
        return total / len(self.cases)

    def _rows(self, case: NDArray[np.int64], ran: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Rows of these states, which are computed where they have not been reached before."""
        reached = np.unique(ran[self.set_row[ran] < 0])
        if len(reached):
            self.set_row[reached] = len(self.state_row) + np.arange(len(reached))
            added = np.full((len(reached), len(self.cases)), -1, dtype=np.int64)
            self.state_row = np.concatenate([self.state_row, added])
        new = self.state_row[self.set_row[ran], case] < 0
        if new.any():
            self._compute(case[new], ran[new])
        return self.state_row[self.set_row[ran], case]

    def _compute(self, case: NDArray[np.int64], ran: NDArray[np.uint16]) -> None:
        def outputs(begin: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            return self._outputs_of(case[begin : begin + _CHUNK], ran[begin : begin + _CHUNK])

        stops, gains = zip(*spread(outputs, range(0, len(case), _CHUNK)), strict=True)
        begin, end = self.states, self.states + len(case)
        self._make_room(end)
        np.concatenate(stops, out=self.stop[begin:end])
        np.concatenate(gains, out=self.gain[begin:end])
        self.state_row[self.set_row[ran], case] = np.arange(begin, end)
        self.states = end

    def _make_room(self, states: int) -> None:
        """Enlarge the arrays by at least half, so that little is copied in all."""
        if states > len(self.stop):
            rows = max(states, len(self.stop) * 3 // 2)
            self.stop = np.resize(self.stop, rows)
            self.gain = np.resize(self.gain, (rows, self.gain.shape[1]))

    def _outputs_of(
        self, case: NDArray[np.int64], ran: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        observation = self.view.observe(self.cases, case, ran)
        logits = self.policy.logits(observation)
        layout = self.view.layout
        best_stop = logits[:, : layout.slots + 1].max(axis=1, keepdims=True)
        stop = stop_rewards(logits, observation, self.cases, case, self.weights)
        return stop, logits[:, layout.first_blocker :] - best_stop


def with_run_thresholds(
    scorer: CandidateScorer,
    cases: CaseSet,
    view: View,
    weights: RewardWeights,
    temperature: float,
) -> CandidateScorer:
    """A copy of the scorer that runs blockers by the run thresholds with the highest mean reward.

    They are found by coordinate ascent, one blocker after the other. The search starts once from
    thresholds of 0 and once from the best static plan, which the same search finds among always and
    never.

    Args:
        scorer: Its logits express the gain of each blocker, fitted as gains (`warm_start`) or as
            Q-values (`fit_q_values`).
        cases: Labelled cases, preferably ones that the scorer has not been trained on.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
        temperature: Gain, in correct links, that raises a logit by one.
    """
    outputs = _Outputs(scorer, cases, view, weights)
    blockers = np.flatnonzero(
        [(cases.available >> blocker & 1).any() for blocker in range(len(view.costs))]
    )

    def search(start: NDArray[np.float64], steps: tuple[float, ...]) -> NDArray[np.float64]:
        best, reward = start, outputs.mean_reward(start / temperature)
        for _ in range(_PASSES):
            before = reward
            for blocker in blockers:
                for step in steps:
                    tried = best.copy()
                    tried[blocker] = step
                    tried_reward = outputs.mean_reward(tried / temperature)
                    if tried_reward > reward:
                        best, reward = tried, tried_reward
            if reward == before:
                break
        return best

    # No gain exceeds the difference between a right and a wrong link.
    never = weights.correct_link - weights.wrong_link
    fitted = np.zeros(len(view.costs))
    plan = search(np.full(len(view.costs), never), (-never, never))
    found = max(
        (search(start, (-never, *_STEPS, never)) for start in (fitted, plan)),
        key=lambda run_thresholds: outputs.mean_reward(run_thresholds / temperature),
    )
    shifted = copy_scorer(scorer)
    with torch.no_grad():
        shift = torch.from_numpy(found / temperature * scorer.config.temperature).float()
        bias: Tensor = shifted.gain[-1].bias  # type: ignore[assignment]
        bias.view(-1, scorer.config.quantiles)[1:].sub_(shift[:, None])
    return shifted
