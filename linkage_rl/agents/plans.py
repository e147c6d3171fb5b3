"""Static plans: run the same blockers for every client, then link or declare no match."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ActionLayout, blocker_cost
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights, outcomes
from linkage_rl.protocols import Policy
from linkage_rl.records import Observation
from linkage_rl.threads import spread

_CHUNK = 2048


def layout_of(observation: Observation) -> ActionLayout:
    """The layout of the actions, from the shapes of an observation."""
    slots = observation.candidates.shape[1]
    return ActionLayout(slots, observation.action_mask.shape[1] - slots - 2)


def stop_rewards(
    logits: NDArray[np.float32],
    observation: Observation,
    cases: CaseSet,
    case: NDArray[np.int64],
    weights: RewardWeights,
) -> NDArray[np.float32]:
    """Value of the preferred link or no match without the cost of blockers, shape (B,).

    Args:
        logits: Of a policy, shape (B, A).
        observation: What the policy observed.
        cases: Labelled cases.
        case: Position of each observed case, shape (B,).
        weights: Value of each outcome.
    """
    layout = layout_of(observation)
    action = logits[:, : layout.slots + 1].argmax(axis=1).astype(np.int64)
    slot = np.minimum(action, layout.slots - 1)
    pair = observation.slot_candidates[np.arange(len(slot)), slot]
    right = np.zeros(len(case), dtype=np.bool_)
    if cases.pairs:
        right = (pair >= 0) & cases.is_right[np.maximum(pair, 0)]
    value: NDArray[np.float32] = weights.of_outcome[
        outcomes(layout, action, right, cases.has_row[case])
    ]
    return value


def plan_reward(
    policy: Policy, blockers: int, cases: CaseSet, view: View, weights: RewardWeights
) -> float:
    """Mean reward if the same blockers are run for every client and the policy then stops.

    Args:
        policy: Chooses a link or no match.
        blockers: The plan, one bit per blocker; blockers that do not apply are skipped.
        cases: Labelled cases.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
    """
    costs = np.asarray(view.costs, dtype=np.float32)

    def reward(begin: int) -> float:
        case = np.arange(begin, min(begin + _CHUNK, len(cases)))
        ran = np.asarray(cases.available[case] & np.uint16(blockers))
        observation = view.observe(cases, case, ran)
        value = stop_rewards(policy.logits(observation), observation, cases, case, weights)
        cost = weights.blocker_cost_scale * blocker_cost(ran, costs)
        return float((value - cost).sum())

    return sum(spread(reward, range(0, len(cases), _CHUNK))) / len(cases)


def static_plan(
    policy: Policy, cases: CaseSet, view: View, weights: RewardWeights
) -> tuple[int, ...]:
    """The best static plan that local search finds, as positions of blockers, cheapest first.

    The search adds or removes one blocker at a time, starting from none and from all. A plan always
    runs completely, so that its order does not matter.

    Args:
        policy: Chooses a link or no match.
        cases: Labelled cases, preferably those of validation.
        view: How cases are shown, and what blockers cost.
        weights: Value of each outcome.
    """
    blockers = len(view.costs)
    rewards: dict[int, float] = {}

    def reward(bits: int) -> float:
        if bits not in rewards:
            rewards[bits] = plan_reward(policy, bits, cases, view, weights)
        return rewards[bits]

    for start in (0, (1 << blockers) - 1):
        plan = start
        while True:
            best = max((plan ^ (1 << blocker) for blocker in range(blockers)), key=reward)
            if reward(best) <= reward(plan):
                break
            plan = best
    chosen = max(rewards, key=lambda bits: rewards[bits])
    included = [blocker for blocker in range(blockers) if chosen >> blocker & 1]
    return tuple(sorted(included, key=lambda blocker: view.costs[blocker]))
